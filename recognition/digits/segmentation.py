"""Hypotheses of what is a digit: connected ink as it is, cut where digits touch, merged where strokes are apart."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from recognition.digits.components import Component, cut, cut_columns, merge

CUT_CONFIDENCE = 0.6  # a component is cut only into parts that look like digits


def _near(a: Component, b: Component, height: float) -> bool:
    """Tell whether two components may be strokes of one digit of the given height."""
    gap_x = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    gap_y = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    together_y = max(a.box[3], b.box[3]) - min(a.box[1], b.box[1])
    together_x = max(a.box[2], b.box[2]) - min(a.box[0], b.box[0])
    return gap_x < 0.12 * height and gap_y < 0.3 * height and max(together_x, together_y) < 1.6 * height


@dataclass
class Hypothesis:
    """What may be a digit: of which components, and if only of a part, between which of the component's cuts."""

    used: tuple[int, ...]
    whole: Component
    cuts: tuple[int, int] | None = None
    digit: int = 0
    confidence: float = 0.0
    several: float = 1.0  # how surely the network sees several digits in it; 1 if it was not trained to tell


def part_hypotheses(whole: Hypothesis) -> list[Hypothesis]:
    """Return the parts of a component that may be digits, cut where digits may touch."""
    component = whole.whole
    edges = [0, *cut_columns(component), component.width]
    parts = []
    for i, start in enumerate(edges[:-1]):
        for j in range(i + 1, len(edges)):
            part = (
                cut(component, start, edges[j])
                if len(edges) > 2 and edges[j] - start < 1.2 * component.height
                else None
            )
            if part and (i, j) != (0, len(edges) - 1):
                parts.append(Hypothesis(whole.used, part, (i, j)))
    return parts


def whole_hypotheses(components: list[Component]) -> list[Hypothesis]:
    """Return whole components that may be digits: each as it is, then merged where strokes are apart."""
    hypotheses = [Hypothesis((k,), component) for k, component in enumerate(components)]
    heights = np.array([max(component.height, 0.6 * component.width) for component in components])
    order = np.argsort([component.box[0] for component in components])
    neighbours: dict[int, list[int]] = {k: [] for k in range(len(components))}
    for i, a in enumerate(order):
        for b in order[i + 1 :]:
            if components[b].box[0] > components[a].box[2] + 0.3 * heights[a] + 20:
                break
            if _near(components[a], components[b], max(heights[a], heights[b])):
                neighbours[a].append(b)
                neighbours[b].append(a)
                hypotheses.append(Hypothesis((a, b), merge([components[a], components[b]])))
    tried = set()
    for a, others in neighbours.items():  # a stroke broken twice
        for b, c in combinations(others[:4], 2):
            if frozenset((a, b, c)) not in tried:
                tried.add(frozenset((a, b, c)))
                whole = merge([components[a], components[b], components[c]])
                if max(whole.height, whole.width) < 1.6 * max(heights[[a, b, c]]):
                    hypotheses.append(Hypothesis((a, b, c), whole))
    return hypotheses


def _best_cuts(parts: list[Hypothesis]) -> list[Hypothesis]:
    """Return the parts of one component that explain most of its ink, no two overlapping (dynamic programming)."""
    best: dict[int, tuple[float, list[Hypothesis]]] = {0: (0.0, [])}
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


def worth(hypothesis: Hypothesis) -> float:
    """Return the ink that a digit explains, in pixels, weighted by how sure the network is of it."""
    return hypothesis.whole.area * hypothesis.confidence


def choose(hypotheses: list[Hypothesis], threshold: float) -> list[Hypothesis]:
    """Return the digits to believe, no ink used twice: those that gain most over components as they are."""
    whole = {
        hypothesis.used[0]: hypothesis for hypothesis in hypotheses if len(hypothesis.used) == 1 and not hypothesis.cuts
    }
    alone = {k: worth(hypothesis) * (hypothesis.confidence >= threshold) for k, hypothesis in whole.items()}
    offers = [(0.0, [hypothesis]) for hypothesis in whole.values() if hypothesis.confidence >= threshold]
    parts: dict[int, list[Hypothesis]] = {}
    for hypothesis in hypotheses:
        certain = whole[hypothesis.used[0]].several > 0.5  # surely to be cut, so any digits will do
        if hypothesis.cuts and hypothesis.confidence >= (threshold if certain else max(threshold, CUT_CONFIDENCE)):
            parts.setdefault(hypothesis.used[0], []).append(hypothesis)
        elif len(hypothesis.used) > 1 and hypothesis.confidence >= threshold:
            offers.append((worth(hypothesis) - sum(alone[k] for k in hypothesis.used), [hypothesis]))
    for k, group in parts.items():
        group = _best_cuts(group)
        if len(group) > 1:
            offers.append((0.95 * sum(map(worth, group)) - alone[k], group))
    taken: list[Hypothesis] = []
    free = set(whole)
    for gain, group in sorted(offers, key=lambda offer: offer[0], reverse=True):
        if gain >= 0 and set(group[0].used) <= free:
            free -= set(group[0].used)
            taken += group
    return taken
