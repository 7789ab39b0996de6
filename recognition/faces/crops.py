"""Aligned faces, as the networks that train.py trains take them, and folders of photos turned into them."""

from dataclasses import dataclass

import cv2
import numpy as np

from recognition.faces.alignment import align_as_sface, align_precisely, lit
from recognition.faces.detection import Face
from recognition.models.litert import Model

BATCH = 32  # crops that go through a network at once


@dataclass(frozen=True)
class Form:
    """How a network takes faces: pixels a side; margin in sizes of the face: ears and chin, little background."""

    size: int
    gray: bool
    padding: float = 0.25

    def __str__(self) -> str:
        """What the card of a model says; one that was trained on other crops is refused."""
        kind = "gray" if self.gray else "RGB"
        return f"{kind} {self.size}x{self.size}, aligned precisely, padding {self.padding}"

    def crop(self, frame: np.ndarray, faces: list[Face], margin: float = 0.0) -> np.ndarray:
        """Return the faces of a BGR frame, aligned, uint8, gray (N, size, size) or RGB (N, size, size, 3).

        `margin`: so much more on each side.
        """
        side = round(self.size * (1 + 2 * margin))
        crops = crops_of(frame, faces, side, ((1 + 2 * self.padding) * (1 + 2 * margin) - 1) / 2)
        if not self.gray:
            return np.ascontiguousarray(crops[..., ::-1])
        return np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops]) if len(crops) else crops[..., 0]


FORMS = {"faces": Form(96, gray=True), "embedding": Form(150, gray=False)}  # by the network's architecture


def similarities(model: Model, crops: np.ndarray) -> np.ndarray:
    """Return how alike each crop and each person are, float32 (N, people), to 1; the mean with the mirror image."""
    return (model.predict(crops, BATCH) + model.predict(crops[:, :, ::-1], BATCH)) / 2


def with_channels(crops: np.ndarray) -> np.ndarray:
    """Return crops as Keras wants them, (N, H, W, channels)."""
    return crops if crops.ndim == 4 else crops[..., None]


def crops_of(frame: np.ndarray, faces: list[Face], size: int, padding: float | None) -> np.ndarray:
    """Return the faces of a BGR frame, aligned and lit, BGR uint8 (N, size, size, 3); without padding as for SFace."""
    if padding is None:
        crops = [align_as_sface(frame, face.landmarks, size) for face in faces]
    else:
        crops = [align_precisely(frame, face.landmarks, size, padding) for face in faces]
    return np.stack([lit(crop) for crop in crops]) if crops else np.zeros((0, size, size, 3), np.uint8)
