"""Find the handwritten digits of a photo, bring each to the form of MNIST, and read them in order.

Four steps, each a function on arrays: `ink_map` (how much ink covers each pixel), `find_shapes` (connected ink),
`normalise` (28x28, white on black, as the network was trained), `read_digits` (which shapes, merged or cut, are digits).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from recognition.paper import ink_map, remove_ruling

SIZE, BOX = 28, 20  # MNIST: 28x28 pixels, the digit's longer side 20, its centre of mass in the middle
PREPROCESSING = 1  # version of `normalise`: raise it when models trained with the old one no longer fit
WORKING_SIDE = 2000  # pixels of the longer side on which digits are looked for: larger photos are shrunk


@dataclass
class Digit:
    """One digit read: its value 0-9, the network's confidence in [0, 1], its box x1 y1 x2 y2 in the image's pixels."""

    digit: int
    confidence: float
    box: tuple[int, int, int, int]


@dataclass
class Shape:
    """Connected ink: box x1 y1 x2 y2 and the ink inside it, float32 (h, w) in [0, 1], everything else 0."""

    box: tuple[int, int, int, int]
    ink: np.ndarray

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]


def normalise(ink: np.ndarray) -> np.ndarray:
    """Return one digit as MNIST has it, uint8 (28, 28), white on black.

    `ink`: (h, w), uint8 0-255 or float 0-1, bright ink on black. The longer side of the inked box becomes 20 pixels,
    strokes thinner than a pen's become as thick, and the centre of mass goes to the middle of the 28x28 image.
    """
    ink = ink.astype(np.float32) / (255 if ink.dtype == np.uint8 else 1)
    x, y, width, height = cv2.boundingRect((ink > 0.25).astype(np.uint8))
    if width == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    ink = ink[y : y + height, x : x + width]
    side = max(width, height)
    thickness = stroke_thickness(ink > 0.5) * BOX / side
    missing = (1.9 - thickness) * side / BOX  # MNIST's strokes are about two of its pixels thick
    if thickness and missing >= 1:
        margin = round(missing)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
        ink = cv2.dilate(np.pad(ink, margin), kernel)
        side += margin
    scale = BOX / side
    shape = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = cv2.resize(ink, shape, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    small = np.clip(small, 0, 1)
    moments = cv2.moments(small)
    if moments["m00"] == 0:
        return np.zeros((SIZE, SIZE), np.uint8)
    centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    shift = np.float32([[1, 0, SIZE / 2 - centre[0]], [0, 1, SIZE / 2 - centre[1]]])
    return (cv2.warpAffine(small, shift, (SIZE, SIZE)) * 255).round().astype(np.uint8)


def stroke_thickness(mask: np.ndarray) -> float:
    """Return the mean thickness in pixels of the strokes in a boolean mask (h, w): twice area over outline."""
    mask = np.pad(mask, 1)
    outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return 2 * np.count_nonzero(mask) / max(outline * 0.85, 1)  # a slanted edge of length 1 counts 1 to 1.41 pixel sides


def find_shapes(ink: np.ndarray) -> list[Shape]:
    """Return the connected ink of an ink map, float32 (H, W) in [0, 1], without specks and the image's edges."""
    mask = (ink > 0.5).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count < 2:
        return []
    x, y, width, height, area = stats[1:].T
    side = np.maximum(width, height)
    inside = (side >= 6) & (area >= 8)
    at_edge = (x == 0) | (y == 0) | (x + width == mask.shape[1]) | (y + height == mask.shape[0])
    inside &= ~(at_edge & ((side > 0.5 * min(mask.shape)) | (np.minimum(width, height) < 0.02 * min(mask.shape))))
    if not inside.any():
        return []
    # The height of the writing: half of the ink belongs to shapes at least as high
    order = np.flatnonzero(inside)[np.argsort(side[inside])]
    share = np.cumsum(area[order]) / area[order].sum()
    typical = side[order[np.searchsorted(share, 0.5)]]
    shapes = []
    for k in np.flatnonzero(inside & (side >= 0.12 * typical)):
        x1, y1 = max(0, x[k] - 1), max(0, y[k] - 1)
        window = slice(y1, y[k] + height[k] + 1), slice(x1, x[k] + width[k] + 1)
        own = cv2.dilate((labels[window] == k + 1).astype(np.uint8), np.ones((3, 3), np.uint8))  # with its soft edge
        piece = np.where(own, ink[window], 0)
        shapes.append(Shape((int(x1), int(y1), int(x1 + piece.shape[1]), int(y1 + piece.shape[0])), piece))
    return shapes


