"""Which codec a scheme sends with, of all that stand behind the contract of satsim.codec."""

from collections.abc import Mapping

from satsim.codec import Distance, NothingFits, PhotoCodec
from satsim.codec_settings import Search
from satsim.external import ExternalCodec
from satsim.file_codecs import FileCodec, IdentityCodec, ThumbHashCodec
from satsim.progressive_codecs import ProgressiveFileCodec
from satsim.settings import Scenario, Scheme
from satsim.shrunk_codec import ShrunkCodec
from satsim.ssdv import SsdvCodec
from satsim.trained_codec import ProgicCodec, TrainedCodec
from satsim.units import HEADER_BYTES, MAX_STAGES


def codec_of(
    scheme: Scheme, scenario: Scenario, models: Mapping[Search, TrainedCodec], distance: Distance
) -> PhotoCodec:
    """Return the codec that a scheme sends with, within the scheme's budget and what a header can count.

    `models` are the trained codec by its search, none for a scheme that does not send with it;
    `distance` is what files are chosen by.
    """
    codec = _full_size_codec(scheme, scenario, models, distance)
    size = scenario.size_of(scheme)
    return codec if size == scenario.image.original_size else ShrunkCodec(codec, size)


def unfit_text(codec: PhotoCodec, scheme: Scheme, scenario: Scenario, refusal: NothingFits) -> str:
    """Return why a scheme shows nothing: its codec, its room, and how near the codec came if it says so."""
    near = f"; {refusal}" if str(refusal) else ""
    return f"{codec.name}: nothing fits in {room_text(scheme, scenario)}{near}"


def room_text(scheme: Scheme, scenario: Scenario) -> str:
    """Return how much a scheme may send, where nothing fits: its budget, or all packets that there can be."""
    budget_bytes, piece_bytes = scenario.budget_bytes(scheme), scenario.link.payload_bytes - HEADER_BYTES
    most_bytes = piece_bytes * MAX_STAGES
    if budget_bytes <= most_bytes:
        return f"{budget_bytes} bytes"
    return f"{most_bytes} bytes, {MAX_STAGES} packets of {piece_bytes}"


def _full_size_codec(
    scheme: Scheme, scenario: Scenario, models: Mapping[Search, TrainedCodec], distance: Distance
) -> PhotoCodec:
    budget_bytes, codec = scenario.budget_bytes(scheme), scenario.codec
    piece_bytes = scenario.link.payload_bytes - HEADER_BYTES
    file_bytes = min(budget_bytes, piece_bytes * MAX_STAGES)
    match scheme.codec:
        case "identity":
            return IdentityCodec(file_bytes, piece_bytes)
        case "thumbhash":
            return ThumbHashCodec(file_bytes)
        case "ssdv":
            return SsdvCodec(file_bytes, piece_bytes, distance)
        case "jpeg_progressive" | "jp2":
            return ProgressiveFileCodec(scheme.codec, file_bytes, piece_bytes, distance)
        case "command" if scheme.command is not None:
            return ExternalCodec(scheme.name, scheme.command, file_bytes)
        case "jpeg" | "webp" | "avif" | "jxl" | "heic":
            return FileCodec(scheme.codec, file_bytes, distance)
    model = models.get(scenario.search_of(scheme))
    if model is None:
        raise ValueError(f"{scheme.name}: no trained codec given")
    return ProgicCodec(model, codec.stages, codec.bits_per_index, codec.downsampling_factor, budget_bytes)
