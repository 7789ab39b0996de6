"""From digits and signs, each with a box, to numbers in rows, as text and JSON: no pixels.

`lines_of` does the reading: rows as in rows.py, then what stands together in a row is a number. Signs join what they
stand between, 3.14, 1,000, 12:30, 25/06/1987, 12-30, and a minus or a point may begin a number.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.digits.rows import Layout, arrange, gaps_of, turn, unit_of, widest_gaps

Box = tuple[int, int, int, int]

REACH = 1.0  # heights of the row's digits, from a sign to the digit that it belongs to
POINT = 0.6  # the same for . and , between digits; a wider gap ends the number
LEVEL = 0.4  # that a minus or colon may be off the middle of the digits, a point or comma off their foot


@dataclass
class Digit:
    """One digit read: its value 0-9, the network's confidence in [0, 1], its box x1 y1 x2 y2 in the image's pixels.

    `printed`: whether it is print, not handwriting.
    """

    digit: int
    confidence: float
    box: Box
    printed: bool = False


@dataclass
class Sign:
    """One sign seen, of . , - : /, with confidence and box as a digit has them."""

    sign: str
    confidence: float
    box: Box


@dataclass
class Number:
    """Digits that stand together: their text with the signs between, the least of their confidences, the box around."""

    text: str
    confidence: float
    box: Box
    digits: list[Digit] = field(default_factory=list)  # from left to right


def lines_of(digits: Sequence[Digit], signs: Sequence[Sign] = ()) -> list[list[Number]]:
    """Return the numbers of a page, rows from top to bottom, each from left to right; rows may slant, climb and wobble.

    How far apart the digits of a number may be, see rows.widest_gaps. A small raised digit comes after its base as a
    number of its own, 7² is 7 2; digits above and below a slash are 1/2. Signs far from any digit are left out.
    """
    slashes = [sign for sign in signs if sign.sign == "/"]
    layout = arrange(_boxes([*digits, *slashes]), np.arange(len(digits) + len(slashes)) >= len(digits))
    rows = [row for row in (row[row < len(digits)] for row in layout.rows) if len(row)]
    units = [unit_of(row, layout) for row in rows]
    before = _signs_before(signs, layout, rows, units)
    gaps, plain = [], []
    for row, unit in zip(rows, units, strict=True):
        gaps.append(gaps_of(row, layout, unit))
        alone = np.array([k not in before for k in row[1:]], bool)
        plain.append(alone & (layout.level[row[1:]] == layout.level[row[:-1]]))
    lines = []
    for row, gap, counts, widest in zip(rows, gaps, plain, widest_gaps(gaps, plain), strict=True):
        numbers = [[row[0]]]
        for k, joins in zip(row[1:], (gap <= widest) & counts, strict=True):
            if before[k][1] if k in before else joins:
                numbers[-1].append(k)
            else:
                numbers.append([k])
        lines.append([join([digits[k] for k in one], [before.get(k, ("",))[0] for k in one]) for one in numbers])
    return lines


def join(digits: list[Digit], before: Iterable[str] = ()) -> Number:
    """Return digits, from left to right, as one number; `before`: the sign before each digit, or "", default none."""
    signs = [*before] or [""] * len(digits)
    boxes = _boxes(digits)
    return Number(
        "".join(f"{sign}{digit.digit}" for sign, digit in zip(signs, digits, strict=True)),
        min(digit.confidence for digit in digits),
        (*boxes[:, :2].min(0).astype(int).tolist(), *boxes[:, 2:].max(0).astype(int).tolist()),
        digits,
    )


def digits_of(lines: Iterable[Iterable[Number]]) -> list[Digit]:
    """Return the digits of all numbers, in reading order."""
    return [digit for line in lines for number in line for digit in number.digits]


def text_of(lines: Iterable[Iterable[Number]], digits_only: bool = False) -> str:
    """Return the numbers as text, one line a row, a space between two numbers; or nothing but their digits."""
    if digits_only:
        return "\n".join("".join(str(digit.digit) for digit in digits_of([line])) for line in lines)
    return "\n".join(" ".join(number.text for number in line) for line in lines)


def json_line(
    source: str, index: int, lines: list[list[Number]], digits_only: bool = False, rotated: int = 0, scale: float = 1
) -> str:
    """Return what was read in a frame as one line of JSON: source, frame, text, digits and numbers.

    A digit has digit, confidence, box, printed (true or false); a number text, confidence, box. `rotated`: by how many
    degrees, 90, 180 or 270, the frame was turned clockwise to be upright, and only then part of the line. `scale`: of
    the boxes, see media.frames.Frame.
    """

    def scaled(box: tuple[int, ...]) -> list[int]:
        return [round(scale * side) for side in box]

    record = {
        "source": source,
        "frame": index,
        "text": text_of(lines, digits_only),
        "digits": [vars(digit) | {"box": scaled(digit.box)} for digit in digits_of(lines)],
        "numbers": [
            {"text": number.text, "confidence": number.confidence, "box": scaled(number.box)}
            for line in lines
            for number in line
        ],
    }
    return json.dumps(record | ({"rotated": rotated} if rotated else {}))


def _boxes(things: Sequence[Digit | Sign]) -> np.ndarray:
    return np.array([thing.box for thing in things], float).reshape(-1, 4)


def _signs_before(
    signs: Sequence[Sign], layout: Layout, rows: list[np.ndarray], units: list[float]
) -> dict[int, tuple[str, bool]]:
    """Return which digits have a sign before them: the text to put there, and whether it joins them to the last one.

    `rows`: indices of digits from left to right, `units`: how high the digits of each row are. Of several signs between
    the same digits the surest counts.
    """
    row_of = np.zeros(len(layout.along), int)
    unit = np.zeros(len(layout.along))
    for number, row in enumerate(rows):
        row_of[row], unit[row] = number, units[number]
    order = np.concatenate([*rows, []]).astype(int)
    order = order[np.argsort(layout.along[order])]
    widest = float((REACH * unit + layout.width).max(initial=0))
    found: dict[int, tuple[str, bool]] = {}
    ranked = sorted(signs, key=lambda sign: sign.confidence)
    for sign, (along, across, width, height) in zip(ranked, turn(_boxes(ranked), layout.angle).T, strict=True):
        first, last = np.searchsorted(layout.along[order], [along - width - widest, along + width + widest])
        near = order[first:last]
        gap = (np.abs(layout.along[near] - along) - (layout.width[near] + width) / 2) / unit[near]
        off = across - layout.across[near]
        if sign.sign in ".,":
            fits = np.abs(off - layout.height[near] / 2) < LEVEL * unit[near]
        elif sign.sign == "/":
            fits = np.abs(off) < np.maximum(0.5 * height, LEVEL * unit[near])
        else:
            fits = np.abs(off) < LEVEL * unit[near]
        fits &= gap < REACH
        if fits.any():
            row = rows[row_of[near[fits][gap[fits].argmin()]]]
            slot = int(np.searchsorted(layout.along[row], along))
            beside = (gap < REACH) & ((sign.sign == "/") | (layout.level[near] <= 0))
            reached = dict(zip(near[beside].tolist(), gap[beside].tolist(), strict=True))
            left = reached.get(row[slot - 1], np.inf) if slot else np.inf
            right = reached.get(row[slot], np.inf) if slot < len(row) else np.inf
            if role := _role(sign.sign, left, right):
                found[row[slot]] = role
    return found


def _role(sign: str, left: float, right: float) -> tuple[str, bool] | None:
    """Return what a sign does between two digits, gaps in heights, infinite without one: the text, whether it joins."""
    if right == np.inf:
        return None
    if sign in ".,":
        if right > POINT:
            return ("", False) if left <= POINT else None  # it ends the number before
        return sign, left <= POINT
    if left == np.inf:
        return (sign, False) if sign == "-" else None
    is_minus = sign == "-" and left > max(0.65, 1.5 * right)  # it stands by the number behind
    return sign, not is_minus
