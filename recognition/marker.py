"""Follow a coloured cap or pen through a video: by its colour, by what was there before it, and by continuity."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from recognition.settings import UserError
from recognition.tips import Tip

WIDTH = 480  # pixels, about; the marker is looked for in frames reduced to this
BINS, RANGES = (90, 32, 16), (0, 180, 0, 256, 0, 256)  # of the table over hue, saturation and value
EDGE, SURE = 50, 140  # likeness, 0 to 255: what may belong to a marker, and what makes one
LARGEST = 0.04  # of the frame's area; sleeves, books and walls are larger
SMALLEST = 6  # pixels of the reduced frame; less is noise
FADE_IN, FADE_OUT = 1.0, 20.0  # seconds until a still thing counts as background, and until one gone is forgotten
PATIENCE = 0.25  # seconds that a mere smear of the marker is believed after it was last seen clearly
FORGET = 1.0  # seconds out of sight after which the marker must start anew


@dataclass(frozen=True)
class Colour:
    """A marker's colour as OpenCV has it: hue 0 to 180 and its spread, saturation and value 0 to 255."""

    hue: float
    saturation: float
    value: float
    spread: float = 6.0


COLOURS = {
    "red": Colour(178, 195, 150),
    "orange": Colour(11, 220, 190, 4),
    "yellow": Colour(27, 200, 190, 5),
    "green": Colour(62, 170, 130, 13),
    "cyan": Colour(93, 190, 150, 6),
    "blue": Colour(110, 190, 140, 8),
    "purple": Colour(138, 150, 120, 9),
    "pink": Colour(165, 160, 190, 7),
}


def hue_difference(hue: np.ndarray | float, other: float) -> np.ndarray | float:
    """Return how far `hue` is past `other` on the circle of hues, -90 to 90."""
    return (hue - other + 90) % 180 - 90


def likeness_table(colour: Colour) -> np.ndarray:
    """Return the likeness to a colour, 0 to 255, float32 BINS: 255 less its distance in spreads, 0 from 3 on."""
    hue, saturation, value = (
        (np.arange(n) + 0.5) * high / n for n, high in zip(BINS, RANGES[1::2], strict=True)
    )
    h = hue_difference(hue, colour.hue) / colour.spread
    s = np.minimum(saturation - colour.saturation, 0) / (0.17 * colour.saturation)  # purer is as good
    v = np.minimum(value - colour.value, 0) / (0.33 * colour.value)  # brighter is too
    distance = np.sqrt(h[:, None, None] ** 2 + s[:, None] ** 2 + v**2)
    # cv2.Mat: OpenCV takes the last axis of a plain 3-D array for channels
    return cv2.Mat((255 * np.clip(1 - distance / 3, 0, 1)).astype(np.float32), wrap_channels=False)