def merge(shapes: list[Shape]) -> Shape:
    """Return several shapes as one."""
    boxes = np.array([shape.box for shape in shapes])
    x1, y1, x2, y2 = *boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()
    ink = np.zeros((y2 - y1, x2 - x1), np.float32)
    for shape in shapes:
        a, b, c, d = shape.box
        window = ink[b - y1 : d - y1, a - x1 : c - x1]
        np.maximum(window, shape.ink, out=window)
    return Shape((x1, y1, x2, y2), ink)


def cut(shape: Shape, column: int) -> tuple[Shape, Shape] | None:
    """Return the left and the right part of a shape, each cropped to its ink; None if one would be empty."""
    parts = []
    for start, end in ((0, column), (column, shape.width)):
        piece = np.ascontiguousarray(shape.ink[:, start:end])
        x, y, width, height = cv2.boundingRect((piece > 0.5).astype(np.uint8))
        if width == 0:
            return None
        x1, y1 = shape.box[0] + start + x, shape.box[1] + y
        parts.append(Shape((x1, y1, x1 + width, y1 + height), piece[y : y + height, x : x + width]))
    return parts[0], parts[1]


def cut_columns(shape: Shape, count: int = 3) -> list[int]:
    """Return up to `count` columns where two touching digits may meet: where least ink has to be cut."""
    if shape.width < 0.7 * shape.height or shape.width < 12:
        return []
    profile = cv2.blur((shape.ink > 0.5).sum(0).astype(np.float32)[None], (3, 1))[0]
    low, high = round(0.2 * shape.width), round(0.8 * shape.width)
    columns: list[int] = []
    for column in low + np.argsort(profile[low:high], kind="stable"):
        if all(abs(column - other) > 0.1 * shape.width for other in columns):
            columns.append(int(column))
        if len(columns) == count:
            break
    return columns


def _near(a: Shape, b: Shape, height: float) -> bool:
    """Tell whether two shapes may be strokes of one digit of the given height."""
    gap_x = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    gap_y = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    together_y = max(a.box[3], b.box[3]) - min(a.box[1], b.box[1])
    together_x = max(a.box[2], b.box[2]) - min(a.box[0], b.box[0])
    return gap_x < 0.12 * height and gap_y < 0.3 * height and max(together_x, together_y) < 1.6 * height


def _candidates(shapes: list[Shape]) -> list[tuple[tuple[int, ...], list[Shape]]]:
    """Return the ways to make digits of shapes: (numbers of the shapes used, the one or more digits they would be)."""
    ways: list[tuple[tuple[int, ...], list[Shape]]] = []
    heights = np.array([max(shape.height, 0.6 * shape.width) for shape in shapes])
    for k, shape in enumerate(shapes):
        ways.append(((k,), [shape]))
        for column in cut_columns(shape):
            parts = cut(shape, column)
            if parts:
                ways.append(((k,), list(parts)))
    order = np.argsort([shape.box[0] for shape in shapes])
    neighbours: dict[int, list[int]] = {k: [] for k in range(len(shapes))}
    for i, a in enumerate(order):
        for b in order[i + 1 :]:
            if shapes[b].box[0] > shapes[a].box[2] + 0.3 * heights[a] + 20:
                break
            if _near(shapes[a], shapes[b], max(heights[a], heights[b])):
                neighbours[a].append(b)
                neighbours[b].append(a)
                ways.append(((a, b), [merge([shapes[a], shapes[b]])]))
    for a, others in neighbours.items():  # a stroke broken twice
        for i, b in enumerate(others[:4]):
            for c in others[i + 1 : 4]:
                whole = merge([shapes[a], shapes[b], shapes[c]])
                if max(whole.height, whole.width) < 1.6 * max(heights[[a, b, c]]):
                    ways.append(((a, b, c), [whole]))
    return ways


