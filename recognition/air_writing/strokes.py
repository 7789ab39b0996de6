"""From strokes in the air to digits and numbers: draw them as ink, read them, decide which strokes make a digit.

A stroke is float (N, 3): x and y in pixels of the frame, and seconds.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from recognition.air_writing.pen import extent
from recognition.digits.normalisation import draw_strokes, normalise
from recognition.digits.numbers import Digit
from recognition.files import parse_json, read_text
from recognition.settings import UserError

JOIN = 3.0  # seconds between the strokes of one digit, at most
MAX_STROKES = 3  # of one digit
MAX_DIGITS = 40  # of one number; what goes on longer is no writing
TOGETHER = 0.1  # how much more strokes that make a digit together count than digits of their own: a 9 over 0 and 1
MAX_POINTS, FAR = 2000, 1e9  # of one digit in a file: a quarter of a minute, 120 times a second; pixels, seconds
INK_SIDE = 140  # pixels of a digit's longer side when it is drawn for the normaliser


def length(stroke: np.ndarray) -> float:
    """Return the length of a stroke, (N, 2 or more), in pixels."""
    return float(np.hypot(*np.diff(stroke[:, :2], axis=0).T).sum())


def smooth(stroke: np.ndarray, window: float = 0.03) -> np.ndarray:
    """Return the line of a stroke (N, 3) as (M, 2): without the hand's tremor, its points evenly spaced.

    A Gaussian over `window` seconds, which must not go back; the ends stay where they are.
    """
    seconds, parts = stroke[:, 2], []
    reach = np.minimum(seconds - seconds[0], seconds[-1] - seconds)  # even on both sides: ends do not shrink
    for first in range(0, len(stroke), 64):
        rows = slice(first, first + 64)
        begin, end = np.searchsorted(seconds, (seconds[rows][0] - 6 * window, seconds[rows][-1] + 6 * window))
        away = np.abs(seconds[rows, None] - seconds[begin : end + 1])
        weight = np.exp(-0.5 * (away / window) ** 2) * (away <= reach[rows, None] + 1e-6)
        parts.append(weight @ stroke[begin : end + 1, :2] / weight.sum(1, keepdims=True))
    line = np.concatenate(parts)
    run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if run[-1] == 0:
        return line[:1]
    even = np.linspace(0, run[-1], max(2, int(run[-1] / max(1.0, 0.02 * extent(line)))))
    return np.stack([np.interp(even, run, line[:, k]) for k in range(2)], 1)


def normalise_strokes(strokes: list[np.ndarray]) -> np.ndarray:
    """Return the strokes of one digit as the network knows digits, uint8 (28, 28): drawn as ink, then normalised."""
    ink = draw_strokes([smooth(stroke) for stroke in strokes], INK_SIDE + 20, INK_SIDE, INK_SIDE / 9)
    return normalise(ink)


@dataclass
class AirDigit:
    """Strokes that make one digit; `digit` is None while they look like none."""

    strokes: list[np.ndarray]
    digit: int | None
    confidence: float

    @cached_property
    def lines(self) -> list[np.ndarray]:
        """The strokes as lines (M, 2), without tremor."""
        return [smooth(stroke) for stroke in self.strokes]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Box x1 y1 x2 y2 in pixels of the frame."""
        points = np.concatenate(self.strokes)[:, :2]
        low, high = np.floor(points.min(0)), np.ceil(points.max(0))
        return (*low.astype(int).tolist(), *high.astype(int).tolist())


