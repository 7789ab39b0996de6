"""Follow a coloured cap or pen through a video: by its colour, by what was there before it, and by continuity."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.air_writing.colours import COLOURS, Colour, adapt, colour_of, likeness, likeness_table
from recognition.air_writing.pen import Tip
from recognition.settings import UserError

WIDTH = 480  # pixels, about; the marker is looked for in frames reduced to this
EDGE, CLEAR, SURE = 40, 95, 140  # likeness, 0 to 255: of a marker's edge or smear, of one in use, and of a new one
LARGEST = 0.04  # of the frame's area; sleeves, books and walls are larger
SMALLEST = 6  # pixels of the reduced frame; less is noise
FADE_IN, FADE_OUT = 1.0, 20.0  # seconds until a still thing counts as background, and until one gone is forgotten
PATIENCE = 0.15  # seconds that a mere smear of the marker is believed after it was last seen clearly
FORGET = 1.0  # seconds out of sight, or seen but palely, after which the marker must start anew


def reduce(frame: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a frame reduced to about WIDTH, and by how much: a whole number, for which OpenCV is twice as fast."""
    factor = max(1, min(round(frame.shape[1] / WIDTH), frame.shape[0]))  # a strip keeps a row
    height, width = frame.shape[0] // factor, frame.shape[1] // factor
    whole = frame[: height * factor, : width * factor]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), factor


@dataclass
class Blob:
    """A patch of the marker's colour in the reduced frame."""

    x: float
    y: float
    box: tuple[int, int, int, int]  # x1 y1 x2 y2
    area: int
    sureness: float  # the likeness that its best fifth exceeds
    mask: np.ndarray  # bool (h, w), in the box


def find_blobs(like: np.ndarray, level: int) -> list[Blob]:
    """Return the connected patches over `level` in a map of likeness, uint8 (H, W), at most 30, the largest."""
    _, labels, stats, centres = cv2.connectedComponentsWithStats((like > level).astype(np.uint8))
    blobs = []
    for label in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:30]:
        x, y, w, h, area = map(int, stats[label])
        if area < SMALLEST:
            break
        inside = labels[y : y + h, x : x + w] == label
        sureness = float(np.percentile(like[y : y + h, x : x + w][inside], 80))
        blobs.append(Blob(*centres[label], (x, y, x + w, y + h), area, sureness, inside))
    return blobs


def may_start(blob: Blob, like: np.ndarray) -> bool:
    """Tell whether a patch may begin a marker: sure of its colour, small, compact, off the borders, and on its own."""
    (x1, y1, x2, y2), (height, width) = blob.box, like.shape
    if (
        blob.sureness < SURE
        or blob.area < 2 * SMALLEST
        or blob.area > LARGEST * like.size
        or blob.area < 0.15 * (x2 - x1) * (y2 - y1)
    ):
        return False
    if min(x1, y1) < 2 or x2 > width - 2 or y2 > height - 2:  # a sleeve comes from a border, and stays there
        return False
    in_x, in_y = (x2 - x1) // 2 + 2, (y2 - y1) // 2 + 2
    around = like[max(y1 - in_y, 0) : y2 + in_y, max(x1 - in_x, 0) : x2 + in_x]
    inside = int(like[y1:y2, x1:x2][blob.mask].sum())
    return int(around.sum()) - inside < 0.25 * blob.sureness * (around.size - blob.area)  # no fold of a shirt


