"""Draw results on frames: boxes with labels, sized to the image, readable on light and dark."""

import cv2
import numpy as np

from recognition.digits import Digit

GREEN, ORANGE = (60, 150, 0), (0, 110, 230)  # BGR; told apart by brightness too


def draw_box(frame: np.ndarray, box: tuple[int, int, int, int], label: str, color: tuple[int, int, int]) -> None:
    """Draw a box x1 y1 x2 y2 with a label above it (below at the top edge) on a BGR frame, in place."""
    x1, y1, x2, y2 = box
    unit = max(frame.shape[:2]) / 1000
    line = max(1, round(2 * unit))
    cv2.rectangle(frame, (x1, y1), (x2, y2), color, line)
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
