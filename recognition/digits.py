"""Find the handwritten digits of a photo, bring each to the form of MNIST, and read them in order.

Four steps, each a function on arrays: `ink_map` (how much ink covers each pixel), `find_shapes` (connected ink),
`normalise` (28x28, white on black, as the network was trained), `read_digits` (which shapes, whole, merged or cut,
are digits).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from recognition.paper import ink_map, polarity, remove_ruling
from recognition.shapes import MAX_SHAPES, Shape, cut, cut_columns, find_shapes, merge

SIZE, BOX = 28, 20  # MNIST: 28x28 pixels, the digit's longer side 20, its centre of mass in the middle
PREPROCESSING = 1  # version of `normalise`: raise it when models trained with the old one no longer fit
SEVERAL_CONFIDENCE = 0.2  # a shape is cut where the network suspects several digits in it: an H is not 11
CUT_CONFIDENCE = 0.6  # and only into parts that look like digits
MIN_SIDE = 8  # pixels; a smaller image has no room for a digit
WORKING_SIDE = 2000  # pixels of the longer side on which digits are looked for: larger photos are shrunk


@dataclass
class Digit:
    """One digit read: its value 0-9, the network's confidence in [0, 1], its box x1 y1 x2 y2 in the image's pixels."""

    digit: int
    confidence: float
    box: tuple[int, int, int, int]


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
    if side > 8 * BOX:  # larger shapes only cost time
        ink = cv2.resize(ink, None, fx=8 * BOX / side, fy=8 * BOX / side, interpolation=cv2.INTER_AREA)
        side = 8 * BOX
    thickness = stroke_thickness(ink > 0.5) * BOX / side
    missing = (1.9 - thickness) * side / BOX  # MNIST's strokes are about two of its pixels thick
    if thickness and missing >= 1:
        margin = round(missing)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin + 1, margin + 1))
        ink = cv2.dilate(cv2.copyMakeBorder(ink, *[margin] * 4, cv2.BORDER_CONSTANT), kernel)
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
    mask = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    outline = np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    return 2 * np.count_nonzero(mask) / max(0.85 * outline, 1)  # slanted edges have more pixel sides than length


def _near(a: Shape, b: Shape, height: float) -> bool:
    """Tell whether two shapes may be strokes of one digit of the given height."""
    gap_x = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    gap_y = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    together_y = max(a.box[3], b.box[3]) - min(a.box[1], b.box[1])
    together_x = max(a.box[2], b.box[2]) - min(a.box[0], b.box[0])
    return gap_x < 0.12 * height and gap_y < 0.3 * height and max(together_x, together_y) < 1.6 * height


@dataclass
class Way:
    """One way to make a digit: of which shapes, and if only of a part, between which of the shape's cuts."""

    used: tuple[int, ...]
    whole: Shape
    cuts: tuple[int, int] | None = None
    digit: int = 0
    confidence: float = 0.0
    several: float = 1.0  # how surely the network sees several digits in it; 1 if it was not trained to tell


def _parts(whole: Way) -> list[Way]:
    """Return all ways to make digits of parts of a shape, cut where digits may touch."""
    shape = whole.whole
    edges = [0, *cut_columns(shape), shape.width]
    parts = []
    for i, start in enumerate(edges[:-1]):
        for j in range(i + 1, len(edges)):
            part = cut(shape, start, edges[j]) if len(edges) > 2 and edges[j] - start < 1.2 * shape.height else None
            if part and (i, j) != (0, len(edges) - 1):
                parts.append(Way(whole.used, part, (i, j)))
    return parts


