"""How well a face can be seen: its size, its sharpness, and whether it looks into the camera."""

import cv2
import numpy as np

from recognition.faces.alignment import TEMPLATE, align, lit, similarity
from recognition.faces.detection import Face

SMALL = 28  # pixels of a face's longer side below which strangers of LFW get names twice as often as from 32 on
BLURRED = 0.0015  # sharpness below which they do three times as often: a blur by a sigma of 0.08 of the eyes' distance
FAINT = 60.0  # coarse detail, squared steps of gray, below which a face is rather a shade; LFW has 370 and more
SMEARED = 0.1  # detail in one direction, of that in another: LFW and ORL are above; all smeared sideways are below


def upright(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the face with these landmarks, of a BGR frame, turned upright and gray, uint8 (96, 96)."""
    return cv2.cvtColor(align(frame, landmarks, 96, 0.0), cv2.COLOR_BGR2GRAY)


def is_clear(frame: np.ndarray, face: Face) -> bool:
    """Tell whether a face of a BGR frame shows enough to be named: small and blurred strangers resemble anybody."""
    if face.size < SMALL:
        return False
    gray = cv2.cvtColor(lit(align(frame, face.landmarks, 96, 0.0)), cv2.COLOR_BGR2GRAY)
    return sharpness(gray) >= BLURRED


def sharpness(gray: np.ndarray) -> float:
    """Return how sharp an upright face is: 0.01 is good, 0.002 is small or blurred, 0 is smeared by motion.

    It is the share of fine detail in coarse detail, in the direction where that is least.
    """
    gray = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1)  # grain and JPEG's blocks are no detail
    directions = (1, 0), (0, 1), (0.71, 0.71), (0.71, -0.71)
    fine, coarse = (np.array([_curvature(gray, round(k * x), round(k * y)) for x, y in directions]) for k in (2, 8))
    if fine.min() < SMEARED * fine.max():
        return 0.0
    return float((fine / np.maximum(coarse, FAINT)).min())


def _curvature(gray: np.ndarray, x: int, y: int) -> float:
    """Return the mean square of the second difference of a gray image over steps of x and y pixels, at most 8."""
    height, width = gray.shape
    middle, one, other = (gray[8 + k * y : height - 8 + k * y, 8 + k * x : width - 8 + k * x] for k in (0, 1, -1))
    return float(np.square(2 * middle - one - other).mean())


def frontality(landmarks: np.ndarray) -> float:
    """Return how much a face, landmarks (5, 2), looks into the camera, from 0 (in profile) to 1."""
    upright = similarity(landmarks, TEMPLATE)
    away = landmarks @ upright[:, :2].T + upright[:, 2] - TEMPLATE
    error = float(np.sqrt((away**2).sum(1).mean()))  # of the face's size: 0.02 to 0.08 in front, in profile from 0.13
    return float(np.clip((0.14 - error) / 0.08, 0, 1))
