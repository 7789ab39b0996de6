"""The ways to recognise a face, all with the same two methods: identify(frame, faces) and refresh()."""

import numpy as np

from recognition.embeddings import crops_of
from recognition.faces import Face
from recognition.gallery import Gallery, Match


class EmbeddingRecognizer:
    """Names faces by the people whose photos lie in a folder; new photos count from the next refresh on."""

    def __init__(self, people, embedder):
        self._people, self._embedder = people, embedder
        self._gallery: Gallery = people.gallery()

    def refresh(self) -> bool:
        """Take in what was enrolled, renamed or forgotten since; tell whether something was. Cheap if not."""
        changed = self._people.refresh()
        if changed:
            self._gallery = self._people.gallery()
        return changed

    def identify(self, frame: np.ndarray, faces: list[Face]) -> list[Match]:
        """Return whom each face of a BGR frame belongs to."""
        crops = crops_of(frame, faces, self._embedder.size, self._embedder.padding)
        return self._gallery.match(self._embedder.embed(crops))
