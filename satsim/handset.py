"""A photo as the frames that a real sender has to send: the simulator's packets, in the repair's order."""

from satsim.codec import CodecFailed, NothingFits
from satsim.codecs import codec_of
from satsim.errors import InputError
from satsim.header import ImageTag
from satsim.intake import check_model, check_sizes, load_parts, open_for
from satsim.order import open_loop
from satsim.packet_room import check_link
from satsim.packetize import frames_of
from satsim.parcel import parcel_of
from satsim.quality import Scorer
from satsim.records import Frame
from satsim.repair_settings import ArqNextSlot, ArqRound, NoRepair
from satsim.scenario import Scenario, Scheme


def frames_to_send(
    scenario: Scenario, file: str, scheme_name: str | None, capture_time: int
) -> tuple[ImageTag, list[Frame]]:
    """Return the photo's header and its frames, repeats and all, by one of the scenario's schemes.

    There is no way back here, so ARQ sends each packet once. The first scheme is taken where none is named.
    Raises satsim's and progic's InputErrors.
    """
    scheme = _scheme(scenario, file, scheme_name)
    alone = scenario.model_copy(update={"schemes": (scheme,)})
    if scheme.codec in ("progic", "identity"):  # nothing to choose by a score
        alone = alone.model_copy(update={"metrics": ("psnr_db",)})
    check_link(alone, file)
    check_sizes(alone, file)
    photo = open_for(alone, alone.image.path)
    check_model(alone, file)
    parts = load_parts(alone)
    scorer = Scorer(photo.image, alone.metrics, parts.perceptual)
    codec = codec_of(scheme, alone, parts.models, scorer.distance)
    try:
        encoded = codec.encode(photo.image)
    except NothingFits as limit:
        bytes_allowed = f"{alone.budget_bytes(scheme)} bytes{limit}"
        raise InputError(f"{file}: {codec.name}: nothing fits in {bytes_allowed}; allowed: more") from None
    except CodecFailed as failure:
        raise InputError(f"{file}: {failure}") from None
    repair = alone.repair_of(scheme)
    if isinstance(repair, ArqNextSlot | ArqRound):
        repair = NoRepair(kind="none")
    size, payload_bytes = alone.size_of(scheme), alone.link.payload_bytes
    packets = parcel_of(encoded, photo, size, repair, payload_bytes, capture_time).packets
    return packets[0].image, open_loop(repair, frames_of(packets))


def _scheme(scenario: Scenario, file: str, name: str | None) -> Scheme:
    schemes = {scheme.name: scheme for scheme in scenario.schemes}
    if name is None:
        return scenario.schemes[0]
    if name not in schemes:
        raise InputError(f"--scheme: found {name}; allowed: {', '.join(schemes)}, those of {file}")
    return schemes[name]