class MarkerTracker:
    """Follows the one marker of a colour.

    What was there before the marker and does not move is background, whatever its colour. A marker begins as a sure
    and compact patch that is new at its place; from then on it may hold still, blur, and leave by a border. The colour
    follows the light, within bounds.
    """

    def __init__(self, color: str = "red"):
        if color not in COLOURS:
            raise UserError(f"no marker colour {color!r}: use one of {', '.join(COLOURS)}", 2)
        self._begin(COLOURS[color])

    def _begin(self, colour: Colour) -> None:
        self._given = self._colour = colour  # as first known, and as the light has it now
        self._table = likeness_table(colour)
        self._background: np.ndarray | None = None  # the likeness of what is still, float32, reduced
        self._last: Blob | None = None  # the marker when last seen
        self._time = self._seen = self._sure = self._moved = 0.0  # seconds: this frame's, and the marker's
        self._speed = 0.0  # in its own sizes a frame
        self._anchor = (0.0, 0.0)  # where it last moved

    def learn(self, frame: np.ndarray, box: tuple[float, float, float, float]) -> None:
        """Follow from now on what is in a box, x1 y1 x2 y2, of a BGR frame; UserError if that has no clear colour."""
        x1, y1, x2, y2 = box
        in_x, in_y = (x2 - x1) / 4, (y2 - y1) / 4  # boxes are drawn around markers
        inner = np.clip(np.round([x1 + in_x, y1 + in_y, x2 - in_x, y2 - in_y]), 0, None).astype(int)
        self._begin(colour_of(frame[inner[1] : inner[3], inner[0] : inner[2]]))
        small, factor = reduce(frame)
        like = likeness(cv2.cvtColor(small, cv2.COLOR_BGR2HSV), self._table)
        self._background = like.astype(np.float32)
        for blob in find_blobs(like, EDGE):
            bx1, by1, bx2, by2 = blob.box
            if bx1 <= (x1 + x2) / 2 / factor < bx2 and by1 <= (y1 + y2) / 2 / factor < by2:
                self._background[max(by1 - 2, 0) : by2 + 2, max(bx1 - 2, 0) : bx2 + 2] = 0  # all else is background

    def learn_at(self, frame: np.ndarray, point: tuple[float, float]) -> None:
        """Follow from now on what is at a point, x y, of a BGR frame; UserError if that has no clear colour."""
        (x, y), reach = point, max(4, frame.shape[1] / 128)
        self.learn(frame, (x - reach, y - reach, x + reach, y + reach))

    def track(self, frame: np.ndarray, seconds: float) -> Tip | None:
        """Return where the marker is in a BGR frame, uint8 (H, W, 3), or None; `seconds` rise from frame to frame."""
        small, factor = reduce(frame)
        like = likeness(cv2.cvtColor(small, cv2.COLOR_BGR2HSV), self._table)
        if self._background is None or self._background.shape != like.shape:
            self._background, self._last = like.astype(np.float32), None
        passed, self._time = min(max(seconds - self._time, 0.0), 0.5), seconds
        blob = self._find(like)
        self._fade(like, blob, passed)
        if blob is None:
            return None
        self._remember(blob, like.shape[1])
        return self._refine(frame, blob, factor, passed)

    def _find(self, like: np.ndarray) -> Blob | None:
        blob = self._continued(find_blobs(self._new(like), CLEAR), like.shape[1])
        still = self._time - self._moved > FADE_IN
        if blob and blob.sureness >= SURE and not still:
            return blob
        self._release(like)
        new = self._new(like)
        starts = [b for b in find_blobs(new, CLEAR) if may_start(b, new) and not _overlap(b, blob)]
        if starts:
            return max(starts, key=lambda b: b.sureness * b.area**0.5)
        blob = blob or self._continued(find_blobs(new, EDGE), like.shape[1])  # a smear
        if blob is None or blob.sureness >= SURE:
            return blob
        return blob if self._time - self._sure < (FORGET if blob.sureness >= CLEAR else PATIENCE) else None

    def _new(self, like: np.ndarray) -> np.ndarray:
        """Return the likeness less the background's, with a margin for a camera that shakes and light that changes."""
        still = cv2.dilate(cv2.convertScaleAbs(self._background, alpha=1.6), np.ones((3, 3), np.uint8))
        return cv2.subtract(like, still)

    def _release(self, like: np.ndarray) -> None:
        """Take out of the background what has moved off its place by a fifth of its size."""
        _, labels, stats, _ = cv2.connectedComponentsWithStats((like >= SURE).astype(np.uint8))
        fresh = np.bincount(labels[self._new(like) >= SURE / 2], minlength=len(stats))
        left = (self._background >= SURE) & (like < EDGE)  # brighter light makes things fresh, but they leave nothing
        for x, y, w, h, area in stats[1:][fresh[1:] > np.maximum(0.2 * stats[1:, cv2.CC_STAT_AREA], SMALLEST)]:
            x1, y1, x2, y2 = max(x - w // 2, 0), max(y - h // 2, 0), x + w + w // 2, y + h + h // 2
            if np.count_nonzero(left[y1:y2, x1:x2]) > 0.1 * area:
                around = self._background[y1:y2, x1:x2]
                around[around > SURE / 2] = 0

    def _continued(self, blobs: list[Blob], width: int) -> Blob | None:
        """Return the patch that goes on where the marker was last seen."""
        unseen = self._time - self._seen
        if self._last is None or unseen > FORGET:
            return None
        reach = width * min(0.05 + 5 * unseen, 0.5)  # a hand crosses the view in a fifth of a second

        def score(blob: Blob) -> float:
            distance = np.hypot(blob.x - self._last.x, blob.y - self._last.y) / reach
            alike = self._last.area / 5 < blob.area < 4 * self._last.area + 30
            return blob.sureness * blob.area**0.5 * np.exp(-distance) if distance < 1 and alike else 0.0

        best = max(blobs, key=score, default=None)
        return best if best and score(best) > 0 else None

    def _fade(self, like: np.ndarray, blob: Blob | None, passed: float) -> None:
        """Let what stays become background and what has gone be forgotten, except where the marker is."""
        if passed == 0:
            return
        change = like - self._background
        change *= np.where(change > 0, 1 - np.exp(-passed / FADE_IN), 1 - np.exp(-passed / FADE_OUT))
        if blob:
            x1, y1, x2, y2 = blob.box
            change[max(y1 - 3, 0) : y2 + 3, max(x1 - 3, 0) : x2 + 3] = 0
        self._background += change

    def _remember(self, blob: Blob, width: int) -> None:
        step = np.hypot(blob.x - self._last.x, blob.y - self._last.y) if self._last else np.inf
        self._speed = step / blob.area**0.5
        self._last, self._seen = blob, self._time
        if blob.sureness >= SURE:
            self._sure = self._time
        if np.hypot(blob.x - self._anchor[0], blob.y - self._anchor[1]) > 0.02 * width:
            self._anchor, self._moved = (blob.x, blob.y), self._time

    def _refine(self, frame: np.ndarray, blob: Blob, factor: int, passed: float) -> Tip:
        """Return the patch's centre of gravity in the full frame, and let the colour follow the light."""
        x1, y1, x2, y2 = (factor * edge for edge in blob.box)
        step = max(1, int(((x2 - x1) * (y2 - y1)) ** 0.5 / 100))  # 100 x 100 pixels are plenty
        hsv = cv2.cvtColor(np.ascontiguousarray(frame[y1:y2:step, x1:x2:step]), cv2.COLOR_BGR2HSV)
        like = likeness(hsv, self._table)
        mask = cv2.resize(blob.mask.astype(np.uint8), like.shape[::-1], interpolation=cv2.INTER_NEAREST)
        like[like < 0.6 * blob.sureness] = 0  # the finger below the cap may be alike
        moments = cv2.moments(like * mask)
        sure = hsv[like * mask >= SURE]
        if len(sure) >= SMALLEST and self._speed < 0.5:  # blur mixes in what is behind
            self._colour = adapt(self._colour, self._given, sure, 1 - np.exp(-passed / 0.5))
            self._table = likeness_table(self._colour)
        reach = max(x2 - x1, y2 - y1) / 2
        if not moments["m00"]:  # only the reduction mixed the colour
            return Tip(factor * (blob.x + 0.5) - 0.5, factor * (blob.y + 0.5) - 0.5, True, reach)
        x, y = x1 + step * moments["m10"] / moments["m00"], y1 + step * moments["m01"] / moments["m00"]
        return Tip(x, y, True, reach)


def _overlap(a: Blob, b: Blob | None) -> bool:
    if b is None:
        return False
    x1, y1, x2, y2 = b.box
    return a.box[0] < x2 and x1 < a.box[2] and a.box[1] < y2 and y1 < a.box[3]
