"""Put the boxes of a page into rows, each from left to right: geometry only, no pixels.

The page's slant is found first: of all angles the one at which the boxes' centres gather in the sharpest rows. Then
boxes are taken from left to right, and each goes on the row whose last box it stands beside: rows may climb and wobble.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_SLANT = 20.0  # degrees; steeper pages have to be turned first
WIDEST = 1.2  # heights between two digits of one number; alike gaps up to this are a form, wider ones a table
TIGHT = 0.55  # heights up to which digits belong together, however close numbers stand
SMALL = 0.72  # of the row's height: lower boxes do not move the row, and above its middle they are raised
RAISED = 0.25  # of the row's height: what is lower is no power of it


@dataclass
class Layout:
    """N boxes on a page turned such that rows run level: float (N,) in pixels, rows as lists of indices."""

    along: np.ndarray  # centres from left to right
    across: np.ndarray  # centres from top to bottom
    width: np.ndarray
    height: np.ndarray
    level: np.ndarray  # int: 1 small and raised beside the box before it, as the 2 of 7²; -1 low in a fraction; else 0
    rows: list[np.ndarray]  # indices from left to right, rows from top to bottom
    angle: float  # that the page was turned by, radians, positive where rows descend to the right


def arrange(boxes: np.ndarray, slashes: np.ndarray) -> Layout:
    """Return where boxes, (N, 4) as x1 y1 x2 y2, lie, and their rows; `slashes`, bool (N,): which are no digits but /.

    A slash holds the digits of a fraction together, those before it high, those behind it low.
    """
    angle = slant(*turn(boxes[~slashes], 0.0)[[0, 1, 3]])
    along, across, width, height = turn(boxes, angle)
    row, level = _sweep(along, across, width, height, slashes)
    order = np.lexsort((along, row))
    rows = np.split(order, np.flatnonzero(np.diff(row[order])) + 1) if len(order) else []
    rows.sort(key=lambda one: across[one[level[one] == 0]].mean())  # the first box of a row is level
    layout = Layout(along, across, width, height, level, [], angle)
    for one in rows:
        if layout.rows and _are_one(layout.rows[-1], one, layout):
            both = np.concatenate([layout.rows.pop(), one])
            one = both[np.argsort(along[both])]
        layout.rows.append(one)
    return layout


def turn(boxes: np.ndarray, angle: float) -> np.ndarray:
    """Return boxes, (N, 4) as x1 y1 x2 y2, on a page turned back by an angle: along, across, width, height (4, N)."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    w, h = np.maximum(boxes[:, 2:] - boxes[:, :2], 1).T
    cos, sin, flat = np.cos(angle), np.sin(angle), np.cos(2 * angle)
    # Of an ellipse in the box: between what is true of digits that lean with their row and of those that stand upright
    width = np.sqrt(np.maximum((w * cos) ** 2 - (h * sin) ** 2, (0.3 * w) ** 2) / flat)
    height = np.sqrt(np.maximum((h * cos) ** 2 - (w * sin) ** 2, (0.3 * h) ** 2) / flat)
    return np.stack([x * cos + y * sin, y * cos - x * sin, width, height])


def slant(along: np.ndarray, across: np.ndarray, height: np.ndarray) -> float:
    """Return the angle of the rows through centres, float (N,), radians, positive where they descend to the right.

    At each angle the centres are counted in strips of a fifth of the median height; the sum of the squared counts is
    largest where rows are sharpest. Of angles that do as well the flattest is taken.
    """
    if len(along) < 2:
        return 0.0
    unit = max(float(np.median(height)), 1.0)
    extent = max(float(np.ptp(along)) / unit, 1.0)
    step = np.clip(np.degrees(0.25 / extent), 0.1, 1.0)  # fine enough not to miss the sharp rows of a wide page
    count = int(MAX_SLANT / step)
    angles = np.radians(step * np.arange(-count, count + 1))
    scores = np.array([_sharpness((across * np.cos(a) - along * np.sin(a)) / unit) for a in angles])
    scores *= 1 - 0.15 * np.abs(angles) / np.radians(MAX_SLANT)
    best = int(scores.argmax())
    return float(angles[best]) if scores[best] > 1.08 * scores[count] else 0.0


def _sharpness(places: np.ndarray) -> float:
    """Return how much places on a line, in heights of a digit, gather; strips overlap so that no border matters."""
    strips = np.round((places - places.min()) * 5).astype(int)
    counts = np.bincount(strips)
    return float((np.convolve(counts, (0.5, 1, 0.5)) ** 2).sum())


