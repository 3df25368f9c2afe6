"""Stages into packets, whole stages only: a packet that arrives alone must be of use alone."""

from collections.abc import Sequence

from satsim.errors import PacketizeError
from satsim.packets import ImageTag, Packet, pack
from satsim.records import Frame
from satsim.units import HEADER_BYTES, MAX_STAGES


def packetize(stages: Sequence[bytes], image: ImageTag, payload_bytes: int) -> tuple[Packet, ...]:
    """Return the packets that carry `stages` in order, each with as many as fit into `payload_bytes`.

    The header counts as payload. Only stages of equal length share a packet: the header holds no lengths.
    Raises PacketizeError for a stage that is empty or does not fit, or if `image` counts other stages.
    """
    if len(stages) != image.n_stages:
        raise PacketizeError(f"{len(stages)} stages to send, but the header would say {image.n_stages}")
    return _packed(stages, image, payload_bytes, is_parity=False)


def packetize_parity(stages: Sequence[bytes], image: ImageTag, payload_bytes: int) -> tuple[Packet, ...]:
    """Do the same with parity stages (satsim.fec), of which an image may have any number up to 64."""
    return _packed(stages, image, payload_bytes, is_parity=True)


def _packed(
    stages: Sequence[bytes], image: ImageTag, payload_bytes: int, is_parity: bool
) -> tuple[Packet, ...]:
    room = payload_bytes - HEADER_BYTES
    for number, stage in enumerate(stages):
        if not 0 < len(stage) <= room:
            raise PacketizeError(
                f"stage {number} has {len(stage)} bytes; allowed: 1 to {room}, the link's payload of"
                f" {payload_bytes} less the {HEADER_BYTES} of the header"
            )
    packets = []
    first = 0
    while first < len(stages):
        count = _fitting(stages, first, room)
        packets.append(Packet(image, first, count, b"".join(stages[first : first + count]), is_parity))
        first += count
    return tuple(packets)


def chunk(file: bytes, payload_bytes: int) -> tuple[bytes, ...]:
    """Cut a file that is of use only as a whole into "stages" of one packet each, the last one shorter.

    Raises PacketizeError for an empty file or one that takes more packets than a header can count.
    """
    room = payload_bytes - HEADER_BYTES
    most = room * MAX_STAGES
    if not 0 < len(file) <= most:
        raise PacketizeError(
            f"a file of {len(file)} bytes; allowed: 1 to {most}, {MAX_STAGES} packets of {payload_bytes}"
            f" bytes less the {HEADER_BYTES} of the header"
        )
    return tuple(file[start : start + room] for start in range(0, len(file), room))


def frames_of(packets: Sequence[Packet]) -> list[Frame]:
    """Return the packets as they go on the air, numbered from 1."""
    return [Frame(number, stages_label(packet), 0, pack(packet)) for number, packet in enumerate(packets, 1)]


def stages_label(packet: Packet) -> str:
    """Return what a log says of a packet's stages: "0", "0-2", "parity 1"."""
    last = packet.first_stage + packet.stage_count - 1
    stage = f"{packet.first_stage}" if packet.stage_count == 1 else f"{packet.first_stage}-{last}"
    return f"parity {stage}" if packet.is_parity else stage


def _fitting(stages: Sequence[bytes], first: int, room: int) -> int:
    length = len(stages[first])
    count = 1
    while (
        first + count < len(stages) and len(stages[first + count]) == length and (count + 1) * length <= room
    ):
        count += 1
    return count
