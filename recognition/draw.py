"""Draw results on frames: boxes with labels, sized to the image, readable on light and dark."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from recognition.digits import Digit
from recognition.pen import Pen, Tip
from recognition.settings import uninterrupted
from recognition.strokes import Writer, as_digits, smooth

if TYPE_CHECKING:  # digits are drawn without what faces need
    from recognition.watching import Seen

GREEN, ORANGE, GRAY = (60, 150, 0), (0, 110, 230), (110, 110, 110)  # BGR; told apart by brightness too
Box = tuple[int, int, int, int]  # x1 y1 x2 y2, pixels
WEIGHT = 600  # of letters, from 100 thin to 900 black
SURE = 0.6  # confidence of a name from which on it is beyond doubt
INK = (255, 200, 40)  # BGR, of what is written in the air; no skin and no wall has it


def draw_box(frame: np.ndarray, box: Box, label: str, color: tuple[int, int, int]) -> None:
    """Draw a box x1 y1 x2 y2 with a label above it (below at the top edge) on a BGR frame, in place."""
    cv2.rectangle(frame, box[:2], box[2:], color, max(2, _line(frame)))
    if label:
        size = letters(frame)
        draw_label(frame, label_places(frame, box, label, size)[0], label, size, color)


def label_places(frame: np.ndarray, box: Box, label: str, size: int) -> list[Box]:
    """Return where a label in letters of a size may be, the best place first: above a box, below, higher above."""
    x1, y1, _, y2 = box
    width, height = text_size(label, size)
    margin = _line(frame) + 2
    width += 2 * margin
    left = int(np.clip(x1, 0, max(0, frame.shape[1] - width)))
    tops = y1 - height - margin, min(y2 + margin, frame.shape[0] - height), y1 - round(2.5 * height) - margin
    return [(left, top, left + width, top + height) for top in tops if top >= 0] or [(left, 0, left + width, height)]


def draw_label(frame: np.ndarray, place: Box, label: str, size: int, color: tuple[int, int, int]) -> None:
    """Write a label on a field of a colour on a BGR frame, in place."""
    cv2.rectangle(frame, place[:2], place[2:], color, cv2.FILLED)
    write(frame, label, (place[0] + _line(frame) + 2, place[1]), size)


def letters(frame: np.ndarray) -> int:
    """Return the size, pixels, of the letters of labels on a frame."""
    return max(14, round(0.024 * max(frame.shape[:2])))


def _line(frame: np.ndarray) -> int:
    return max(1, round(max(frame.shape[:2]) / 500))


def text_size(text: str, size: int) -> tuple[int, int]:
    """Return the width and height, pixels, of a line of text in letters of a size; all lines are of one height."""
    with uninterrupted():
        return cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, WEIGHT)[2], round(1.3 * size)


def write(frame: np.ndarray, text: str, place: tuple[int, int], size: int) -> None:
    """Write white text, in letters of most languages, on a BGR frame, in place; `place`: its upper left corner."""
    origin = place[0], place[1] + size
    with uninterrupted():
        cv2.putText(frame, text, origin, (255, 255, 255), cv2.FontFace("sans"), size, WEIGHT)


def draw_faces(frame: np.ndarray, seen: Iterable["Seen"]) -> None:
    """Draw faces on a BGR frame, in place: green with the name, orange if near to doubt; unknown ones gray.

    A name that would cover another one stands elsewhere; "unknown" is left out where there is no room for it.
    """
    seen = sorted(seen, key=lambda one: one.name is None)
    colors = [GRAY if one.name is None else GREEN if one.confidence >= SURE else ORANGE for one in seen]
    for one, color in reversed(list(zip(seen, colors, strict=True))):
        draw_box(frame, one.box, "", color)
    labels: list[Box] = []
    for k, (one, color) in enumerate(zip(seen, colors, strict=True)):
        label, size = (one.name, letters(frame)) if one.name else ("unknown", round(0.7 * letters(frame)))
        places = label_places(frame, one.box, label, size)
        taken = labels if one.name else [*labels, *(other.box for n, other in enumerate(seen) if n != k)]
        free = [place for place in places if not any(_overlap(place, other) for other in taken)]
        if free or one.name:
            labels.append((free or places)[0])
            draw_label(frame, labels[-1], label, size, color)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def draw_digits(frame: np.ndarray, rows: list[list[Digit]]) -> None:
    """Draw the digits that were read on a BGR frame, in place: green where the network is sure, else orange."""
    for digit in (digit for row in rows for digit in row):
        draw_box(frame, digit.box, f"{digit.digit} {digit.confidence:.0%}", GREEN if digit.confidence > 0.9 else ORANGE)


def draw_strokes(frame: np.ndarray, lines: list[np.ndarray]) -> None:
    """Draw what is written in the air, lines (N, 2) in pixels, on a BGR frame, in place."""
    thickness = max(2, round(max(frame.shape[:2]) / 200))
    pixels = [np.round(line * 16).astype(np.int32) for line in lines]
    for width, color in ((thickness + 4, (40, 40, 40)), (thickness, INK)):
        cv2.polylines(frame, pixels, False, color, width, cv2.LINE_AA, shift=4)


def draw_tip(frame: np.ndarray, place: tuple[float, float], down: bool, resting: float) -> None:
    """Draw the pen on a BGR frame, in place: a disc where it writes, else a ring; an arc grows with a pause, 0 to 1."""
    radius = max(4, round(max(frame.shape[:2]) / 100))
    centre = round(place[0]), round(place[1])
    cv2.circle(frame, centre, radius, (40, 40, 40), 4, cv2.LINE_AA)
    cv2.circle(frame, centre, radius, INK, cv2.FILLED if down else 2, cv2.LINE_AA)
    if resting > 0.3:  # every slow corner begins a pause
        cv2.ellipse(frame, centre, (2 * radius,) * 2, -90, 0, 360 * resting, (255, 255, 255), 3, cv2.LINE_AA)


def draw_words(frame: np.ndarray, text: str, place: tuple[int, int], size: int, right: bool = False) -> int:
    """Write white text on a darkened field of a BGR frame, in place, and return the width of the field, pixels.

    `place`: the field's lower left corner, or its upper right one. Long texts get smaller letters.
    """
    while size > 10 and text_size(text, size)[0] > 0.95 * frame.shape[1]:
        size -= 1
    margin = max(3, size // 4)
    width, height = text_size(text, size)
    width += 2 * margin
    left, bottom = (max(0, place[0] - width), place[1] + height) if right else place
    field = frame[max(0, bottom - height) : bottom, left : left + width]
    field[:] = field // 3
    write(frame, text, (left + margin, bottom - height), size)
    return width


def draw_text(frame: np.ndarray, text: str, note: str = "") -> None:
    """Write a number large, and a note small beside it, at the bottom left of a BGR frame, in place."""
    unit = max(frame.shape[:2]) / 1000
    left = gap = round(15 * unit)
    for string, size in ((text, round(60 * unit)), (note, letters(frame))):
        if string:
            left += draw_words(frame, string, (left, frame.shape[0] - gap), size) + gap


def draw_writing(frame: np.ndarray, pen: Pen, writer: Writer, tip: Tip | None, note: str = "") -> None:
    """Draw what is being written in the air on a BGR frame, in place: strokes, digits, the tip, the number so far."""
    lines = [line for air in writer.digits for line in air.lines]
    if len(pen.points) > 1:
        lines.append(smooth(np.array(pen.points)))
    if lines:
        draw_strokes(frame, lines)
    margin = max(4, round(max(frame.shape[:2]) / 150))  # else boxes would run along the strokes
    for digit in as_digits([air for air in writer.digits if air.digit is not None]):
        x1, y1, x2, y2 = digit.box
        digit.box = x1 - margin, y1 - margin, x2 + margin, y2 + margin
        draw_digits(frame, [[digit]])
    if tip:
        draw_tip(frame, (tip.x, tip.y), pen.down, pen.resting)
    draw_text(frame, writer.text, note)


def draw_roi(frame: np.ndarray, roi: tuple[int, int, int, int]) -> None:
    """Draw where digits are looked for, x1 y1 x2 y2, on a BGR frame, in place: a white line with a dark rim."""
    x1, y1, x2, y2 = roi
    line = max(1, round(max(frame.shape[:2]) / 1000))
    for thickness, gray in ((3 * line, 40), (line, 255)):
        cv2.rectangle(frame, (x1, y1), (x2 - 1, y2 - 1), (gray, gray, gray), thickness)


def draw_fps(frame: np.ndarray, fps: float) -> None:
    """Write frames a second at the top right of a BGR frame, in place."""
    draw_words(frame, f"{fps:.0f} FPS", (frame.shape[1], 0), letters(frame), right=True)
