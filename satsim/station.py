"""A receiver of real packets: any number of images at once, each better picture a file, all of it on disk.

OUT/packets.csv        every packet that came in, and what became of it (satsim.journal)
OUT/status.json        the same, counted, and what is held of each image; half a second late at most
OUT/IMAGE/1+3.png      the picture of stages 1 and 3; latest.png is a copy of the last
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from PIL import Image

from progic.errors import ProgicError
from progic.replacing import make_folder, replacing
from satsim.csv_file import json_text
from satsim.errors import PacketError
from satsim.gallery import NoPicture
from satsim.header import ImageTag
from satsim.inlets import Arrival
from satsim.journal import Journal, Row
from satsim.packets import AnyPacket, parse
from satsim.reassemble import Reassembler
from satsim.records import VERDICTS, Delivery, Holding, Picture, Verdict
from satsim.wording import stages_text

STATUS, LATEST = "status.json", "latest.png"
STATUS_S = 0.5  # between two writings of the status: of thousands of images each takes 30 ms


class Draws(Protocol):
    """What draws pictures, such as satsim.gallery.Gallery."""

    def draw(self, image: ImageTag, stages: dict[int, bytes]) -> Image.Image:
        """Return the picture of the stages held; raises NoPicture."""


class _Incoming:
    """One image on its way in."""

    def __init__(self, image: ImageTag) -> None:
        self.image, self.gathering = image, Reassembler(image)
        self.n_drawn = 0  # of its holdings
        self.picture: Picture | None = None

    def status(self) -> dict[str, object]:
        held, picture = self.gathering.holdings[-1:], self.picture
        return {
            "width": self.image.width,
            "height": self.image.height,
            "capture_time": self.image.capture_time,
            "stages": self.image.n_stages,
            "held": stages_text(held[0].stages) if held else "",
            "packets": self.gathering.n_packets,
            "bytes": self.gathering.n_bytes,
            "complete": self.gathering.complete,
            "picture": picture.path.name if picture and picture.path else None,
            "detail": picture.detail if picture else "",
        }


class Station:
    """Takes packets in, in any order, over any number of passes and restarts; a context manager."""

    def __init__(self, folder: Path, journal: Journal, gallery: Draws, now: Callable[[], datetime]) -> None:
        """`journal` is that of `folder`; whatever it holds has been received."""
        self._folder, self._journal, self._gallery, self._now = folder, journal, gallery, now
        self._images: dict[str, _Incoming] = {}
        self._counts: Counter[str] = Counter()
        self._known: set[Arrival] = set()
        self._changing = threading.Lock()  # what the status tells
        self._timer: threading.Timer | None = None  # there while the status is behind
        for row in journal.rows:
            self._judge(Arrival(row.source, bytes.fromhex(row.data)), row.time_utc)
            self._note(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Write the status as it is at the end, after an error too, if it can be."""
        timer = self._timer  # whose thread lets go of it at its end
        if timer is not None:
            timer.cancel()
            timer.join()
        try:
            self._write_status()
        except (ProgicError, OSError):
            if error is None:  # else this would hide the first
                raise

    def __contains__(self, arrival: Arrival) -> bool:
        """Tell whether just this, from just there, has been taken in before: a file that is read again."""
        return arrival in self._known

    @property
    def complete(self) -> bool:
        """Whether all is held of every image that was heard, and one was."""
        return bool(self._images) and all(each.gathering.complete for each in self._images.values())

    @property
    def missing(self) -> dict[str, tuple[int, ...]]:
        """The 0-based stages that each image heard, by name, still lacks; complete ones are left out."""
        lacks = {
            name: tuple(set(range(each.image.n_stages)) - set(each.gathering.stages))
            for name, each in sorted(self._images.items())
        }
        return {name: tuple(sorted(stages)) for name, stages in lacks.items() if stages}

    def catch_up(self) -> list[Picture]:
        """Draw what a kill, a full disk or an unknown model left undrawn; return what is new."""
        drawn = [picture for image in self._images.values() for picture in self._draw(image)]
        self._write_status()
        return drawn

    def take(self, arrival: Arrival) -> tuple[Row, list[Picture]]:
        """Judge what came in, keep it on disk, draw what it makes better; raises SatsimError, ProgicError."""
        with self._changing:
            row, drawn = self._taken(arrival)
            if self._timer is None:
                self._timer = threading.Timer(STATUS_S, self._write_late)
                self._timer.daemon = True
                self._timer.start()
        return row, drawn

    def _taken(self, arrival: Arrival) -> tuple[Row, list[Picture]]:
        time_utc = self._now().isoformat(timespec="milliseconds")
        packet, verdict = self._judge(arrival, time_utc)
        row = Row(
            packet=self._journal.rows[-1].packet + 1 if self._journal.rows else 1,
            time_utc=time_utc,
            source=arrival.source,
            image=packet.image.name if packet else "",
            stage=packet.label if packet else "",
            bytes=len(arrival.data),
            event=verdict.event,
            detail=verdict.detail,
            data=arrival.data.hex(),
        )
        self._journal.append(row)
        self._note(row)
        drawn = list(self._draw(self._images[row.image])) if verdict.event == "received" else []
        return row, drawn

    def _judge(self, arrival: Arrival, time_utc: str) -> tuple[AnyPacket | None, Verdict]:
        delivery = Delivery(datetime.fromisoformat(time_utc).timestamp(), arrival.data)
        try:
            packet = parse(arrival.data)
        except PacketError:
            return None, Reassembler().accept(delivery)
        incoming = self._images.setdefault(packet.image.name, _Incoming(packet.image))
        return packet, incoming.gathering.accept(delivery)

    def _note(self, row: Row) -> None:
        self._known.add(Arrival(row.source, bytes.fromhex(row.data)))
        self._counts[row.event] += 1
        if row.event == "rejected":
            self._counts[row.detail.partition(":")[0]] += 1

    def _draw(self, incoming: _Incoming) -> Iterator[Picture]:
        """Write the picture of each new set of stages unless it is there; give those that were not."""
        folder = self._folder / incoming.image.name
        make_folder(folder)
        for held in incoming.gathering.holdings[incoming.n_drawn :]:
            text = stages_text(held.stages)
            path = folder / f"{text}.png"
            was_there = path.is_file()
            detail = "" if was_there else self._write_picture(incoming, held, path)
            complete = len(held.stages) == incoming.image.n_stages
            incoming.picture = Picture(folder.name, text, complete, None if detail else path, detail)
            incoming.n_drawn += 1
            if not was_there:
                yield incoming.picture
        self._show_latest(incoming)

    def _write_picture(self, incoming: _Incoming, held: Holding, path: Path) -> str:
        """Write a picture; return why not, or ""."""
        stages = {number: incoming.gathering.stages[number] for number in held.stages}
        try:
            picture = self._gallery.draw(incoming.image, stages)
        except NoPicture as why:
            return str(why)
        with replacing(path) as partial:
            picture.save(partial, format="PNG")
        return ""

    def _show_latest(self, incoming: _Incoming) -> None:
        path = incoming.picture.path if incoming.picture else None
        if path is None or not path.is_file():  # someone took it away: the next picture is shown again
            return
        latest, picture = path.with_name(LATEST), path.read_bytes()
        if not latest.is_file() or latest.read_bytes() != picture:
            with replacing(latest) as partial:
                partial.write_bytes(picture)

    def _write_status(self) -> None:
        packets = {event: self._counts[event] for event in VERDICTS}
        rejected = {why: count for why, count in sorted(self._counts.items()) if why not in packets}
        images = {name: each.status() for name, each in sorted(self._images.items())}
        status = {"packets": packets, "rejected": rejected, "images": images}
        with replacing(self._folder / STATUS) as partial:
            partial.write_text(json_text(status) + "\n", encoding="utf-8")

    def _write_late(self) -> None:
        """Write the status, as a timer's thread; where that fails the next packet tries again, or the end."""
        with self._changing:
            with suppress(ProgicError, OSError):
                self._write_status()
            self._timer = None
