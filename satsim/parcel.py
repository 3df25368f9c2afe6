"""An encoded photo as the packets that a sender has to send: the same bytes simulated and on the air."""

from typing import NamedTuple

from satsim.codec import Encoded
from satsim.fec import parity_stages
from satsim.header import ImageTag
from satsim.intake import Photo
from satsim.packetize import chunk, packetize, packetize_parity, packetize_pieces
from satsim.packets import AnyPacket
from satsim.repair_settings import Erasure, Repair, Ulp


class Parcel(NamedTuple):
    """One photo, ready to send."""

    stages: tuple[bytes, ...]  # of a file its pieces
    packets: tuple[AnyPacket, ...]  # in order, parity last


def parcel_of(
    encoded: Encoded,
    photo: Photo,
    size: tuple[int, int],
    repair: Repair,
    payload_bytes: int,
    capture_time: int,
) -> Parcel:
    """Cut `encoded` into packets of at most `payload_bytes`, with parity or in pieces as the repair asks.

    `size` is the width and height that were encoded, `capture_time` in seconds since 1970-01-01 UTC.
    Raises PacketizeError, BadField.
    """
    cuts_file = encoded.is_file and not isinstance(repair, Ulp)
    stages = chunk(encoded.stages[0], payload_bytes) if cuts_file else encoded.stages
    tag = ImageTag(
        image_id=int(photo.facts.sha256[:4], 16),
        n_stages=len(stages),
        bits_per_index=encoded.bits_per_index,
        downsampling_factor=encoded.downsampling_factor,
        width=size[0],
        height=size[1],
        fingerprint=encoded.fingerprint,
        capture_time=capture_time,
    )
    if isinstance(repair, Ulp):
        needed = repair.needed_of(len(stages), encoded.is_file)
        return Parcel(stages, packetize_pieces(stages, needed, repair.packets, tag, payload_bytes))
    packets = packetize(stages, tag, payload_bytes)
    if isinstance(repair, Erasure):
        packets += packetize_parity(parity_stages(stages, repair.parity_stages), tag, payload_bytes)
    return Parcel(stages, packets)