def likeness(image: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return how like the table's colour each pixel of a BGR image is, uint8 (H, W)."""
    return cv2.calcBackProject([cv2.cvtColor(image, cv2.COLOR_BGR2HSV)], [0, 1, 2], table, RANGES, 1)


def reduce(frame: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a frame reduced to about WIDTH, and by how much: a whole number, for which OpenCV is twice as fast."""
    factor = max(1, round(frame.shape[1] / WIDTH))
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


def find_blobs(like: np.ndarray) -> list[Blob]:
    """Return the connected patches over EDGE in a map of likeness, uint8 (H, W), at most 30, the largest."""
    _, labels, stats, centres = cv2.connectedComponentsWithStats((like > EDGE).astype(np.uint8))
    blobs = []
    for label in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:30]:
        x, y, w, h, area = map(int, stats[label])
        if area < SMALLEST:
            break
        inside = labels[y : y + h, x : x + w] == label
        sureness = float(np.percentile(like[y : y + h, x : x + w][inside], 80))
        blobs.append(Blob(*centres[label], (x, y, x + w, y + h), area, sureness, inside))
    return blobs


def may_start(blob: Blob, height: int, width: int) -> bool:
    """Tell whether a patch may begin a marker: sure of its colour, small, compact, and off the borders."""
    x1, y1, x2, y2 = blob.box  # a sleeve comes from a border, and stays there
    inside = min(x1, y1) > 1 and x2 < width - 1 and y2 < height - 1
    compact = blob.area > 0.15 * (x2 - x1) * (y2 - y1)
    return blob.sureness >= SURE and blob.area <= LARGEST * height * width and inside and compact


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
        self._anchor = (0.0, 0.0)  # where it last moved

    def track(self, frame: np.ndarray, seconds: float) -> Tip | None:
        """Return where the marker is in a BGR frame, uint8 (H, W, 3), or None; `seconds` rise from frame to frame."""
        small, factor = reduce(frame)
        like = likeness(small, self._table)
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
        blobs = find_blobs(self._new(like))
        blob = self._continued(blobs, like.shape[1])
        still = self._time - self._moved > FADE_IN
        if blob and blob.sureness >= SURE and not still:
            return blob
        self._release(like)
        starts = [b for b in find_blobs(self._new(like)) if may_start(b, *like.shape) and not _overlap(b, blob)]
        if starts:
            return max(starts, key=lambda b: b.sureness * b.area**0.5)
        return blob if blob and (blob.sureness >= SURE or self._time - self._sure < PATIENCE) else None

    def _new(self, like: np.ndarray) -> np.ndarray:
        """Return the likeness less the background's, with a margin for a camera that shakes and light that changes."""
        still = cv2.dilate(cv2.convertScaleAbs(self._background, alpha=2.5), np.ones((3, 3), np.uint8))
        return cv2.subtract(like, still)

    def _release(self, like: np.ndarray) -> None:
        """Take out of the background what has moved off its place by a good third of its size."""
        _, labels, stats, _ = cv2.connectedComponentsWithStats((like >= SURE).astype(np.uint8))
        fresh = np.bincount(labels[self._new(like) >= SURE / 2], minlength=len(stats))
        for x, y, w, h, _ in stats[1:][fresh[1:] > np.maximum(0.35 * stats[1:, cv2.CC_STAT_AREA], SMALLEST)]:
            self._background[max(y - h // 2, 0) : y + h + h // 2, max(x - w // 2, 0) : x + w + w // 2] = 0

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
        like = cv2.calcBackProject([hsv], [0, 1, 2], self._table, RANGES, 1)
        mask = cv2.resize(blob.mask.astype(np.uint8), like.shape[::-1], interpolation=cv2.INTER_NEAREST)
        like[like < 0.6 * blob.sureness] = 0  # the finger below the cap may be alike
        moments = cv2.moments(like * mask)
        if blob.sureness >= SURE and self._speed < 0.5:  # blur mixes in what is behind
            self._adapt(hsv[(like * mask) >= SURE], passed)
        if not moments["m00"]:  # only the reduction mixed the colour
            return Tip(factor * (blob.x + 0.5) - 0.5, factor * (blob.y + 0.5) - 0.5, True)
        return Tip(x1 + step * moments["m10"] / moments["m00"], y1 + step * moments["m01"] / moments["m00"], True)

    def _adapt(self, hsv: np.ndarray, passed: float) -> None:
        """Move the colour towards pixels of the marker, uint8 (N, 3), within bounds that keep it off skin."""
        if len(hsv) < SMALLEST:
            return
        given, now, rate = self._given, self._colour, 1 - np.exp(-passed / 0.5)
        hue, saturation, value = hsv.astype(np.float32).T
        drift = hue_difference(now.hue + rate * hue_difference(hue, now.hue).mean(), given.hue)
        self._colour = replace(
            now,
            hue=(given.hue + np.clip(drift, -8, 8)) % 180,
            saturation=np.clip(now.saturation + rate * (saturation.mean() - now.saturation), 0.75 * given.saturation, 255),
            value=np.clip(now.value + rate * (value.mean() - now.value), 0.4 * given.value, 255),
        )
        self._table = likeness_table(self._colour)


def _overlap(a: Blob, b: Blob | None) -> bool:
    return b is not None and max(a.box[0], b.box[0]) < min(a.box[2], b.box[2]) and (
        max(a.box[1], b.box[1]) < min(a.box[3], b.box[3])
    )
