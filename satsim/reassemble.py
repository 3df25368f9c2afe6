"""Deliveries into stages held: whatever bytes arrive are judged and counted, and none stops the receiver."""

from collections.abc import Mapping
from types import MappingProxyType

from satsim.errors import PacketError
from satsim.fec import recover
from satsim.header import ImageTag
from satsim.packets import Packet, Pieces, parse
from satsim.records import Delivery, Holding, Verdict
from satsim.ulp import recovered

DIFFERS = "its bytes differ from those held"


class Reassembler:
    """The stages of one image, gathered from its packets in any order.

    It follows the image that it is given or else the first one heard. Packets of any other image are
    rejected, so a picture is never made of two.
    """

    def __init__(self, image: ImageTag | None = None) -> None:
        self._image = image
        self._stages: dict[int, bytes] = {}
        self._parity: dict[int, bytes] = {}
        self._pieces: dict[int, Pieces] = {}
        self._holdings: list[Holding] = []
        self._packets = 0
        self._bytes = 0

    @property
    def n_packets(self) -> int:
        """How many were kept, those too that have brought no stage yet."""
        return self._packets

    @property
    def n_bytes(self) -> int:
        """Their bytes, headers included."""
        return self._bytes

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What was held from when on, one entry for each packet that brought a stage, or gave one back."""
        return tuple(self._holdings)

    @property
    def stages(self) -> Mapping[int, bytes]:
        """The bytes of the stages held, by 0-based number."""
        return MappingProxyType(self._stages)

    @property
    def complete(self) -> bool:
        """Whether every stage that the sender announced is held."""
        return self._image is not None and len(self._stages) == self._image.n_stages

    def accept(self, delivery: Delivery) -> Verdict:
        """Judge one delivery, whatever its bytes, and keep what is new in it."""
        try:
            packet = parse(delivery.packet)
        except PacketError as error:
            return Verdict("rejected", f"{type(error).__name__}: {error}")
        if self._image is None:
            self._image = packet.image
        if packet.image != self._image:
            return Verdict("rejected", _difference(packet.image, self._image))
        verdict = self._keep_pieces(packet) if isinstance(packet, Pieces) else self._keep_stages(packet)
        if verdict.event != "received":
            return verdict
        self._packets += 1
        self._bytes += len(delivery.packet)
        gain = self._gain(delivery.time_s, packet.image.n_stages)
        return verdict._replace(detail="; ".join(filter(None, (verdict.detail, gain))))

    def _keep_stages(self, packet: Packet) -> Verdict:
        kept = self._parity if packet.is_parity else self._stages
        new = {number: stage for number, stage in packet.stages().items() if number not in kept}
        differs = _contradiction(packet, kept)
        if not new or self.complete:
            return Verdict("duplicate", differs)
        kept |= new
        return Verdict("received", differs)

    def _keep_pieces(self, packet: Pieces) -> Verdict:
        """Keep it if it is protected as the first one heard was: pieces of two codes give no stage."""
        first = next(iter(self._pieces.values()), packet)
        if (packet.protection, packet.n_packets) != (first.protection, first.n_packets):
            return Verdict("rejected", f"image {packet.image.image_id} with another protection")
        if packet.number in self._pieces or self.complete:
            differs = self._pieces.get(packet.number, packet) != packet
            return Verdict("duplicate", DIFFERS if differs else "")
        self._pieces[packet.number] = packet
        return Verdict("received", "")

    def _gain(self, time_s: float, n_stages: int) -> str:
        """Recover what parity or pieces give and note what is held now; return what to say of it."""
        found = recover(n_stages, self._stages, self._parity) if self._parity else {}
        if self._pieces:
            protection = next(iter(self._pieces.values())).protection
            pieces = {number: each.pieces for number, each in self._pieces.items()}
            found |= recovered(protection, pieces, self._stages)
        new = {stage: each for stage, each in found.items() if stage not in self._stages}
        detail = f"{len(new)} stages recovered" if new else ""
        self._stages |= new
        held = tuple(sorted(self._stages))
        if held != (self._holdings[-1].stages if self._holdings else ()):
            self._holdings.append(Holding(time_s, held, self._packets, self._bytes))
        return detail


def _difference(other: ImageTag, followed: ImageTag) -> str:
    if other.image_id == followed.image_id:
        return f"image {other.image_id} with another header"
    age = "stale" if other.capture_time < followed.capture_time else "another"
    return f"{age} image {other.image_id} while receiving {followed.image_id}"


def _contradiction(packet: Packet, held: Mapping[int, bytes]) -> str:
    """Say if a stage differs from the one held; zeros at its end do not count, which parity pads with."""
    told = {number: stage for number, stage in packet.stages().items() if number in held}
    differs = any(held[number].rstrip(b"\0") != stage.rstrip(b"\0") for number, stage in told.items())
    return DIFFERS if differs else ""
