"""Find and read the digits of a page with the network of pages, at a few scales, and keep the best of each place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np

STRIDE, MULTIPLE = 4, 32  # pixels: of a cell of the network's maps; sides of what it looks at
DIGITS, MINUS, OTHER = 10, 12, 15  # kinds: 0 to 9, the signs, of which one is the minus, then any other character
AREA = 2_400_000  # pixels at most: larger photos are shrunk
ENLARGED = 1_000_000  # pixels: smaller pictures are enlarged to this, four times a side at most
BAND, OVERLAPPING = 1_200_000, 64  # pixels that go through the network at once, and that two such bands share: memory
SMALLEST = 24  # pixels: the longer side of the coarsest scale
MARGIN = 12  # pixels of plain paper put around every scale: characters at the very edge are seen
STEP = 2 ** (1 / 3)  # from one scale to the next
HEIGHTS = 17.0, 48.0  # pixels: of what is believed on one scale
TRACE, SMALL, COARSER = 0.1, 24, 1.6  # heat and height of digits that finer scales see better; times finer at most
WITNESSES = 2  # scales that have a say in what a digit is
AROUND = 57  # pixels: the side of what a pixel is compared with
FAINTEST = 7.65  # gray levels: added to the spread, so that the noise of empty paper stays small
FAINT = 1 / 7  # of the contrast of what is darkest: less is the paper's texture, or shines through from its other side
CANDIDATE = 0.15  # heat from which on a place is looked at
THIN = 0.3  # of a digit's height: how wide its place is at least
OVERLAP = 0.45  # of the smaller of two boxes: more, and only the better one is kept
SURE = 0.4  # score of what tells how dark and how high the writing is, and whether it is digits
CAREFULLY = 0.3  # share of what the page says that is believed when a doubtful character may be a digit
MOST = 12_000  # characters of a picture that are kept; a page of texture has no more


@dataclass
class Detections:
    """Characters found, the best first: kinds int (N,), scores 0-1 (N,), boxes float (N, 4) in the image's pixels, and
    whether printed 0-1 (N,)."""

    kinds: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    printed: np.ndarray

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, which: np.ndarray) -> "Detections":
        return Detections(*(part[which] for part in vars(self).values()))


def detect(
    gray: np.ndarray, run: Callable[[np.ndarray], np.ndarray], area: int = AREA, step: float = STEP
) -> Detections:
    """Return the characters of a gray image, uint8 (H, W), at all scales, one of each place.

    `run` maps float (H, W), both multiples of MULTIPLE, to the maps of networks.pages, float (H/4, W/4, kinds + 5).
    `area`: pixels of the finest scale at most; `step`: from one scale to the next, more is faster.
    """
    levels = maps_of_scales(list(pyramid(gray, area, step)), run)
    parts = zip(*(vars(_peaks(maps, scale)).values() for maps, scale in levels), strict=True)
    found = vote(Detections(*(np.concatenate(part) for part in parts)), levels)
    order = np.argsort(oversized(found) - found.scores, kind="stable")  # these last
    found = suppress(found[order[:MOST]])
    found = found[~ruling(found, gray.shape[1])]
    strength = contrast(gray, found.boxes)
    darkest = np.sort(strength[found.scores > SURE])[-3:]
    return found[strength >= FAINT * darkest[0]] if len(darkest) else found


def maps_of_scales(
    images: list[tuple[np.ndarray, float]], run: Callable[[np.ndarray], np.ndarray]
) -> list[tuple[np.ndarray, float]]:
    """Return what the network says of an image at its scales, the finest first, without the finest if they are no use.

    They cost most, and where no small digit leaves a trace on a coarser scale there is none: nearly all do, also those
    of 11 to 14 pixels, which the network never learned to read.
    """
    optional = sum(scale * COARSER >= images[0][1] for _, scale in images[1:])
    levels = [(maps_of(normalise(image), run), scale) for image, scale in images[optional:]]
    for image, scale in reversed(images[:optional]):
        if not shows_small_digits(levels[0][0]):
            break
        levels.insert(0, (maps_of(normalise(image), run), scale))
    return levels


def shows_small_digits(maps: np.ndarray) -> bool:
    """Tell whether maps have a trace of a digit that a finer scale would see better."""
    heat = maps[..., :DIGITS].max(2)
    return bool((_sizes(maps[_highest(heat, TRACE)])[1] < SMALL).any())


def vote(found: Detections, levels: list[tuple[np.ndarray, float]]) -> Detections:
    """Return the characters, digits as several scales see them: texture looks like a digit on one scale only.

    What a scale sees is the highest heat in the 3x3 cells around the centre, for each kind; the mean of the WITNESSES
    scales that see most of a kind is what counts, and the highest kind.
    """
    x, y = (found.boxes[:, :2] + found.boxes[:, 2:]).T / 2
    height = np.where(found.kinds < DIGITS, found.boxes[:, 3] - found.boxes[:, 1], 0)
    most, seen = np.zeros((WITNESSES + 1, len(found), OTHER + 1), np.float32), np.zeros(len(found), int)
    for maps, scale in levels:
        here = np.flatnonzero((height * scale >= HEIGHTS[0]) & (height * scale <= HEIGHTS[1]))
        rows, columns = (((part[here] * scale + MARGIN) / STRIDE).astype(int) for part in (y, x))
        rows, columns = (
            [np.clip(places + k, 0, length - 1) for k in (-1, 0, 1)]
            for places, length in zip((rows, columns), maps.shape, strict=False)
        )
        around = (maps[row, column, : OTHER + 1] for row in rows for column in columns)
        most[0, here] = reduce(np.maximum, around)
        most[:, here] = np.sort(most[:, here], 0)  # the least of them is overwritten next
        seen[here] += 1
    voted = np.flatnonzero(seen)
    heat = most[1:, voted].sum(0) / np.minimum(seen[voted], WITNESSES)[:, None]
    found.kinds[voted], found.scores[voted] = heat.argmax(1), heat.max(1)
    if favour := expected(found):
        heat[:, :DIGITS] = probabilities(heat[:, :DIGITS], 1, favour)
        found.kinds[voted], found.scores[voted] = heat.argmax(1), heat.max(1)
    return found


def expected(found: Detections) -> float:
    """Return what speaks for a digit before one looks at it, in log odds: much, where nearly all else is digits.

    After M. Saerens et al., "Adjusting the outputs of a classifier to new a priori probabilities" (2002), with care.
    """
    sure = found.scores > SURE
    digits, others = (found.scores[sure & kind].sum() for kind in (found.kinds < DIGITS, found.kinds == OTHER))
    return float(CAREFULLY * np.clip(np.log((digits + 5) / (others + 5)), 0, 3))


def ruling(found: Detections, width: int) -> np.ndarray:
    """Tell of each whether it is a minus at the left or right edge of a picture of that width: a line of the paper."""
    left, right = found.boxes[:, 0], found.boxes[:, 2]
    reach = 0.2 * (right - left)  # boxes of signs are no more exact
    return (found.kinds == MINUS) & ((left < reach) | (right > width - reach))


def probabilities(heat: np.ndarray, slope: float, offset: float) -> np.ndarray:
    """Return how probably digits of such scores are right, see evaluation.calibration.platt."""
    heat = np.clip(heat, 1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-slope * np.log(heat / (1 - heat)) - offset))


def oversized(found: Detections) -> np.ndarray:
    """Tell of each whether it is no digit and much higher than the digits: two of them above each other are no colon,
    and a column of them is no letter."""
    height = found.boxes[:, 3] - found.boxes[:, 1]
    digits = (found.kinds < DIGITS) & (found.scores > SURE)
    if not digits.any():
        return np.zeros(len(found), bool)
    times = np.where(found.kinds == OTHER, 2, 1.5)
    return (found.kinds >= DIGITS) & (height > times * np.median(height[digits]))


def maps_of(image: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what the network says of an image, float (H, W), of any size: a large one in bands of the same size."""
    if image.size <= BAND:
        return run(image)
    if image.shape[1] > image.shape[0]:  # bands go across the longer side
        return maps_of(image.T, lambda band: run(np.ascontiguousarray(band.T)).swapaxes(0, 1)).swapaxes(0, 1)
    count = -(-(len(image) - OVERLAPPING) // max(3 * OVERLAPPING, BAND // image.shape[1] - OVERLAPPING))
    height = -(-(len(image) + (count - 1) * OVERLAPPING) // count // MULTIPLE) * MULTIPLE
    maps = np.empty((len(image) // STRIDE, image.shape[1] // STRIDE, 0), np.float32)
    for top in [*range(0, len(image) - height, height - OVERLAPPING), len(image) - height]:
        band = run(np.ascontiguousarray(image[top : top + height]))
        if not top:
            maps = np.empty((*maps.shape[:2], band.shape[2]), np.float32)
        begin = OVERLAPPING // 2 // STRIDE if top else 0  # what is nearer to its edge the band before has seen better
        maps[top // STRIDE + begin : (top + height) // STRIDE] = band[begin:]
    return maps


def pyramid(gray: np.ndarray, area: int = AREA, step: float = STEP) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the image at scales `step` apart, with MARGIN around it, and each one's scale."""
    (height, width), larger = gray.shape, np.sqrt(area / gray.size)
    scale = min(1.0, larger) if gray.size > ENLARGED else min(4.0, larger, np.sqrt(ENLARGED / gray.size))
    edge = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    paper, source, source_scale = int(np.median(edge)), gray, 1.0
    while True:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(source, size, interpolation=cv2.INTER_AREA if scale < source_scale else cv2.INTER_CUBIC)
        if scale < source_scale / 2:  # what follows needs no more
            source, source_scale = small, scale
        bottom, right = (-(length + 2 * MARGIN) % MULTIPLE for length in small.shape)
        yield (
            cv2.copyMakeBorder(
                small, MARGIN, MARGIN + bottom, MARGIN, MARGIN + right, cv2.BORDER_CONSTANT, value=paper
            ),
            scale,
        )
        scale /= step
        if scale * max(height, width) < SMALLEST:
            return


def normalise(gray: np.ndarray) -> np.ndarray:
    """Return pixels, uint8 (H, W), less the mean around them, over the spread around them, float32, -4 to 4.

    So shadows go, and pale ink looks like dark ink.
    """
    mean, square = (filter_of(gray, cv2.CV_32F, (AROUND, AROUND)) for filter_of in (cv2.boxFilter, cv2.sqrBoxFilter))
    spread = cv2.sqrt(cv2.max(cv2.subtract(square, cv2.multiply(mean, mean)), 0.0))
    relative = cv2.divide(cv2.subtract(gray, mean, dtype=cv2.CV_32F), cv2.add(spread, FAINTEST))
    return cv2.min(cv2.max(relative, -4.0), 4.0)


def _peaks(maps: np.ndarray, scale: float) -> Detections:
    """Return the places of one scale where the heat is highest, their boxes in pixels of the image."""
    heat = np.ascontiguousarray(maps[..., : OTHER + 1])
    best = cv2.reduce(heat.reshape(-1, OTHER + 1), 1, cv2.REDUCE_MAX).reshape(maps.shape[:2])  # faster than NumPy's max
    rows, columns = np.nonzero(_highest(best, CANDIDATE))
    at = maps[rows, columns]
    kinds, scores = at[:, : OTHER + 1].argmax(1), best[rows, columns]
    width, height = _sizes(at)
    x = STRIDE * (columns + np.clip(at[:, OTHER + 3], 0, 1)) - MARGIN
    y = STRIDE * (rows + np.clip(at[:, OTHER + 4], 0, 1)) - MARGIN
    boxes = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1) / scale
    scores = np.where((kinds < DIGITS) & ((height < 17) | (height > 46)), 0.85 * scores, scores)
    fits = (kinds >= DIGITS) | ((height >= HEIGHTS[0]) & (height <= HEIGHTS[1]))
    found = Detections(kinds, scores, boxes, at[:, OTHER + 5])
    return found[fits]


def _highest(heat: np.ndarray, least: float) -> np.ndarray:
    """Tell of each cell whether its heat is more than `least` and no less than its neighbours'."""
    return (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (heat > least)


def _sizes(at: np.ndarray) -> np.ndarray:
    """Return what cells of maps, (N, C), say of widths and heights, pixels of that scale, (2, N)."""
    return 16 * np.exp(np.clip(at[:, OTHER + 1 : OTHER + 3].T, -4, 3))


def contrast(gray: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return how far apart the darkest and the lightest pixels in boxes are, gray levels (N,), on a grid of 16x16."""
    height, width = gray.shape
    corners = np.clip(np.rint(boxes), 0, [width, height] * 2).astype(int).tolist()
    parts = (gray[y1 : y2 : (y2 - y1) // 16 or 1, x1 : x2 : (x2 - x1) // 16 or 1] for x1, y1, x2, y2 in corners)
    return np.array([int(part.max()) - int(part.min()) if part.size else 0 for part in parts])


def suppress(found: Detections) -> Detections:
    """Return those that share no place with a better one; `found` has the best first. The place of a
    digit is no narrower than THIN: else a stroke may be two ones."""
    x1, y1, x2, y2 = np.array(found.boxes.T, order="C")
    more = np.where(found.kinds < DIGITS, np.maximum(THIN * (y2 - y1) - (x2 - x1), 0), 0) / 2
    x1, x2 = x1 - more, x2 + more
    area = np.maximum(x2 - x1, 1e-3) * np.maximum(y2 - y1, 1e-3)
    kept, others, count = [], np.empty((5, len(found)), np.float32), 0  # boxes and areas of those kept
    for k in range(len(found)):
        left, top, right, bottom, size = others[:, :count]
        wide = np.minimum(right, x2[k]) - np.maximum(left, x1[k])
        high = np.minimum(bottom, y2[k]) - np.maximum(top, y1[k])
        wide *= high > 0
        if not (wide * high > OVERLAP * np.minimum(area[k], size)).any():
            others[:, count] = x1[k], y1[k], x2[k], y2[k], area[k]
            kept.append(k)
            count += 1
    return found[np.array(kept, int)]
