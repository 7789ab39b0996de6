"""Boxes in frames, and the region of interest: the part of a frame that is looked at."""

import cv2
import numpy as np

from recognition.settings import UserError

Box = tuple[int, int, int, int]  # x1 y1 x2 y2, pixels


def draw_roi(frame: np.ndarray, roi: Box | None) -> None:
    """Draw the part of a frame that is looked at on a BGR frame, in place: a white line with a dark rim."""
    if roi is None:
        return
    x1, y1, x2, y2 = roi
    line = max(1, round(max(frame.shape[:2]) / 1000))
    for thickness, gray in ((3 * line, 40), (line, 255)):
        cv2.rectangle(frame, (x1, y1), (x2 - 1, y2 - 1), (gray, gray, gray), thickness)


def check_roi(roi: Box | None, size: tuple[int, int]) -> None:
    """Raise UserError unless x1 y1 x2 y2 is a part of frames of this (width, height); None is all of them."""
    if roi is None:
        return
    x1, y1, x2, y2 = roi
    if not (0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1] and min(x2 - x1, y2 - y1) >= 8):
        given, whole = " ".join(map(str, roi)), f"0 0 {size[0]} {size[1]}"
        raise UserError(f"--roi {given}: must be x1 y1 x2 y2, at least 8x8 pixels, within {whole} of this source", 2)
