"""How well the trackers follow a real clip of air writing, against marks made by eye.

air_writing_marks.json: `cap` is the red cap's box, x1 y1 x2 y2, in frames between which it is to be interpolated, and
before and after which no cap is in view; `hand` is the first and last frame with a hand. A frame called unclear, with
a mere smear at the border or a cap that fingers hide, counts neither way.
"""

import json
import time
from pathlib import Path

import cv2
import numpy as np

from recognition.datasets import DATA
from recognition.fingertip import FingertipTracker
from recognition.marker import MarkerTracker

MARKS = Path(__file__).with_name("air_writing_marks.json")
MARGIN = 15  # pixels around a marked box


def read_marks(path: Path = MARKS) -> tuple[dict, list[np.ndarray | None]]:
    """Return the marks as they are written, and the cap's box, float (4,), or None for each frame."""
    marks = json.loads(path.read_text(encoding="utf-8"))
    numbers = np.array([int(number) for number in marks["cap"]])
    boxes = np.array(list(marks["cap"].values()), float)
    frames = np.arange(marks["frames"])
    inside = np.stack([np.interp(frames, numbers, edge) for edge in boxes.T], axis=1)
    return marks, [inside[i] if numbers[0] <= i <= numbers[-1] else None for i in frames]
