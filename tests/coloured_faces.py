"""Pictures of coloured squares, and a detector and an embedder that take each square for a face, its colour for who."""

import numpy as np

from recognition.embeddings.statistics import DLIB
from recognition.faces.detection import Face

SHAPE = np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])  # landmarks in a box
COLOURS = {"red": (30, 30, 220), "green": (30, 200, 30), "blue": (220, 60, 30), "yellow": (30, 210, 220)}


def picture(*faces: tuple[str, int, int, int], seed: int = 0, side: int = 120) -> np.ndarray:
    """Return a BGR picture with squares: colour, x, y, side; without any, of a red one. The seed makes it another."""
    frame = np.full((side, side, 3), 128, np.uint8)
    frame[:2] = np.random.default_rng(seed).integers(100, 110, (2, side, 1))
    for colour, x, y, size in faces or [("red", 30, 30, 60)]:
        frame[y : y + size, x : x + size] = COLOURS[colour]
    return frame


class Detector:
    """Finds the squares of `picture`."""

    name = "squares"

    def detect(self, frame: np.ndarray, main: bool = False) -> list[Face]:
        """Return the squares of a BGR frame, the largest first; `main` makes no difference."""
        found = []
        for colour in COLOURS.values():
            y, x = np.nonzero(np.abs(frame.astype(int) - colour).max(2) < 25)
            if len(x) > 50:
                box = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
                found.append(Face(box, np.array(box[:2]) + SHAPE * (box[2] - box[0], box[3] - box[1]), 1.0))
        return sorted(found, key=lambda face: -face.size)


class Embedder:
    """Describes a square by its colour; counts in `calls` how many it saw."""

    size, padding, statistics = 16, 0.0, DLIB

    def __init__(self, name: str = "colours"):
        self.name, self.calls = name, 0

    def embed(self, crops: np.ndarray) -> np.ndarray:
        """Return the embeddings, float32 (N, 4), of crops, BGR uint8 (N, 16, 16, 3)."""
        self.calls += len(crops)
        means = crops[:, 4:12, 4:12].mean((1, 2)).astype(np.float32) / 255 - 0.4
        return np.concatenate([means, np.full((len(crops), 1), 0.1, np.float32)], 1)
