"""Who a face belongs to: the nearest enrolled person, or nobody. Pure functions on embeddings."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Match:
    """Whom a face was taken for: name, None for unknown; the distance to the nearest person; confidence, 0 to 1."""

    name: str | None
    distance: float
    confidence: float


class Gallery:
    """The people that faces are compared with, and how near is near enough."""

    def __init__(self, names: list[str], embeddings: np.ndarray, owners: np.ndarray, threshold: float = 0.6):
        """`names`: of P people. `embeddings`: float32 (N, D), of their photos; `owners`: int (N,), 0 to P - 1."""
        self.names, self.threshold = names, threshold
        counts = np.maximum(np.bincount(owners, minlength=len(names)), 1)
        self._centres = np.zeros((len(names), embeddings.shape[1]), np.float32)
        np.add.at(self._centres, owners, embeddings)
        self._centres /= counts[:, None]

    def match(self, embeddings: np.ndarray) -> list[Match]:
        """Return whom each of the embeddings, float32 (M, D), belongs to."""
        if not self.names:
            return [Match(None, float("inf"), 0.0) for _ in embeddings]
        matches = []
        for embedding in embeddings:
            distances = np.linalg.norm(self._centres - embedding, axis=1)
            nearest = int(distances.argmin())
            distance = float(distances[nearest])
            name = self.names[nearest] if distance < self.threshold else None
            matches.append(Match(name, distance, float(np.clip(1.5 - distance / self.threshold, 0, 1))))
        return matches
