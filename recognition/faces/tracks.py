"""Who somebody followed over many frames is: several good embeddings of a face, averaged, name it; one never does."""

from dataclasses import dataclass, field

import numpy as np

from recognition.faces.detection import Face
from recognition.faces.gallery import PERHAPS, Match
from recognition.faces.quality import BLURRED, frontality, sharpness, upright

LEAST, GOOD = 0.2, 0.5  # quality of a view from which on it says anything, and says much, about who it is
FAR = 1.4  # times the distance of a face so far: no other view of the same person
ENOUGH = 1.0  # sum of the qualities of the embeddings, two at least, that may name a face
SOON, LATER = 0.12, 4.0  # seconds from one embedding of a face to the next: at first, and at most


@dataclass(eq=False)
class Identity:
    """One face over time, and whom it was taken for; `confidence` and `distance` are those of the nearest person.

    `name` is None for unknown, and until several embeddings agree. It may come later than the frames that it holds for.
    `number`: of this face in its video, from 1 on.
    """

    number: int = 0
    match: Match = field(default_factory=lambda: Match(None, float("inf"), 0.0))
    requested: int = 0  # embeddings that were asked for
    embedded: int = 0  # those that came
    weight: float = 0.0  # sum of their qualities
    best: float = 0.0  # quality of the best one
    last: float = 0.0  # seconds: when the last one was asked for
    changed: bool = False  # what was seen since may be somebody else
    shadowed: bool = False  # somebody else in the frame is more like the person
    _sum: np.ndarray | float = 0.0
    _contrary: int = 0  # embeddings in a row that told of somebody else

    @property
    def name(self) -> str | None:
        """Whom it was taken for."""
        sure = self.embedded >= 2 and self.weight >= ENOUGH and not self.shadowed
        return self.match.name if sure else None

    @property
    def perhaps(self) -> str | None:
        """Who it may be, though that is not sure enough for a name, or not yet."""
        return None if self.name or self.shadowed else self.match.name or self.match.perhaps

    @property
    def confidence(self) -> float:
        """How sure the nearest person is meant, 0 to 1."""
        return self.match.confidence

    @property
    def distance(self) -> float:
        """To the nearest person; infinite before the first embedding."""
        return self.match.distance

    @property
    def embedding(self) -> np.ndarray | None:
        """The mean of all embeddings, float32 (D,), the better ones counting more; None before the first."""
        return (self._sum / self.weight).astype(np.float32) if self.embedded else None

    def learn(self, embedding: np.ndarray, quality: float, alone: Match) -> bool:
        """Take in an embedding, float (D,); `alone`: whose it would be alone. Tell whether this is somebody else now.

        Two good ones in a row that are far from whom it was taken for do that: then the face is to begin anew.
        """
        other = alone.name or alone.distance > FAR * self.distance
        contrary = bool(other and self.name and self.name != alone.name and quality >= GOOD)
        self._contrary = self._contrary + 1 if contrary else 0
        self.changed = contrary
        if contrary:
            return self._contrary > 1
        self._sum = self._sum + quality * embedding
        self.embedded, self.weight, self.best = self.embedded + 1, self.weight + quality, max(self.best, quality)
        return False

    def request(self, seconds: float) -> None:
        """Note that an embedding was asked for now."""
        self.requested, self.last = self.requested + 1, seconds

    def priority(self, quality: float, size: int, seconds: float) -> float:
        """Return how useful an embedding would be now, of a view of this quality and size, pixels: 0 for not at all."""
        doubtful = self.name is None and self.confidence >= PERHAPS  # and is embedded more often
        better = quality > max(0.3, 1.5 * self.best)  # than all views before
        pause = SOON * (1 if better or self.changed else self.requested if doubtful else 2**self.requested)
        if quality < LEAST or (self.requested and seconds < self.last + min(LATER, pause)):
            return 0.0
        return quality * size**0.5 / (1 + self.requested) ** (1 if doubtful else 2)


def view_of(frame: np.ndarray, face: Face) -> np.ndarray:
    """Return a face of a BGR frame upright and gray, uint8 (96, 96)."""
    x1, y1, x2, y2 = face.box
    margin = face.size // 2
    left, top = max(0, x1 - margin), max(0, y1 - margin)
    part = frame[top : max(top + 1, y2 + margin), left : max(left + 1, x2 + margin)]
    return upright(part, face.landmarks - (left, top))


def quality_of(face: Face) -> float:
    """Return how well a face is seen, 0 to 1, however sharp: best are large ones that look into the camera."""
    return size_of(face) * frontality(face.landmarks)


def clarity(view: np.ndarray) -> float:
    """Return how sharp a view is, 0 to 1: a part of its quality, and the one that takes longest to tell."""
    return float(np.clip((sharpness(view) - BLURRED) / 0.003, 0, 1))


def size_of(face: Face) -> float:
    """Return how well the size of a face suffices, 0 (20 pixels) to 1 (80 and more)."""
    return float(np.clip((face.size - 20) / 60, 0, 1))
