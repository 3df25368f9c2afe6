"""Stages into packets, whole stages only: a packet that arrives alone must be of use alone."""

from collections.abc import Sequence

from satsim.errors import PacketizeError
from satsim.header import ImageTag
from satsim.packets import AnyPacket, Packet, Pieces, pack
from satsim.records import Frame
from satsim.ulp import pieces_bytes, protected
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


def packetize_pieces(
    stages: Sequence[bytes], needed: Sequence[int], n_packets: int, image: ImageTag, payload_bytes: int
) -> tuple[Pieces, ...]:
    """Return `n_packets` packets with a piece of every stage; any `needed[k]` of them give back stage k.

    Raises PacketizeError where one does not fit, and BadField for stages of other lengths (satsim.ulp).
    """
    size = HEADER_BYTES + pieces_bytes([len(stage) for stage in stages], needed)
    if size > payload_bytes:
        raise PacketizeError(f"a piece of every stage takes {size} bytes; allowed: {payload_bytes}")
    protection, pieces = protected(stages, needed, n_packets)
    return tuple(Pieces(image, number, n_packets, protection, each) for number, each in enumerate(pieces))


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


def frames_of(packets: Sequence[AnyPacket]) -> list[Frame]:
    """Return the packets as they go on the air, numbered from 1."""
    return [Frame(number, packet.label, 0, pack(packet)) for number, packet in enumerate(packets, 1)]


def _fitting(stages: Sequence[bytes], first: int, room: int) -> int:
    length = len(stages[first])
    count = 1
    while (
        first + count < len(stages) and len(stages[first + count]) == length and (count + 1) * length <= room
    ):
        count += 1
    return count
