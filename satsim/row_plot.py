"""The rows of the timeline figure: labels, pictures at their moment, and the slots that brought none."""

import textwrap
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from satsim.filmstrip import GAP, Film, Gap, Strip, apart, thinned
from satsim.pictures import read_picture
from satsim.records import TimelineRow
from satsim.rundir import Run, picture_file
from satsim.wording import (
    METRIC_LABELS,
    minutes_text,
    own_texts,
    rate_text,
    scheme_colour,
    scheme_label,
    score_text,
    shown_metric,
)

CAPTION_IN, SPACE_IN, NOTE_ROW_IN = 0.24, 0.1, 0.36
NAME_IN, LINE_IN = 0.16, 0.115  # of a label: the scheme's name, and a line under it
NARROW_IN = 0.64  # a picture of this width has no room for the metric's name under it
NAME_CHARS, NOTE_CHARS = 19, 20  # a line of the labels' column, bold and not
TEXT_PT, SMALL_PT = 6.5, 6.0
GREY, FAINT, LOST, USABLE = "#666666", "#b8b8b8", "#b5361c", "#111111"


@dataclass(frozen=True)
class Band:
    """A strip and its place, inches above the bottom of all rows."""

    strip: Strip
    top: float
    bottom: float


@dataclass(frozen=True)
class RowPlot:
    """Axes in minutes across and inches up, and what is drawn on them."""

    axes: Axes
    run: Run
    film: Film
    width_in: float  # of the axes
    labels_in: float  # of the column left of them

    def draw(self, band: Band, number: int) -> None:
        """Draw one scheme's row."""
        strip, picture_in = band.strip, self.film.picture_in
        self.axes.axhline(band.bottom, color="#e4e4e4", linewidth=0.6)
        self._write_label(band, number)
        if self.film.is_dense:
            self._mark_gaps(band)
        else:
            for gap in strip.gaps:
                self._draw_gap(band, gap)
        rows = thinned(strip.rows, self.width_in, picture_in)
        wanted = [row.time_s / self.film.seconds_per_in for row in rows]
        places = apart(wanted, picture_in * (1 + GAP), 0.0, self.width_in - picture_in)
        for row, left_in in zip(rows, places, strict=True):
            self._draw_picture(band, row, left_in)

    def _minutes(self, inches: float) -> float:
        return inches * self.film.seconds_per_in / 60

    def _frame(self, band: Band, left_in: float) -> tuple[float, float, float, float]:
        """Return x0, x1 (minutes), y0, y1 (inches) of a picture that begins at `left_in`."""
        width, height = self.run.scenario.image.original_size
        top = band.top - SPACE_IN
        x0, x1 = self._minutes(left_in), self._minutes(left_in + self.film.picture_in)
        return x0, x1, top - self.film.picture_in * height / width, top

    def _write_label(self, band: Band, number: int) -> None:
        left, top = self._minutes(-self.labels_in), band.top - SPACE_IN
        self.axes.plot(
            [left, left], [top, band.bottom + 0.08], color=scheme_colour(number), linewidth=3, clip_on=False
        )
        text = self._minutes(-self.labels_in + 0.07)
        names = names_of(band.strip)
        for line, name in enumerate(names):
            self.axes.text(text, top - LINE_IN * line, name, fontsize=TEXT_PT, va="top", weight="bold")
        if band.strip.gaps:
            facts = facts_of(self.run, self.film, band.strip, self.width_in)
            for line, fact in enumerate(facts):  # in one block, lines without descenders would sit closer
                y = top - NAME_IN - LINE_IN * (len(names) - 1 + line + 0.5)
                self.axes.text(text, y, fact, fontsize=TEXT_PT, va="baseline", color=GREY)
        elif band.strip.note:
            self.axes.text(self._minutes(0.04), top, band.strip.note, fontsize=TEXT_PT, va="top", color=LOST)

    def _mark_gaps(self, band: Band) -> None:
        """Draw a mark at each moment, where frames would overlap: all at once, as they may be thousands."""
        for kind, marker, colour in (("waiting", "|", GREY), ("lost", "x", LOST)):
            # not at 0, where a frame says "waiting": no slot has ended there
            minutes = [gap.time_s / 60 for gap in band.strip.gaps if gap.kind == kind and gap.text]
            y = [band.top - SPACE_IN / 2] * len(minutes)
            self.axes.plot(minutes, y, marker, color=colour, markersize=3.2, markeredgewidth=0.8, zorder=4)

    def _draw_gap(self, band: Band, gap: Gap) -> None:
        """Draw an empty frame."""
        left, right, low, high = self._frame(band, gap.time_s / self.film.seconds_per_in)
        size = right - left, high - low
        dashes = (0, (3, 3))
        self.axes.add_patch(Rectangle((left, low), *size, fill=False, ec=FAINT, lw=0.7, ls=dashes))
        middle = (left + right) / 2
        if gap.kind == "lost":
            self.axes.plot(middle, (low + high) / 2, "x", color=LOST, markersize=11, markeredgewidth=1.4)
        colour = LOST if gap.kind == "lost" else GREY
        text = gap.text or "waiting"
        self.axes.text(middle, low + 0.05, text, fontsize=SMALL_PT, ha="center", va="bottom", color=colour)

    def _draw_picture(self, band: Band, row: TimelineRow, left_in: float) -> None:
        """Draw a picture with its frame and scores; one that had to move keeps a line to its moment."""
        left, right, low, high = self._frame(band, left_in)
        picture = read_picture(picture_file(self.run.folder, row.scheme, row.stages))
        self.axes.imshow(picture, extent=(left, right, low, high), aspect="auto", zorder=2)
        colour, width = (USABLE, 1.5) if row.usable else (FAINT, 0.6)
        size = right - left, high - low
        self.axes.add_patch(Rectangle((left, low), *size, fill=False, ec=colour, lw=width, zorder=3))
        if self.film.is_dense:
            self.axes.plot([row.time_s / 60, left], [band.top, high], color=GREY, linewidth=0.8, zorder=1)
        metric = shown_metric(self.run.scenario.metrics)
        name = "" if self.film.picture_in < NARROW_IN else METRIC_LABELS[metric].partition(" ")[0]
        score = f"{name} {score_text(metric, getattr(row, metric))}".strip()
        middle = (left + right) / 2
        self.axes.text(middle, low - 0.03, score, fontsize=TEXT_PT, ha="center", va="top")
        rate = rate_text(row.bpp)
        self.axes.text(middle, low - 0.135, rate, fontsize=SMALL_PT, ha="center", va="top", color=GREY)