def read_digits(
    frame: np.ndarray, predict: Callable[[np.ndarray], np.ndarray], threshold: float = 0.5
) -> list[list[Digit]]:
    """Return the digits of a BGR or gray image, row by row in reading order.

    `predict` maps uint8 (N, 28, 28) to probabilities (N, 11): ten digits and "no digit". A shape whose best digit is
    less probable than `threshold` is none.
    """
    scale = min(1.0, WORKING_SIDE / max(frame.shape[:2]))
    small = frame if scale == 1 else cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shapes = find_shapes(remove_ruling(ink_map(small)))
    if not shapes:
        return []
    ways = _candidates(shapes)
    probabilities = predict(np.stack([normalise(part.ink) for _, parts in ways for part in parts]))
    best, confidence = probabilities[:, :10].argmax(1), probabilities[:, :10].max(1)
    area = [float((shape.ink > 0.5).sum()) for shape in shapes]

    # Each shape belongs to at most one way. Take the ways by the ink they explain, weighted by how sure the network is.
    scored, first = [], 0
    for used, parts in ways:
        rows = range(first, first + len(parts))
        first += len(parts)
        worst = min(confidence[k] for k in rows)
        if worst >= threshold:
            scored.append((worst - 0.02 * len(parts), sum(area[k] for k in used), used, parts, rows))
    scored = _choose(scored)
    typical = np.median([shape.height for _, _, _, parts, _ in scored for shape in parts]) if scored else 0
    digits = [
        Digit(int(best[k]), round(float(confidence[k]), 4), tuple(round(v / scale) for v in part.box))
        for _, _, _, parts, rows in scored
        for k, part in zip(rows, parts, strict=True)
        if part.height >= 0.4 * typical
    ]
    return reading_order(digits)


def _choose(scored: list[tuple]) -> list[tuple]:
    """Return the ways to take, no shape used twice: merged shapes win where they are surer than their parts alone."""
    alone = {}
    for score, ink, used, _, _ in scored:
        for k in used if len(used) == 1 else ():
            alone[k] = max(alone.get(k, 0), score * ink)
    gains = [(score * ink - sum(alone.get(k, 0) for k in used), score, way) for way in scored for score, ink, used in [way[:3]]]
    taken, free = [], None
    for _, _, way in sorted(gains, key=lambda item: (item[0], item[1]), reverse=True):
        used = set(way[2])
        if free is None or not used & free:
            taken.append(way)
            free = (free or set()) | used
    return taken


def reading_order(digits: list[Digit]) -> list[list[Digit]]:
    """Return the digits in rows from top to bottom, each from left to right; rows may slant."""
    rows: list[list[Digit]] = []
    for digit in sorted(digits, key=lambda d: d.box[0]):
        y1, y2 = digit.box[1], digit.box[3]
        fits = []
        for row in rows:
            last = row[-1].box
            overlap = min(y2, last[3]) - max(y1, last[1])
            if overlap > 0.4 * min(y2 - y1, last[3] - last[1]):
                fits.append((abs(y1 + y2 - last[1] - last[3]) + 0.2 * (digit.box[0] - last[2]), row))
        if fits:
            min(fits, key=lambda item: item[0])[1].append(digit)
        else:
            rows.append([digit])
    return sorted(rows, key=lambda row: np.mean([d.box[1] + d.box[3] for d in row]))


def text_of(rows: list[list[Digit]]) -> str:
    """Return the digits as text, one line a row."""
    return "\n".join("".join(str(d.digit) for d in row) for row in rows)


def normalise_photo(frame: np.ndarray) -> np.ndarray:
    """Return the one digit in a BGR photo or scan as MNIST has it, uint8 (28, 28); black if there is no ink."""
    if max(frame.shape[:2]) < 48:  # cut out already: too small to tell paper from ink by their size
        gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
        return normalise(255 - gray if np.median(border) > 127 else gray)
    shapes = find_shapes(remove_ruling(ink_map(frame)))
    areas = [float(shape.ink.sum()) for shape in shapes]
    large = [shape for shape, area in zip(shapes, areas, strict=True) if area > 0.1 * max(areas)]
    return normalise(merge(large).ink) if large else np.zeros((SIZE, SIZE), np.uint8)