def _ways(shapes: list[Shape]) -> list[Way]:
    """Return the ways to make digits of whole shapes: each as it is, then merged where strokes are apart."""
    ways = [Way((k,), shape) for k, shape in enumerate(shapes)]
    heights = np.array([max(shape.height, 0.6 * shape.width) for shape in shapes])
    order = np.argsort([shape.box[0] for shape in shapes])
    neighbours: dict[int, list[int]] = {k: [] for k in range(len(shapes))}
    for i, a in enumerate(order):
        for b in order[i + 1 :]:
            if shapes[b].box[0] > shapes[a].box[2] + 0.3 * heights[a] + 20:
                break
            if _near(shapes[a], shapes[b], max(heights[a], heights[b])):
                neighbours[a].append(b)
                neighbours[b].append(a)
                ways.append(Way((a, b), merge([shapes[a], shapes[b]])))
    tried = set()
    for a, others in neighbours.items():  # a stroke broken twice
        for b, c in combinations(others[:4], 2):
            if frozenset((a, b, c)) not in tried:
                tried.add(frozenset((a, b, c)))
                whole = merge([shapes[a], shapes[b], shapes[c]])
                if max(whole.height, whole.width) < 1.6 * max(heights[[a, b, c]]):
                    ways.append(Way((a, b, c), whole))
    return ways


def _best_cuts(parts: list[Way]) -> list[Way]:
    """Return the parts of one shape that explain most of its ink, no two overlapping (dynamic programming)."""
    best: dict[int, tuple[float, list[Way]]] = {0: (0.0, [])}
    last = max(part.cuts[1] for part in parts)
    for edge in range(1, last + 1):
        best[edge] = best[edge - 1]  # ink that is no digit
        for part in parts:
            start, end = part.cuts
            if end == edge:
                value = best[start][0] + _worth(part)
                if value > best[edge][0]:
                    best[edge] = value, [*best[start][1], part]
    return best[last][1]


def _worth(way: Way) -> float:
    """Return the ink that a digit explains, in pixels, weighted by how sure the network is of it."""
    return way.whole.area * way.confidence


def read_digits(
    frame: np.ndarray, predict: Callable[[np.ndarray], np.ndarray], threshold: float = 0.5
) -> list[list[Digit]]:
    """Return the digits of a BGR or gray image, row by row in reading order.

    `predict` maps uint8 (N, 28, 28) to probabilities (N, 10 or more): the digits, then perhaps "no digit" and
    "several digits". A shape whose best digit is less probable than `threshold` is none.
    """
    small, scale = shrink(frame, WORKING_SIDE)
    ways, _ = read_ways(small, possible_polarities(small), predict, threshold)
    return reading_order([digit_of(way, scale) for way in ways])