def label_height_in(run: Run, film: Film, strip: Strip, width_in: float) -> float:
    """Return the height that a row's label needs."""
    facts = facts_of(run, film, strip, width_in) if strip.gaps else []
    return SPACE_IN + NAME_IN + LINE_IN * (len(names_of(strip)) - 1 + len(facts))


def names_of(strip: Strip) -> list[str]:
    """Return the scheme's name in lines of the labels' column."""
    return textwrap.wrap(scheme_label(strip.scheme), NAME_CHARS)


def facts_of(run: Run, film: Film, strip: Strip, width_in: float) -> list[str]:
    """Return short lines: what a row came to, and what is not to be seen in it."""
    summary = run.summary[strip.scheme]
    own = own_texts(run.scenario, strip.scheme)
    lines = [line for text in own for line in textwrap.wrap(text, NOTE_CHARS)]
    lines += [f"{summary.bytes} bytes"]
    if run.manifest.usable_dists is not None:
        lines += [f"usable {_when(summary.t_usable_s)}", f"detail {_when(summary.t_detail_s)}"]
    n_shown = len(thinned(strip.rows, width_in, film.picture_in))
    if n_shown < len(strip.rows):
        lines.append(f"{n_shown} of {len(strip.rows)} pictures")
    return lines + (textwrap.wrap(strip.note, NOTE_CHARS) if strip.note else [])


def _when(time_s: float | None) -> str:
    return "never" if time_s is None else f"at {minutes_text(time_s)}"
