"""A photo as the frames that a real sender has to send: the simulator's packets, in the repair's order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from progic.images import fit_photo
from satsim.codec import CodecFailed, Encoded, NothingFits
from satsim.codec_settings import Search
from satsim.codecs import codec_of, unfit_text
from satsim.errors import InputError
from satsim.header import ImageTag
from satsim.intake import check_model, check_sizes, load_models, load_perceptual, open_for
from satsim.order import open_loop
from satsim.packet_room import check_link
from satsim.packetize import frames_of
from satsim.packets import AnyPacket, pack
from satsim.parcel import parcel_of
from satsim.quality import Scorer
from satsim.records import Frame
from satsim.repair_settings import ArqNextSlot, ArqRound, NoRepair
from satsim.settings import Scenario, Scheme


class Sending(NamedTuple):
    """A photo's packets, repeats and all."""

    image: ImageTag
    plan: list[Frame]  # in order; of a stagewise search with the encoder's codes
    frames: Iterator[Frame]  # those of the plan as they are sent, each as soon as its codes are found
    codec: str  # as the scheme names it


def frames_to_send(scenario: Scenario, file: str, scheme_name: str | None, capture_time: int) -> Sending:
    """Return what one of the scenario's schemes sends.

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
    models = load_models(alone.codec.model, alone.searches)
    search = alone.search_of(scheme) if models else Search()
    scorer = Scorer(photo.image, alone.metrics, load_perceptual(alone.metrics))
    first = scheme.model_copy(update={"refine_steps": 0}) if search.stagewise else scheme
    codec = codec_of(first, alone, models, scorer.distance)
    try:
        encoded = codec.encode(photo.image)
    except NothingFits as refusal:
        raise InputError(f"{file}: {unfit_text(codec, scheme, alone, refusal)}; allowed: more") from None
    except CodecFailed as failure:
        raise InputError(f"{file}: {failure}") from None
    repair = alone.repair_of(scheme)
    if isinstance(repair, ArqNextSlot | ArqRound):
        repair = NoRepair(kind="none")
    size, payload_bytes = alone.size_of(scheme), alone.link.payload_bytes

    def packed(encoded: Encoded) -> tuple[AnyPacket, ...]:
        return parcel_of(encoded, photo, size, repair, payload_bytes, capture_time).packets

    packets = packed(encoded)
    plan = open_loop(repair, frames_of(packets))
    frames = iter(plan)
    if search.stagewise:
        found = models[search].encode_each(fit_photo(photo.image, size))
        frames = _as_found(plan, encoded, found, packed)
    return Sending(packets[0].image, plan, frames, scheme.codec)


def _as_found(
    plan: Sequence[Frame],
    encoded: Encoded,
    found: Iterator[bytes],
    packed: Callable[[Encoded], tuple[AnyPacket, ...]],
) -> Iterator[Frame]:
    """Yield the frames of the plan with the stages `found`, each as soon as the last stage in it is there."""
    n_found, last_stages = 0, [packet.last_stage for packet in packed(encoded)]
    for frame in plan:
        number = frame.packet - 1
        for stage in range(n_found, last_stages[number] + 1):
            stages = (*encoded.stages[:stage], next(found), *encoded.stages[stage + 1 :])
            encoded, n_found = replace(encoded, stages=stages), stage + 1
        yield frame._replace(data=pack(packed(encoded)[number]))


def _scheme(scenario: Scenario, file: str, name: str | None) -> Scheme:
    schemes = {scheme.name: scheme for scheme in scenario.schemes}
    if name is None:
        return scenario.schemes[0]
    if name not in schemes:
        raise InputError(f"--scheme: found {name}; allowed: {', '.join(schemes)}, those of {file}")
    return schemes[name]
