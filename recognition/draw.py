"""Draw results on frames: boxes with labels, sized to the image, readable on light and dark."""

import cv2
import numpy as np

from recognition.digits import Digit
from recognition.pen import Pen, Tip
from recognition.strokes import Writer, as_digits, smooth

GREEN, ORANGE = (60, 150, 0), (0, 110, 230)  # BGR; told apart by brightness too
INK = (255, 200, 40)  # BGR, of what is written in the air; no skin and no wall has it


def draw_box(frame: np.ndarray, box: tuple[int, int, int, int], label: str, color: tuple[int, int, int]) -> None:
    """Draw a box x1 y1 x2 y2 with a label above it (below at the top edge) on a BGR frame, in place."""
    x1, y1, x2, y2 = box
    unit = max(frame.shape[:2]) / 1000
    line = max(1, round(2 * unit))
    cv2.rectangle(frame, (x1, y1), (x2, y2), color, max(2, line))
    scale, font = max(0.4, 0.75 * unit), cv2.FONT_HERSHEY_SIMPLEX
    (width, height), baseline = cv2.getTextSize(label, font, scale, line)
    margin = line + 2
    top = y1 - height - baseline - margin
    top = top if top >= 0 else min(y2 + margin, frame.shape[0] - height - baseline)
    left = int(np.clip(x1, 0, max(0, frame.shape[1] - width - 2 * margin)))
    cv2.rectangle(frame, (left, top), (left + width + 2 * margin, top + height + baseline), color, cv2.FILLED)
    cv2.putText(frame, label, (left + margin, top + height), font, scale, (255, 255, 255), line, cv2.LINE_AA)


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


def draw_words(frame: np.ndarray, text: str, place: tuple[int, int], scale: float, right: bool = False) -> int:
    """Write white text on a darkened field of a BGR frame, in place, and return the width of the field, pixels.

    `place`: the field's lower left corner, or its upper right one. OpenCV's letters are set wider when they are bolder,
    so that a dark rim cannot be had by writing twice.
    """
    font, line = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
    (width, height), baseline = cv2.getTextSize(text, font, scale, line)
    margin = max(3, round(8 * scale))
    width, height = width + 2 * margin, height + baseline + margin
    left, bottom = (max(0, place[0] - width), place[1] + height) if right else place
    field = frame[max(0, bottom - height) : bottom, left : left + width]
    field[:] = field // 3
    origin = left + margin, bottom - baseline - margin
    cv2.putText(frame, text, origin, font, scale, (255, 255, 255), line, cv2.LINE_AA)
    return width


def draw_text(frame: np.ndarray, text: str, note: str = "") -> None:
    """Write a number large, and a note small beside it, at the bottom left of a BGR frame, in place."""
    unit = max(frame.shape[:2]) / 1000
    left = gap = round(15 * unit)
    for string, scale in ((text, 2.0 * unit), (note, max(0.4, 0.7 * unit))):
        if string:
            left += draw_words(frame, string, (left, frame.shape[0] - gap), scale) + gap


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
    draw_words(frame, f"{fps:.0f} FPS", (frame.shape[1], 0), max(0.4, 0.75 * max(frame.shape[:2]) / 1000), right=True)
