"""Ways to make digits of connected ink: as it is, cut where digits touch, merged where strokes are apart."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from recognition.digits.components import Shape, cut, cut_columns, merge

CUT_CONFIDENCE = 0.6  # a shape is cut only into parts that look like digits


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


def part_ways(whole: Way) -> list[Way]:
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


def whole_ways(shapes: list[Shape]) -> list[Way]:
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
                value = best[start][0] + worth(part)
                if value > best[edge][0]:
                    best[edge] = value, [*best[start][1], part]
    return best[last][1]


def worth(way: Way) -> float:
    """Return the ink that a digit explains, in pixels, weighted by how sure the network is of it."""
    return way.whole.area * way.confidence


def choose(ways: list[Way], threshold: float) -> list[Way]:
    """Return the digits to believe, no ink used twice: those that gain most over leaving their shapes as they are."""
    whole = {way.used[0]: way for way in ways if len(way.used) == 1 and not way.cuts}
    alone = {k: worth(way) * (way.confidence >= threshold) for k, way in whole.items()}
    offers = [(0.0, [way]) for way in whole.values() if way.confidence >= threshold]
    parts: dict[int, list[Way]] = {}
    for way in ways:
        certain = whole[way.used[0]].several > 0.5  # surely to be cut, so any digits will do
        if way.cuts and way.confidence >= (threshold if certain else max(threshold, CUT_CONFIDENCE)):
            parts.setdefault(way.used[0], []).append(way)
        elif len(way.used) > 1 and way.confidence >= threshold:
            offers.append((worth(way) - sum(alone[k] for k in way.used), [way]))
    for k, group in parts.items():
        group = _best_cuts(group)
        if len(group) > 1:
            offers.append((0.95 * sum(map(worth, group)) - alone[k], group))
    taken: list[Way] = []
    free = set(whole)
    for gain, group in sorted(offers, key=lambda offer: offer[0], reverse=True):
        if gain >= 0 and set(group[0].used) <= free:
            free -= set(group[0].used)
            taken += group
    return taken