def shrink(frame: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Return a frame whose longer side is at most `side` pixels, and its scale."""
    scale = min(1.0, side / max(frame.shape[:2]))
    if scale == 1:
        return frame, scale
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    how = cv2.INTER_LINEAR if scale > 0.6 else cv2.INTER_AREA  # as good where little is shrunk, and ten times as fast
    return cv2.resize(frame, size, interpolation=how), scale


def possible_polarities(frame: np.ndarray) -> list[bool]:
    """Return whether ink may be lighter than paper: one answer, or both where that is hard to tell."""
    skew = polarity(frame) if min(frame.shape[:2]) >= MIN_SIDE else -1
    return [skew > 0] if abs(skew) > 0.8 else [False, True]


def read_ways(
    frame: np.ndarray,
    light_on_dark: list[bool],
    predict: Callable[[np.ndarray], np.ndarray],
    threshold: float,
    most: int = MAX_SHAPES,
) -> tuple[list[Way], bool]:
    """Return the digits of a frame, and of the given polarities the one that they were best read with.

    Arguments as for `read_digits`; of more than `most` shapes those with most ink are looked at.
    """
    if min(frame.shape[:2]) < MIN_SIDE:
        return [], light_on_dark[0]
    readings = [(_read_ink(frame, light, predict, threshold, most), light) for light in light_on_dark]
    chosen, light = max(readings, key=lambda reading: _quality(reading[0]))
    typical = _typical_height(chosen)  # not a dot, not the edge of the page
    return [way for way in chosen if 0.4 * typical <= way.whole.height <= 3 * typical], light


def digit_of(way: Way, scale: float) -> Digit:
    """Return a digit that was read in a frame shrunk by `scale`."""
    return Digit(way.digit, round(way.confidence, 4), tuple(round(value / scale) for value in way.whole.box))


def _read_ink(
    frame: np.ndarray,
    light_on_dark: bool,
    predict: Callable[[np.ndarray], np.ndarray],
    threshold: float,
    most: int,
) -> list[Way]:
    """Return the digits of a frame whose ink is lighter, or darker, than its paper."""
    shapes = find_shapes(remove_ruling(ink_map(frame, light_on_dark)), most)
    ways = _judge(_ways(shapes), predict)
    several = [way for way in ways[: len(shapes)] if way.several > SEVERAL_CONFIDENCE]
    return choose(ways + _judge([part for way in several for part in _parts(way)], predict), threshold)


def _judge(ways: list[Way], predict: Callable[[np.ndarray], np.ndarray]) -> list[Way]:
    """Return the ways with what the network reads in each."""
    images = [normalise(way.whole.ink) for way in ways]
    for way, row in zip(ways, predict(np.stack(images)) if images else [], strict=True):
        way.digit, way.confidence = int(row[:10].argmax()), float(row[:10].max())
        if len(row) > 11:
            way.several = float(row[11])
    return ways


def _quality(chosen: list[Way]) -> float:
    """Return how well ink was read: what tells the right polarity from the wrong one."""
    return sum((way.confidence - 0.6) * way.whole.area for way in chosen)


def _typical_height(chosen: list[Way]) -> float:
    """Return the height of the digits with most of the ink, 0 without digits; specks read as digits count little."""
    order = sorted(chosen, key=lambda way: way.whole.height)
    share = np.cumsum([_worth(way) for way in order])
    return order[np.searchsorted(share, share[-1] / 2)].whole.height if order else 0


def choose(ways: list[Way], threshold: float) -> list[Way]:
    """Return the digits to believe, no ink used twice: those that gain most over leaving their shapes as they are."""
    whole = {way.used[0]: way for way in ways if len(way.used) == 1 and not way.cuts}
    alone = {k: _worth(way) * (way.confidence >= threshold) for k, way in whole.items()}
    offers = [(0.0, [way]) for way in whole.values() if way.confidence >= threshold]
    parts: dict[int, list[Way]] = {}
    for way in ways:
        certain = whole[way.used[0]].several > 0.5  # surely to be cut, so any digits will do
        if way.cuts and way.confidence >= (threshold if certain else max(threshold, CUT_CONFIDENCE)):
            parts.setdefault(way.used[0], []).append(way)
        elif len(way.used) > 1 and way.confidence >= threshold:
            offers.append((_worth(way) - sum(alone[k] for k in way.used), [way]))
    for k, group in parts.items():
        group = _best_cuts(group)
        if len(group) > 1:
            offers.append((0.95 * sum(map(_worth, group)) - alone[k], group))
    taken: list[Way] = []
    free = set(whole)
    for gain, group in sorted(offers, key=lambda offer: offer[0], reverse=True):
        if gain >= 0 and set(group[0].used) <= free:
            free -= set(group[0].used)
            taken += group
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
    shapes = find_shapes(remove_ruling(ink_map(frame, polarity(frame) > 0)))
    large = [shape for shape in shapes if shape.area > 0.1 * max(other.area for other in shapes)]
    return normalise(merge(large).ink) if large else np.zeros((SIZE, SIZE), np.uint8)


def edit_distance(wanted: str, read: str) -> int:
    """Return how many characters to insert, delete or replace to make one text of the other (Levenshtein, 1966)."""
    row = list(range(len(read) + 1))
    for i, a in enumerate(wanted, 1):
        above, row = row, [i]
        for j, b in enumerate(read, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (a != b)))
    return row[-1]
