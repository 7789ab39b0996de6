"""Turn faces into numbers that are near to each other for one person: SFace's 128, from OpenCV's model zoo.

The network: Y. Zhong, W. Deng and others, "SFace: sigmoid-constrained hypersphere loss for robust face recognition"
(2021), Apache 2.0 licence. It is run by LiteRT, and where it cannot be converted for that by OpenCV.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from recognition.embeddings.sface_conversion import NETWORK
from recognition.embeddings.statistics import SFACE
from recognition.files import PUBLISHED
from recognition.models.litert import Model
from recognition.settings import quiet

BATCH = 8  # more at once is no faster, and the memory grows


class SFace:
    """SFace's description, loaded when the first face is to be described."""

    name = "sface_2021dec"  # with the database of people: another name, other embeddings
    size, padding = 112, None  # pixels; None: aligned by the detector's landmarks alone, as it was trained
    statistics = SFACE

    def __init__(self, folder: Path = PUBLISHED):
        """`folder`: of its file."""
        self._folder = folder

    @cached_property
    def run(self) -> Callable[[np.ndarray], np.ndarray]:
        """What turns images, RGB uint8 (N, 112, 112, 3), into descriptions of any length, float32 (N, 128)."""
        loaded = NETWORK.load(self._folder)
        if isinstance(loaded, Path):
            return opencv(loaded)
        model = Model(loaded)
        return lambda images: model.predict(images, BATCH)

    def embed(self, crops: np.ndarray, mirrored: bool = False) -> np.ndarray:
        """Return the embeddings, float32 (N, 128), of aligned faces, BGR uint8 (N, 112, 112, 3).

        Their lengths tell how much the network sees of a face: 9 to 14 of people's, 3 to 9 of animals' and things.
        `mirrored` makes no difference here: with the mirror image half a percent more photos of LFW were found, in
        twice the time.
        """
        return self.run(np.ascontiguousarray(crops[..., ::-1])) if len(crops) else np.zeros((0, 128), np.float32)


def opencv(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what SFace.run does, done by OpenCV with SFace's own file."""
    with quiet():
        network = cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8))  # the bytes: it knows few names of files

    def run(images: np.ndarray) -> np.ndarray:
        found = []
        for k in range(0, len(images), BATCH):
            network.setInput(cv2.dnn.blobFromImages(list(images[k : k + BATCH])))
            found.append(network.forward().copy())
        return np.concatenate(found)

    return run


def load_embedder(folder: Path = PUBLISHED) -> SFace:
    """Return SFace, loaded now, for what is missing is told before all else; raises UserError."""
    embedder = SFace(folder)
    _ = embedder.run
    return embedder


def is_here(folder: Path = PUBLISHED) -> bool:
    """Tell whether SFace can be loaded without a download."""
    return NETWORK.is_here(folder)
