"""Draw what is being written in the air on frames: strokes, digits, the tip, the number so far."""

import cv2
import numpy as np

from recognition.air_writing.pen import Pen, Tip
from recognition.air_writing.strokes import Writer, as_digits, smooth
from recognition.digits.drawing import draw_digits
from recognition.digits.numbers import join
from recognition.media.canvas import draw_text

INK = (255, 200, 40)  # BGR, of what is written in the air; no skin and no wall has it


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


def draw_writing(frame: np.ndarray, pen: Pen, writer: Writer, tip: Tip | None, note: str = "") -> None:
    """Draw what is being written in the air on a BGR frame, in place: strokes, digits, the tip, the number so far."""
    lines = [line for air in writer.digits for line in air.lines]
    if len(pen.points) > 1:
        lines.append(smooth(np.array(pen.points)))
    if lines:
        draw_strokes(frame, lines)
    margin = max(4, round(max(frame.shape[:2]) / 150))  # else boxes would run along the strokes
    digits = as_digits([air for air in writer.digits if air.digit is not None])
    for digit in digits:
        x1, y1, x2, y2 = digit.box
        digit.box = x1 - margin, y1 - margin, x2 + margin, y2 + margin
    draw_digits(frame, [[join([digit])] for digit in digits])
    if tip:
        draw_tip(frame, (tip.x, tip.y), pen.down, pen.resting)
    draw_text(frame, writer.text, note)
