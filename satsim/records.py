"""What a run is made of: every record that one room hands to another, all frozen."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from satsim.units import logged_time_s

EventName = Literal[
    "encoded",  # the handset has the photo's first bytes, or all; bytes: those of all its packets
    "queued",  # a packet is there and waits for its first slot
    "sent",  # a slot begins with this packet
    "lost",  # the slot has ended and the sender knows that the packet did not get through
    "gave_up",  # the sender will not repeat this packet any more
    "closed",  # the sender stops: no window is left that has room for a slot
    "received",  # the receiver has read a packet that brings something new
    "duplicate",  # ... that brings nothing new
    "rejected",  # ... that is damaged, or of another image
    "report_sent",  # a slot of the return link begins with the receiver's report of what it holds
    "report_lost",  # ... has ended and the report did not get through
    "report_received",  # the sender has read it
    "complete",  # the receiver holds all that was to come; bytes: all accepted
]

VerdictEvent = Literal["received", "duplicate", "rejected"]
VERDICTS = get_args(VerdictEvent)


class Event(NamedTuple):
    """One thing that happened on the link: a row of events.csv, columns in this order."""

    time_s: float
    scheme: str
    event: EventName
    packet: int  # 1 for the sender's first; 0 where the event is about no one packet
    stage: str  # "0", or "0-2" for first to last in the packet; "" for none
    attempt: int  # 1 for the first time this packet is sent; 0 where none
    bytes: int
    detail: str


class Frame(NamedTuple):
    """A packet on its way, with what only the simulation knows about it."""

    packet: int  # 1 for the sender's first; 0 for bytes that no sender here sent
    stage: str
    attempt: int
    data: bytes


class Delivery(NamedTuple):
    """Bytes that reached the receiver."""

    time_s: float
    packet: bytes


class Verdict(NamedTuple):
    """What became of one delivery."""

    event: VerdictEvent
    detail: str  # why; "" where all is well


class Holding(NamedTuple):
    """What the receiver holds from `time_s` on."""

    time_s: float
    stages: tuple[int, ...]  # sorted, 0-based
    packets: int  # accepted so far
    bytes: int  # accepted so far, headers and payloads


class Picture(NamedTuple):
    """A new picture at a receiver of real packets, or why there is none."""

    image: str  # satsim.header.ImageTag.name
    stages: str  # for people, from 1: "1-2+4"
    complete: bool
    path: Path | None
    detail: str  # why there is none


class SchemeRun(NamedTuple):
    """One scheme's way down the link."""

    scheme: str
    events: tuple[Event, ...]
    holdings: tuple[Holding, ...]
    packets_sent: int  # repeats count
    packets_lost: int
    bytes_sent: int  # headers and repeats count


class TimelineRow(NamedTuple):
    """One new picture at the receiver: a row of timeline.csv, columns in this order; None: not measured."""

    scheme: str
    time_s: float
    packets: int
    stages: str  # 1-based, for people: "1", "1-3", "1+3"
    bytes: int
    bpp: float
    dists: float | None
    lpips: float | None
    psnr_db: float | None
    ms_ssim: float | None
    usable: bool | None


@dataclass(frozen=True)
class SchemeSummary:
    """One scheme's entry in summary.json; None: it never happened, or was not measured."""

    t_first_s: float | None
    t_usable_s: float | None
    t_detail_s: float | None
    t_final_s: float | None
    dists_first: float | None
    dists_final: float | None
    bytes: int
    packets_sent: int
    packets_lost: int
    units_usable: int | None = None  # billed, up to the usable picture
    price_usable_usd: float | None = None
    energy_usable_j: float | None = None  # to transmit
    gflop: float | None = None  # to encode and to decode once, by our codec
    note: str | None = None


@dataclass
class EventLog:
    """The one log that all elements of a scheme's run write to, in the order in which things happen."""

    scheme: str
    events: list[Event] = field(default_factory=list)

    def add(self, time_s: float, event: EventName, frame: Frame, detail: str = "") -> None:
        """Log what happened to `frame` at `time_s`."""
        packet, stage, attempt, data = frame
        self.events.append(
            Event(logged_time_s(time_s), self.scheme, event, packet, stage, attempt, len(data), detail)
        )

    def add_total(self, time_s: float, event: EventName, n_bytes: int, detail: str) -> None:
        """Log something that is about no one packet."""
        self.events.append(Event(logged_time_s(time_s), self.scheme, event, 0, "", 0, n_bytes, detail))
