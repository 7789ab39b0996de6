"""Digits written in the air: from the tip of a marker or finger to strokes, from strokes to digits and numbers.

A stroke is float (N, 3): x and y in pixels of the frame, and seconds. `Pen` decides by itself when the pen is down,
`Writer` which strokes make a digit and which digits a number.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from recognition.digits import Digit, normalise
from recognition.handwriting import draw_strokes

GAP = 0.12  # seconds that the tip may be out of sight within a stroke: a blurred frame or three
STILL = 0.007  # of the frame's diagonal: a tip that strays no farther (standard deviation) pauses
OUTSIDE = 1.4  # frames: a tip that so many frames earlier, or later, would be outside the frame comes from, or goes there
SLOW = 0.5  # of its highest speed: coming in, the tip writes from where it slows down to this; going out, till there
JOIN = 2.5  # seconds between the strokes of one digit, at most
MAX_STROKES = 3  # of one digit
INK_SIDE = 140  # pixels of a digit's longer side when it is drawn for the normaliser


class Pen:
    """Turn tips, one a frame, into strokes.

    The pen goes down where a tip comes into sight inside the frame, where one that comes in from outside slows down,
    when the gesture says so, and after a pause in the air. It goes up when the tip is out of sight, when the gesture
    says so, and after a pause of `pause` seconds. The way out of the frame is no part of a stroke.
    """

    def __init__(self, width: int, height: int, pause: float):
        self.down = False
        self.points: list[tuple[float, float, float]] = []  # of the stroke being written
        self._size, self._pause = (width, height), pause
        self._still = STILL * float(np.hypot(width, height))
        self._seen: float | None = None  # when the tip was seen last, None while it is out of sight
        self._gesture = False
        self._recent: deque[tuple[float, float, float]] = deque()  # the tip's places in the last `pause` seconds
        self._rested: tuple[float, float] | None = None  # where the last pause was, until the tip has left
        self._new = False  # in sight for less than three frames
        self._arriving = False  # on the way in from outside the frame
        self._fastest = 0.0  # the tip's highest speed on the way in, pixels a second

    def update(self, tip, seconds: float) -> np.ndarray | None:
        """Take the tip of a frame, None if it is out of sight; return the stroke that ended with it, if one did."""
        if tip is None:
            if self._seen is None or seconds - self._seen <= GAP:
                return None
            self._seen = None
            return self._lift(leaving=True)
        appeared, self._seen = self._seen is None, seconds
        if appeared:
            self._recent.clear()
        self._recent.append((tip.x, tip.y, seconds))
        ended = None
        if appeared:
            self._rested = None
            self._new, self._arriving, self._fastest = True, False, 0.0
            self.down = tip.writing
        elif tip.writing != self._gesture:
            ended = self._lift()
            self._arriving, self.down = False, tip.writing
        elif self._new and len(self._recent) == 3:
            self._new = False
            if self._comes_in():
                self._lift()
                self._arriving = True
        elif self._arriving and self._slow(seconds):
            self._arriving, self.down = False, tip.writing
        self._gesture = tip.writing
        if self.down:
            self.points.append((tip.x, tip.y, seconds))
        if tip.writing and self._paused(seconds):
            self._rested = tip.x, tip.y
            if not self.down:
                self.down = True
            elif self._begun():
                ended = self._lift(until=seconds - self._pause)
            else:  # he has not begun yet
                self.points = self.points[-1:]
        return ended

    @property
    def resting(self) -> float:
        """How much of a pause is over, 0 to 1: what the ring around the tip shows."""
        place = self._recent[-1][:2] if self._recent and self._rested is None else None
        still = 0.0
        for x, y, seconds in reversed(self._recent) if place else ():
            if np.hypot(x - place[0], y - place[1]) > self._still:
                break
            still = self._recent[-1][2] - seconds
        return min(1.0, still / self._pause)

    def lift(self) -> np.ndarray | None:
        """End the stroke being written and return it, for example at the end of a video."""
        self._seen = None
        return self._lift()

    def _lift(self, until: float = np.inf, leaving: bool = False) -> np.ndarray | None:
        stroke = np.array([point for point in self.points if point[2] <= until])
        self.points, self.down = [], False
        if leaving:
            stroke = self._without_way_out(stroke)
        if len(stroke) < 3 or extent(stroke) < 2 * self._still:  # a twitch
            return None
        away = np.hypot(*(stroke[:, :2] - stroke[0, :2]).T) > self._still
        return stroke[max(0, int(np.argmax(away)) - 1) :]  # without the rest before it

    def _begun(self) -> bool:
        """Tell whether the stroke being written is more than the tremor of a hand at rest."""
        return extent(cv2.blur(np.array(self.points)[:, :2], (1, 5))) > 1.5 * self._still

    def _comes_in(self) -> bool:
        """Tell whether a tip seen in three frames comes in from outside: quickly, unlike a stroke's slow beginning."""
        first, second, third = np.array(self._recent)[:, :2]
        starts = np.hypot(*(second - first)) < 0.7 * np.hypot(*(third - second))
        return not starts and self._outside(first - OUTSIDE * (third - first) / 2)

    def _outside(self, place: np.ndarray) -> bool:
        return not (0 < place[0] < self._size[0] and 0 < place[1] < self._size[1])

    def _slow(self, seconds: float) -> bool:
        """Tell whether a tip that came in from outside has slowed down to write."""
        last = [place for place in self._recent if place[2] >= seconds - 0.1]
        speed = extent(np.array(last)) / max(seconds - last[0][2], 1e-3)
        self._fastest = max(self._fastest, speed)
        return speed < SLOW * self._fastest

    def _without_way_out(self, stroke: np.ndarray) -> np.ndarray:
        """Return a stroke without its fast end, from where it last slowed down, if that leads out of the frame."""
        if len(stroke) < 6 or not self._outside(stroke[-1, :2] + OUTSIDE * (stroke[-1] - stroke[-3])[:2] / 2):
            return stroke
        step = np.diff(stroke, axis=0)
        speed = np.hypot(step[:, 0], step[:, 1]) / np.maximum(step[:, 2], 1e-3)
        speed = np.convolve(speed, np.ones(3) / 3, "same")
        slow = np.flatnonzero(speed[:-2] < SLOW * speed[-8:-1].max())
        return stroke[: slow[-1] + 2] if len(slow) else stroke

    def _paused(self, seconds: float) -> bool:
        """Tell whether the tip has been still for a pause, once for each pause."""
        if self._rested:
            x, y, _ = self._recent[-1]
            if np.hypot(x - self._rested[0], y - self._rested[1]) < 2 * self._still:
                return False
            self._rested = None
            self._recent.clear()
            return False
        while self._recent and self._recent[0][2] < seconds - self._pause - 1e-6:
            first = self._recent.popleft()
            if self._recent and self._recent[0][2] > seconds - self._pause + 1e-6:
                self._recent.appendleft(first)  # keep one point as old as the pause
                break
        places = np.array(self._recent)
        return bool(seconds - places[0, 2] >= self._pause - 1e-6 and np.hypot(*places[:, :2].std(0)) < self._still)