def _sweep(
    along: np.ndarray, across: np.ndarray, width: np.ndarray, height: np.ndarray, slashes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each box's row, int (N,), and its level, int (N,); see Layout."""
    rows: list[_Row] = []
    middles, reaches = np.zeros((2, len(along)))  # of the rows so far: no box farther away can belong to them
    row_of, level = np.zeros((2, len(along)), int)
    for k in np.argsort(along, kind="stable").tolist():
        y, h, slash = float(across[k]), float(height[k]), bool(slashes[k])
        left, right = float(along[k] - width[k] / 2), float(along[k] + width[k] / 2)
        near = np.flatnonzero(np.abs(middles[: len(rows)] - y) < reaches[: len(rows)] + 0.6 * h).tolist()
        offers = [(*rows[r].place(left, y, h, slash), r) for r in near]
        cost, where, r = min(offers, default=(np.inf, 0, 0))
        if cost == np.inf:
            r = len(rows)
            rows.append(_Row(y, h, right))
        row_of[k], level[k] = r, where
        rows[r].add(right, y, h, slash, where)
        middles[r], reaches[r] = rows[r].middle, rows[r].reach()
    return row_of, level


def _are_one(upper: np.ndarray, lower: np.ndarray, layout: Layout) -> bool:
    """Tell whether two rows are one, of which a box far too high or low stands alone or led the others astray."""
    both = np.concatenate([upper, lower])
    both = both[np.argsort(layout.along[both])]
    if (np.diff(layout.along[both]) < 0.4 * (layout.width[both][1:] + layout.width[both][:-1])).any():
        return False  # they stand below one another
    few, many = sorted((upper, lower), key=len)
    line = np.interp(layout.along[few], layout.along[many], layout.across[many])
    return abs((layout.across[few] - line).mean()) < 0.6 * min(layout.height[many].mean(), layout.height[few].mean())


@dataclass
class _Row:
    """A row from its first box to its last one so far."""

    middle: float  # from top to bottom
    high: float  # of its digits
    end: float
    slash: tuple[float, float, float] | None = None  # end, middle and height of the last one

    def reach(self) -> float:
        """Return how far above or below the middle a box that belongs to the row can have its nearer edge."""
        return max(1.2 * self.high, self.slash[2] if self.slash else 0.0)

    def place(self, left: float, y: float, h: float, slash: bool) -> tuple[float, int]:
        """Return how badly a box fits behind the last one, infinite if not, and its level; `y`: its middle."""
        gap, below = left - self.end, y - self.middle
        low, tall = min(self.high, h), max(self.high, h)
        if self.slash and left - self.slash[0] < 0.6 * self.slash[2] and abs(y - self.slash[1]) < 0.5 * self.slash[2]:
            lowered = h < 0.6 * self.high and below > 0.2 * self.high
            return 0.5 * abs(below), -int(lowered)  # the lower digits of a fraction, or just more of a date
        cost = abs(below) + 0.2 * max(gap, 0)
        if slash:
            return (cost, 0) if abs(below) < 0.5 * tall and gap < h else (np.inf, 0)
        bottom = (below + h / 2) / self.high
        if RAISED * self.high < h < SMALL * self.high and -0.75 < bottom < 0.05 and gap < 0.8 * self.high:
            return cost + 0.5 * h, 1
        loose = 1 - 0.12 * min(max(gap / tall - 1, 0) / 3, 1)  # what is far off has to be more level
        fits = low > 0.4 * tall and abs(below) < loose * 0.3 * (tall + low)
        return (cost, 0) if fits else (np.inf, 0)

    def add(self, right: float, y: float, h: float, slash: bool, level: int) -> None:
        """Take in a box that has been placed, or the row's first one."""
        self.end = max(self.end, right)
        if slash:
            self.slash = right, y, h
            if self.high < 0.6 * h:  # a fraction begins the row
                self.middle, self.high = y, 0.8 * h
        elif not level and h > SMALL * self.high and abs(y - self.middle) < 0.3 * (self.high + h):
            self.middle += 0.4 * (y - self.middle)
            self.high += 0.4 * (h - self.high)


def unit_of(row: np.ndarray, layout: Layout) -> float:
    """Return the median height of the level boxes of a row, pixels: what its gaps are measured in."""
    level = row[layout.level[row] == 0]
    return float(np.median(layout.height[level if len(level) else row]))


def gaps_of(row: np.ndarray, layout: Layout, unit: float) -> np.ndarray:
    """Return the gaps between neighbours in a row, float (N - 1,), in units of `unit` pixels, a digit's height.

    Half from edge to edge, half from middle to middle less a usual width: a 1 in a form's box has wide gaps around it.
    """
    pitch, width = np.diff(layout.along[row]) / unit, layout.width[row] / unit
    return pitch - (width[1:] + width[:-1] + 1.2) / 4


def widest_gaps(gaps: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> list[float]:
    """Return the widest gap within a number of each row by its gaps, in heights; `counts`: bool, the gaps to judge by.

    Where the gaps of the row or of the page fall into two groups it is halfway between them. Where they are alike they
    cannot tell a form from a sudoku: all of them part digits if their median is above WIDEST, else none does.
    """
    judged = [np.minimum(gap[count], 1.4) for gap, count in zip(gaps, counts, strict=True)]
    page = np.concatenate([*judged, []])
    halfway = _between_groups(page)
    rule = halfway or (1.2 * WIDEST if np.median(page) <= WIDEST else TIGHT) if len(page) else WIDEST
    return [_widest_gap(own, rule, halfway is not None or len(page) < 3 * len(own)) for own in judged]


def _widest_gap(own: np.ndarray, rule: float, varied: bool) -> float:
    """Return the widest gap within a number of a row by its own gaps, or `rule` where these are too few to tell.

    `varied`: whether the page lets rows have two groups of gaps.
    """
    if len(own) < 3:
        return rule
    if (own + 0.6).std() < 0.2 * (own + 0.6).mean():
        return float(own.max()) if np.median(own) <= WIDEST else TIGHT
    halfway = _between_groups(own) if varied else None
    return (len(own) * halfway + 4 * rule) / (len(own) + 4) if halfway else rule


def _between_groups(gaps: np.ndarray) -> float | None:
    """Return what parts gaps into a narrow and a wide group, by Otsu's criterion; None if they are one group."""
    gaps = np.sort(gaps)
    if len(gaps) < 2:
        return None
    count = np.arange(1, len(gaps))
    total = gaps.cumsum()
    low, high = total[:-1] / count, (total[-1] - total[:-1]) / count[::-1]
    k = int((count * count[::-1] * (high - low) ** 2).argmax())
    distance = high[k] - low[k]
    if distance < 0.4 or distance < 2 * (gaps[: k + 1].std() + gaps[k + 1 :].std()):
        return None
    return float(np.clip((low[k] + high[k]) / 2, TIGHT, WIDEST))
