"""The ways to recognise a face, all with the same methods.

`identify(frame, faces)` names the faces of a frame. Its three steps, for those who follow a face over many frames and
average its descriptions: `crop(frame, faces)`, `describe(crops)`, the slow one, and `match(descriptions)`.
`refresh()` takes in what was enrolled since.
"""

from functools import partial
from pathlib import Path

import numpy as np

from recognition.embeddings import crops_of, load_embedder
from recognition.faces import Face
from recognition.gallery import Gallery, Match
from recognition.settings import say


class EmbeddingRecognizer:
    """Names faces by the people whose photos lie in a folder; new photos count from the next refresh on."""

    def __init__(self, people, embedder, accept: float = 0.01, threshold: float | None = None):
        """`accept`: share of strangers that may get a name. `threshold`: greatest distance, whatever that share."""
        self.people, self._embedder, self._accept, self._threshold = people, embedder, accept, threshold
        self._take_gallery()
        # Of crops, a description each, float32 (N, D), in one pass without the mirror image; picklable
        self.describe = partial(embedder.embed, mirrored=False)

    def refresh(self) -> bool:
        """Take in what was enrolled, renamed or forgotten since; tell whether something was. Cheap if not."""
        changed = self.people.refresh()
        if changed:
            self._take_gallery()
        return changed

    def _take_gallery(self) -> None:
        self._gallery: Gallery = self.people.gallery()
        if self._threshold is not None:
            self._gallery.threshold = self._threshold

    def identify(self, frame: np.ndarray, faces: list[Face]) -> list[Match]:
        """Return whom each face of a BGR frame belongs to."""
        return self.match(self._embedder.embed(self.crop(frame, faces)))

    def crop(self, frame: np.ndarray, faces: list[Face]) -> np.ndarray:
        """Return the faces of a BGR frame as the network wants them, uint8 (N, size, size, 3)."""
        return crops_of(frame, faces, self._embedder.size, self._embedder.padding)

    def match(self, descriptions: np.ndarray) -> list[Match]:
        """Return whom each description, or mean of some of one face, belongs to."""
        return self._gallery.match(descriptions)


def load(
    name: str,
    folder: Path,
    detector,
    weights: Path | None = None,
    accept: float = 0.01,
    threshold: float | None = None,
) -> EmbeddingRecognizer:
    """Return a recogniser by its name, for the people whose photos are in `folder`."""
    from recognition.people import People

    embedder = load_embedder()
    people = People(folder, detector, embedder)
    if not people.names():
        say(f"nobody is enrolled in {folder}, so all are unknown: run python face_recognition/enroll.py")
    return EmbeddingRecognizer(people, embedder, accept, threshold)