@dataclass
class Writer:
    """Collect strokes into digits and digits into numbers; a number is finished by a longer pause of the pen.

    `predict` maps uint8 (N, 28, 28) to probabilities, as for photos; a digit below `threshold` is none.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    threshold: float
    number_pause: float  # seconds
    digits: list[AirDigit] = field(default_factory=list)  # of the number being written
    _settled: int = 0  # the first so many digits were corrected by hand and stay
    _read: dict[tuple[float, float], np.ndarray] = field(default_factory=dict)  # by when strokes begin and end

    @property
    def text(self) -> str:
        """The number so far, "?" for what is no digit."""
        return "".join("?" if air.digit is None else str(air.digit) for air in self.digits)

    def add(self, stroke: np.ndarray | None) -> None:
        """Take a stroke, if there is one, and decide again which strokes make digits."""
        if stroke is None:
            return
        strokes = [s for digit in self.digits[self._settled :] for s in digit.strokes]
        self.digits[self._settled :] = self._group([*strokes, stroke])

    def pause(self, seconds: float, writing: bool) -> list[AirDigit] | None:
        """Return the digits of the number that is finished at `seconds`, None while none is."""
        over = bool(self.digits) and seconds - self.digits[-1].strokes[-1][-1, 2] >= self.number_pause
        return self.finish() if (over and not writing) or len(self.digits) >= MAX_DIGITS else None

    def finish(self) -> list[AirDigit] | None:
        """End the number and return its digits; None if there are none."""
        digits = [digit for digit in self.digits if digit.digit is not None]
        self.clear()
        return digits or None

    def clear(self) -> None:
        """Forget the number being written."""
        self.digits, self._settled = [], 0
        self._read.clear()

    def undo(self) -> None:
        """Forget the last digit."""
        del self.digits[-1:]
        self._settled = min(self._settled, len(self.digits))

    def correct(self, digit: int) -> None:
        """Take the last digit for `digit`, whatever was read."""
        if self.digits:
            self.digits[-1] = AirDigit(self.digits[-1].strokes, digit, 1.0)
            self._settled = len(self.digits)

    def _group(self, strokes: list[np.ndarray]) -> list[AirDigit]:
        """Return the digits that explain most of the strokes' length (dynamic programming over their order)."""
        groups = [
            (start, end)
            for end in range(1, len(strokes) + 1)
            for start in range(max(0, end - MAX_STROKES), end)
            if all(b[0, 2] - a[-1, 2] < JOIN for a, b in pairwise(strokes[start:end]))
        ]
        new = [group for group in groups if self._key(strokes, group) not in self._read]
        if new:
            rows = self.predict(np.stack([normalise_strokes(strokes[start:end]) for start, end in new]))
            self._read |= {self._key(strokes, group): row for group, row in zip(new, rows, strict=True)}
        best: list[tuple[float, list[AirDigit]]] = [(0.0, [])]
        for last in range(1, len(strokes) + 1):
            offers = []
            for start, end in (group for group in groups if group[1] == last):
                row = self._read[self._key(strokes, (start, end))][:10]
                digit, confidence = int(row.argmax()), float(row.max())
                known = confidence >= self.threshold
                worth = (
                    sum(map(length, strokes[start:end])) * confidence * (1 + TOGETHER * (end - start - 1))
                    if known
                    else 0.0
                )
                air = AirDigit(strokes[start:end], digit if known else None, round(confidence, 4))
                offers.append((best[start][0] + worth, [*best[start][1], air]))
            best.append(max(offers, key=lambda offer: (offer[0], -len(offer[1]))))
        return best[-1][1]

    @staticmethod
    def _key(strokes: list[np.ndarray], group: tuple[int, int]) -> tuple[float, float]:
        return strokes[group[0]][0, 2], strokes[group[1] - 1][-1, 2]


def as_digits(number: list[AirDigit], mirrored: int = 0) -> list[Digit]:
    """Return the digits of a number as those of a photo; `mirrored`: the width of the frame if it was mirrored."""
    digits = []
    for air in number:
        x1, y1, x2, y2 = air.box
        box = (mirrored - x2, y1, mirrored - x1, y2) if mirrored else air.box
        digits.append(Digit(air.digit, air.confidence, box))
    return digits


def append_strokes(path: Path, number: list[AirDigit]) -> None:
    """Append the digits of a number to a .jsonl file: {"digit": 4, "strokes": [[[x, y, seconds], ...], ...]} a line."""
    with path.open("a", encoding="utf-8") as file:
        for air in number:
            points = [np.round(stroke, 3).tolist() for stroke in air.strokes]
            file.write(json.dumps({"digit": air.digit, "strokes": points}) + "\n")


def load_strokes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of a file that `append_strokes` wrote: images uint8 (N, 28, 28) and labels int (N,).

    Raises UserError, naming the line, for one that is damaged.
    """
    try:
        lines = read_text(path).splitlines()
    except ValueError as error:
        raise UserError(f"{path}: no strokes that hand_tracking.py --save-strokes wrote ({error})") from None
    images, labels = [], []
    for number, line in enumerate(lines, 1):
        try:
            record = parse_json(line)
            strokes = [np.array(stroke, float).reshape(-1, 3) for stroke in record["strokes"]]
            if type(record["digit"]) is not int or record["digit"] not in range(10) or not strokes:
                raise ValueError("no digit")
            points = np.concatenate(strokes)
            if not all(map(len, strokes)) or not (np.abs(points) < FAR).all():
                raise ValueError("no points, or not of a picture")
            if len(points) > MAX_POINTS or len(strokes) > 10 * MAX_STROKES:
                raise ValueError(f"{len(points):,} points in {len(strokes)} strokes are too many")
            if any((np.diff(stroke[:, 2]) < 0).any() for stroke in strokes):
                raise ValueError("its time goes back")
            images.append(normalise_strokes([s[np.diff(s[:, 2], prepend=-FAR) > 0] for s in strokes]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: no strokes of a digit ({error}): delete that line") from None
        labels.append(record["digit"])
    if not images:
        raise UserError(f"{path}: no strokes: write some digits with hand_tracking.py --save-strokes {path}")
    return np.stack(images), np.array(labels)
