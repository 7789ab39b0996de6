"""Who was seen from when to when: spans of time, as a CSV file and as a picture."""

import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

from recognition.faces.live import Seen
from recognition.faces.tracks import Identity
from recognition.files import check_appendable, write_atomically
from recognition.settings import UserError, say

COLUMNS = ("name", "start", "end", "frames", "best_confidence")
GAP = 1.0  # seconds without somebody that do not end a span
GLIMPSE = 0.5  # seconds; unknown people seen shorter are left out
BLUE, GRAY = "#0173b2", "#949494"  # people, unknown people: told apart by brightness, too
ROWS = 12  # unknown people who have rows of their own in the picture; more share one


@dataclass
class Span:
    """Somebody seen from `start` to `end`, seconds; `confidence`: the best of its frames, None for unknown people."""

    name: str | None
    start: float
    end: float
    frames: int
    confidence: float | None


class Timeline:
    """Gathers who is seen, frame after frame; `fps`: frames a second; `path`: .csv file to write it to, if any.

    A context manager: what was seen till its end is written. Raises UserError, with exit code 2, if it cannot be.
    """

    def __init__(self, fps: float, path: str | None = None):
        self._path = Path(path) if path else None
        if self._path:
            if self._path.suffix.lower() != ".csv":
                raise UserError(f"--timeline {path}: name it .csv; the picture beside it ends in .png", 2)
            check_appendable(self._path, "--timeline")
        self._step, self._start = 1 / fps, None
        self._open: dict[Identity, Span] = {}
        self._done: list[Span] = []

    def __enter__(self) -> "Timeline":
        return self

    def __exit__(self, *_: object) -> None:
        if self._path:
            self._write(self._path)

    def add(self, seconds: float, seen: list[Seen]) -> None:
        """Take in the faces of the next frame; time counts from the first."""
        self._start = seconds if self._start is None else self._start
        seconds -= self._start
        for one in seen:
            span = self._open.setdefault(one.who, Span(None, seconds, seconds, 0, 0.0))
            span.name = one.name or span.name
            span.end, span.frames = seconds + self._step, span.frames + 1
            span.confidence = max(span.confidence, one.confidence)
        for who in [who for who, span in self._open.items() if span.end < seconds - GAP]:
            self._done.append(self._open.pop(who))

    def spans(self, least: float = GLIMPSE) -> list[Span]:
        """Return who was seen when, in order of time: people by name, over short gaps; others as `unknown 1` and on.

        `least`: seconds that unknown people must have been seen.
        """
        joined: list[Span] = []
        latest: dict[str, Span] = {}
        unknown = 0
        for span in sorted([*self._done, *self._open.values()], key=lambda span: span.start):
            before = latest.get(span.name)
            if before and span.start - before.end <= GAP:
                before.end, before.frames = max(before.end, span.end), before.frames + span.frames
                before.confidence = max(before.confidence, span.confidence)
            elif span.name:
                latest[span.name] = replace(span)
                joined.append(latest[span.name])
            elif span.end - span.start >= least:
                unknown += 1
                joined.append(replace(span, name=f"unknown {unknown}", confidence=None))
        return joined

    def _write(self, table: Path) -> None:
        spans = self.spans()
        write_atomically(table, lambda path: path.write_text(as_csv(spans), encoding="utf-8", newline=""))
        picture = table.with_suffix(".png")
        draw_timeline(spans, picture)
        say(f"saved {table} and {picture}")

    def text(self) -> str:
        """Return a line for each time that somebody known was seen, and one or two that count the others."""
        spans = self.spans(0.0)
        lines = [f"{span.start:.1f}-{span.end:.1f} s: {span.name}" for span in spans if span.confidence is not None]
        unknown = sum(span.confidence is None for span in self.spans())
        glimpses = len(spans) - len(lines) - unknown
        lines += [f"{unknown} unknown"] * bool(unknown)
        lines += [f"{glimpses} unknown for less than {GLIMPSE} s"] * bool(glimpses)
        return "\n".join(lines) or "no faces"


def as_csv(spans: list[Span]) -> str:
    """Return spans as a table; times in seconds, no confidence for unknown people."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for span in spans:
        sure = "" if span.confidence is None else f"{span.confidence:.4f}"
        table.writerow([span.name, f"{span.start:.3f}", f"{span.end:.3f}", span.frames, sure])
    return text.getvalue()


def rows_of(spans: list[Span]) -> dict[str, list[Span]]:
    """Return the spans by row of the picture: people by name, then the unknown, of many the longest, then the rest."""
    unknown = [span for span in spans if span.confidence is None]
    longest = sorted(unknown, key=lambda span: span.start - span.end)[: ROWS - (len(unknown) > ROWS)]
    rest = [span for span in unknown if span not in longest]
    rows: dict[str, list[Span]] = {}
    for span in [span for span in spans if span not in unknown] + [span for span in unknown if span in longest]:
        rows.setdefault(span.name, []).append(span)
    return rows | ({f"{len(rest)} more unknown": rest} if rest else {})


def draw_timeline(spans: list[Span], path: Path) -> None:
    """Save a picture of the spans, a row a person, as PNG."""
    from recognition.evaluation.plots import Figure, save_figure  # a second that only this needs

    rows = rows_of(spans)
    figure = Figure(figsize=(10, 1.2 + 0.3 * max(1, len(rows))), layout="constrained")
    axes = figure.subplots()
    for row, stays in enumerate(rows.values()):
        bars = [(span.start, span.end - span.start) for span in stays]
        axes.broken_barh(bars, (row - 0.35, 0.7), color=GRAY if stays[0].confidence is None else BLUE)
    axes.set_yticks(range(len(rows)), [shortened(name) for name in rows])
    axes.set(xlabel="time (minutes:seconds)", xlim=(0, max([1.0, *(span.end for span in spans)])))
    axes.set(ylim=(max(1, len(rows)) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds // 60:.0f}:{seconds % 60:04.1f}")
    axes.grid(axis="x", alpha=0.4)
    axes.set_axisbelow(True)
    save_figure(figure, path)


def shortened(name: str) -> str:
    """Return a name that leaves the picture room for the bars."""
    return name if len(name) <= 30 else name[:29] + "…"
