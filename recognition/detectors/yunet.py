"""Run YuNet on a frame: by LiteRT, and where it cannot be converted for that by OpenCV.

The network: W. Wu, H. Peng, S. Yu, "YuNet: a tiny millisecond-level face detector" (2023), MIT licence, OpenCV's model
zoo. What its maps mean is in OpenCV's face_detect.cpp.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from recognition.detectors.yunet_conversion import NETWORK
from recognition.files import PUBLISHED
from recognition.models.litert import Maps
from recognition.settings import quiet

SCORE = 0.6  # least confidence of a face
OVERLAP = 0.3  # of two boxes that are one face
COARSEST = 32  # stride of the last map, in pixels
READY = 2_500_000  # pixels of the sizes of frames that a network keeps ready, at 30 bytes each
Run = Callable[[np.ndarray], np.ndarray]  # a BGR frame to faces, float (N, 15): x y w h, five points, confidence


def load(threads: int, folder: Path = PUBLISHED) -> Callable[[], Run]:
    """Return what makes networks, each for one thread at a time. Raises UserError where YuNet cannot be had.

    `threads`: that a network works in. `folder`: of its file.
    """
    loaded = NETWORK.load(folder)
    return partial(opencv, loaded.read_bytes()) if isinstance(loaded, Path) else partial(litert, loaded, threads)


def litert(content: bytes, threads: int = 1) -> Run:
    """Return the converted network. `content`: of its file."""
    maps = Maps(content, threads=threads, ready=READY)
    return lambda frame: decode(maps.run_all(_padded(frame)))


def opencv(content: bytes) -> Run:
    """Return YuNet's own network, `content` of its file, as OpenCV runs it."""
    with quiet():  # OpenCV 5 warns of a setting that nobody made
        network = cv2.FaceDetectorYN.create(
            "onnx", np.frombuffer(content, np.uint8), np.empty(0, np.uint8), (0, 0), SCORE, OVERLAP
        )

    def run(frame: np.ndarray) -> np.ndarray:
        network.setInputSize((frame.shape[1], frame.shape[0]))
        found = network.detect(frame)[1]
        return np.zeros((0, 15)) if found is None else found[np.isfinite(found).all(1)].astype(float)

    return run


def _padded(frame: np.ndarray) -> np.ndarray:
    """Return a frame, black to the right and below, with sides that the coarsest map divides."""
    height, width = frame.shape[:2]
    return cv2.copyMakeBorder(frame, 0, -height % COARSEST, 0, -width % COARSEST, cv2.BORDER_CONSTANT)


def decode(maps: list[np.ndarray]) -> np.ndarray:
    """Return the faces, float (N, 15) as Run does, that maps, each float32 (h, w, 16), tell of; the surest first."""
    found = []
    finest = max(len(one) for one in maps)
    for one in maps:
        stride = 8 * finest // len(one)
        # Two logits: that there is a face, and how good its box is
        scores = np.sqrt(1 / (1 + np.exp(-np.clip(one[..., :2], -50, 50))).prod(-1))
        place = np.nonzero(scores >= SCORE)
        values, origin = one[place].astype(float), np.stack(place[::-1], axis=1)
        values[:, 4:6] = np.clip(values[:, 4:6], -9, 9)  # no face is that small, or large
        middle, size = (origin + values[:, 2:4]) * stride, np.exp(values[:, 4:6]) * stride
        points = (values[:, 6:].reshape(-1, 5, 2) + origin[:, None]) * stride
        found.append(np.hstack([middle - size / 2, size, points.reshape(-1, 10), scores[place][:, None]]))
    rows = np.concatenate(found)
    rows = rows[np.isfinite(rows).all(1)]
    kept = cv2.dnn.NMSBoxes(rows[:, :4], rows[:, 14].astype(np.float32), 0, OVERLAP)
    return rows[np.array(kept, int).reshape(-1)]
