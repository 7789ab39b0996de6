"""From the tip of a marker or finger, seen in every frame, to the strokes it writes: when is the pen down?"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

GAP = 0.12  # seconds that the tip may be out of sight within a stroke: a blurred frame or three
STILL = 0.007  # of the frame's diagonal: a tip that strays no farther (standard deviation) pauses
OUTSIDE = 1.4  # frames: a tip that would be outside the frame so much earlier comes from there; so much later, goes
SLOW = 0.5  # of its highest speed: coming in, the tip writes from where it slows down to this; going out, till there
STALL = 0.5  # seconds without frames, from a camera that hiccups, that end a stroke
LONGEST = 15.0  # seconds of a stroke that are kept; no digit takes longer


@dataclass
class Tip:
    """Where the tip is, in pixels of the frame, and whether the gesture means to write.

    `reach`: how far from the frame's edge it must be to be seen at all, pixels: half the size of a marker.
    """

    x: float
    y: float
    writing: bool
    reach: float = 0.0


class Pen:
    """Turn tips, one a frame, into strokes: float (N, 3), x and y in pixels of the frame, and seconds.

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
        self._gesture, self._reach = False, 0.0  # the tip's: the last one, and the largest since it appeared
        self._recent: deque[tuple[float, float, float]] = deque()  # its places in the last `pause` seconds
        self._rested: tuple[float, float] | None = None  # where the last pause was, until the tip has left
        self._new = False  # in sight since the last frame only
        self._arriving = False  # on the way in from outside the frame
        self._fastest = 0.0  # the tip's highest speed on the way in, pixels a second

    def update(self, tip: Tip | None, seconds: float) -> np.ndarray | None:
        """Take the tip of a frame, None if it is out of sight; return the stroke that ended with it, if one did."""
        if tip is None or (self._seen is not None and seconds - self._seen > STALL):
            if self._seen is None or seconds - self._seen <= GAP:
                return None
            self._seen = None
            return self._lift(leaving=True)
        appeared, self._seen = self._seen is None, seconds
        if appeared:
            self._recent.clear()
        self._recent.append((tip.x, tip.y, seconds))
        while len(self._recent) > 1 and self._recent[1][2] <= seconds - self._pause + 1e-6:
            self._recent.popleft()  # one place as old as the pause stays
        self._reach, ended = tip.reach if appeared else max(self._reach, tip.reach), None
        if appeared:
            self._rested = None
            self._new, self._arriving, self._fastest = True, False, 0.0
            self.down = tip.writing
        elif tip.writing != self._gesture:
            ended = self._lift()
            self._new, self._arriving, self.down = False, False, tip.writing
        elif self._new:
            self._new = False
            if self._comes_in():
                self._lift()
                self._arriving = True
        elif self._arriving and self._slow(seconds):
            self._arriving, self.down = False, tip.writing
        self._gesture = tip.writing
        if self.down:
            self.points.append((tip.x, tip.y, seconds))
            while seconds - self.points[0][2] > LONGEST:
                self.points.pop(0)
        if tip.writing and self._paused(seconds):
            self._rested = tip.x, tip.y
            if self.writing:
                ended = self._lift(until=seconds - self._pause)
            else:
                self.down = True
        if self.down and self._rested:  # who rests with the pen down has not begun yet
            self.points = [(*self._rested, seconds)]
        return ended

    @property
    def writing(self) -> bool:
        """Whether the pen is down and has written more than the tremor of a hand at rest."""
        return self.down and extent(cv2.blur(np.array(self.points)[:, :2], (1, 5))) > 1.5 * self._still

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

    def _comes_in(self) -> bool:
        """Tell whether a tip seen in two frames comes in from outside: quickly, unlike a stroke's slow beginning."""
        first, second = np.array(self._recent)[:, :2]
        return self._outside(first - OUTSIDE * (second - first))

    def _outside(self, place: np.ndarray) -> bool:
        inside = (self._reach < x < size - self._reach for x, size in zip(place, self._size, strict=True))
        return not all(inside)

    def _slow(self, seconds: float) -> bool:
        """Tell whether a tip that came in from outside has slowed down to write."""
        last = [place for place in self._recent if place[2] >= seconds - 0.1]
        speed = extent(np.array(last)) / max(seconds - last[0][2], 1e-3)
        self._fastest = max(self._fastest, speed)
        return speed < SLOW * self._fastest

    def _without_way_out(self, stroke: np.ndarray) -> np.ndarray:
        """Return a stroke without its fast end, from where it last slowed down, if that leads out of the frame."""
        whole = len(stroke)
        while len(stroke) and self._outside(stroke[-1, :2]):
            stroke = stroke[:-1]  # half out of view, a marker seems slower than it is
        if len(stroke) < 6:
            return stroke
        if len(stroke) == whole and not self._outside(stroke[-1, :2] + OUTSIDE * (stroke[-1] - stroke[-2])[:2]):
            return stroke
        step = np.diff(stroke, axis=0)
        speed = np.hypot(step[:, 0], step[:, 1]) / np.maximum(step[:, 2], 1e-3)
        slow = np.flatnonzero(speed < SLOW * speed[-8:].max())
        return stroke[: slow[-1] + 2] if len(slow) else stroke

    def _paused(self, seconds: float) -> bool:
        """Tell whether the tip has been still for a pause, once for each pause."""
        if self._rested:
            x, y, _ = self._recent[-1]
            if np.hypot(x - self._rested[0], y - self._rested[1]) > 2 * self._still:
                self._rested = None
                self._recent.clear()
            return False
        places = np.array(self._recent)
        return bool(seconds - places[0, 2] >= self._pause - 1e-6 and np.hypot(*places[:, :2].std(0)) < self._still)


def extent(points: np.ndarray) -> float:
    """Return the longer side of the box around points (N, 2 or more), in pixels."""
    return float(np.ptp(points[:, :2], axis=0).max()) if len(points) else 0.0
