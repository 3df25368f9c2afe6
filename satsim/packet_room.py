"""Whether a packet has room for what a scenario's schemes put into it, and what would fit if not."""

from progic import weights
from satsim.errors import ScenarioError
from satsim.repair_settings import Ulp
from satsim.settings import LinkSettings, Scenario, Scheme
from satsim.ulp import MAX_STAGE_BYTES, pieces_bytes
from satsim.units import HEADER_BYTES, stage_bytes


def check_link(scenario: Scenario, file: str) -> None:
    """Raise a ScenarioError if a packet cannot hold what its scheme puts into one; it says what would fit."""
    for scheme in scenario.schemes:
        repair = scenario.repair_of(scheme)
        if isinstance(repair, Ulp):
            _check_pieces(scenario, scheme, repair, file)
        elif scheme.codec == "progic":
            _check_one_stage(scenario, scheme, file)


def _check_pieces(scenario: Scenario, scheme: Scheme, repair: Ulp, file: str) -> None:
    """Raise a ScenarioError if a piece of every stage, or of the largest file, does not fit into a packet."""
    if scheme.codec == "ssdv":
        found, allowed = f"ulp for {scheme.name}", "another kind: the packets of ssdv differ in length"
        key = "repair.kind" if scheme.repair is None else f"repair of {scheme.name}"
        raise ScenarioError(file, key, found, allowed)
    lengths = _stage_lengths(scenario, scheme)
    if max(lengths) > MAX_STAGE_BYTES:
        found, allowed = f"{max(lengths)} bytes to cut into pieces", f"at most {MAX_STAGE_BYTES}"
        raise ScenarioError(file, f"scheme {scheme.name}", found, allowed)
    needed, most = repair.needed_of(len(lengths), scheme.codec != "progic"), (repair.packets,) * len(lengths)
    size, least = (HEADER_BYTES + pieces_bytes(lengths, each) for each in (needed, most))
    room = scenario.link.payload_bytes
    if size > room:
        found = f"{_payload_text(scenario.link)}, but a piece of each of {len(lengths)} stages"
        found = f"{found} takes {size} with its header (scheme {scheme.name})"
        larger = f", or larger numbers in repair.needed (all {repair.packets} take {least})"
        allowed = f"at least {size}" + (larger if least <= room else "")
        raise ScenarioError(file, "link.payload_bytes", found, allowed)


def _stage_lengths(scenario: Scenario, scheme: Scheme) -> list[int]:
    """Return the bytes of each stage that a scheme sends; of a file, which counts as one, the most."""
    codec, budget_bytes = scenario.codec, scenario.budget_bytes(scheme)
    if scheme.codec != "progic":
        return [budget_bytes]
    one_stage = stage_bytes(scenario.size_of(scheme), codec.bits_per_index, codec.downsampling_factor)
    return [one_stage] * max(1, min(codec.stages, budget_bytes // one_stage))


def _check_one_stage(scenario: Scenario, scheme: Scheme, file: str) -> None:
    size, codec = scenario.size_of(scheme), scenario.codec
    needed = stage_bytes(size, codec.bits_per_index, codec.downsampling_factor) + HEADER_BYTES
    if needed <= scenario.link.payload_bytes:
        return
    width, height = size
    found = (
        f"{_payload_text(scenario.link)}, but one stage of {width}x{height} px at L={codec.bits_per_index},"
        f" f={codec.downsampling_factor} takes {needed - HEADER_BYTES} bytes and its header {HEADER_BYTES}"
    )
    allowed = ", or ".join([f"at least {needed}", *_what_would_fit(scenario, scheme)])
    raise ScenarioError(file, "link.payload_bytes", found, allowed)


def _payload_text(link: LinkSettings) -> str:
    return f"{link.payload_bytes}" + (f" (preset {link.preset})" if link.preset else "")


def _what_would_fit(scenario: Scenario, scheme: Scheme) -> list[str]:
    room = scenario.link.payload_bytes - HEADER_BYTES
    codec, size = scenario.codec, scenario.size_of(scheme)
    key = "image.size" if scheme.size is None else f"size of {scheme.name}"
    n_bits, factor = codec.bits_per_index, codec.downsampling_factor
    narrower = ((w, max(1, round(w * size[1] / size[0]))) for w in range(size[0], 0, -1))
    smaller = next((each for each in narrower if stage_bytes(each, n_bits, factor) <= room), None)
    fits = [f"{key} at most [{smaller[0]}, {smaller[1]}]"] if smaller else []
    return fits + _models_that_fit(size, room)


def _models_that_fit(size: tuple[int, int], room: int) -> list[str]:
    """Return the codec of the bundled model whose stage is the largest that fits; nothing if none does."""
    lengths = {
        name: stage_bytes(size, config.bits_per_index, config.downsampling_factor)
        for name, config in ((name, weights.config_of(name)) for name in weights.bundled_models())
    }
    fitting = {name: length for name, length in lengths.items() if length <= room}
    return [codec_text(max(fitting, key=fitting.__getitem__))] if fitting else []


def codec_text(model: str) -> str:
    """Return a model, bundled or a file, with its N, L and f, as a scenario's section `codec`."""
    config = weights.config_of(model)
    shape = f"stages: {config.n_stages}, bits_per_index: {config.bits_per_index}"
    return f"codec: {{model: {model}, {shape}, downsampling_factor: {config.downsampling_factor}}}"