def extent(points: np.ndarray) -> float:
    """Return the longer side of the box around points (N, 2 or more), in pixels."""
    return float(np.ptp(points[:, :2], axis=0).max()) if len(points) else 0.0


def length(stroke: np.ndarray) -> float:
    """Return the length of a stroke, (N, 2 or more), in pixels."""
    return float(np.hypot(*np.diff(stroke[:, :2], axis=0).T).sum())


def smooth(stroke: np.ndarray, window: float = 0.05) -> np.ndarray:
    """Return the line of a stroke (N, 3) as (M, 2): without the hand's tremor, its points evenly spaced.

    A Gaussian over `window` seconds; the ends stay where they are.
    """
    seconds = stroke[:, 2]
    weight = np.exp(-0.5 * ((seconds[:, None] - seconds) / window) ** 2)
    reach = np.minimum(seconds - seconds[0], seconds[-1] - seconds)[:, None]  # even on both sides: ends do not shrink
    weight *= np.abs(seconds[:, None] - seconds) <= reach + 1e-6
    line = weight @ stroke[:, :2] / weight.sum(1, keepdims=True)
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

    def add(self, stroke: np.ndarray) -> None:
        """Take a stroke and decide again which strokes make digits."""
        strokes = [s for digit in self.digits[self._settled :] for s in digit.strokes]
        self.digits[self._settled :] = self._group([*strokes, stroke])

    def pause(self, seconds: float, writing: bool) -> list[AirDigit] | None:
        """Return the digits of the number that is finished at `seconds`, None while none is."""
        if writing or not self.digits or seconds - self.digits[-1].strokes[-1][-1, 2] < self.number_pause:
            return None
        return self.finish()

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
            if all(b[0, 2] - a[-1, 2] < JOIN for a, b in zip(strokes[start : end - 1], strokes[start + 1 : end]))
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
                worth = sum(map(length, strokes[start:end])) * confidence if known else 0.0
                air = AirDigit(strokes[start:end], digit if known else None, round(confidence, 4))
                offers.append((best[start][0] + worth, [*best[start][1], air]))
            best.append(max(offers, key=lambda offer: (offer[0], -len(offer[1]))))
        return best[-1][1]

    @staticmethod
    def _key(strokes: list[np.ndarray], group: tuple[int, int]) -> tuple[float, float]:
        return strokes[group[0]][0, 2], strokes[group[1] - 1][-1, 2]


def as_digits(digits: list[AirDigit]) -> list[Digit]:
    """Return the digits of a number as those of a photo: value, confidence and box."""
    return [Digit(digit.digit, digit.confidence, digit.box) for digit in digits]
