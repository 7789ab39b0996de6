"""Who a face belongs to: the nearest enrolled person, or nobody. Pure functions on embeddings, no files.

A person is the mean of the embeddings of some photos, each brought to length 1, and the distance of a face to it is
Euclidean, 0 to 2. How near is near enough depends on three things: how many photos there are (from the mean of one all
faces are farther away than from that of five), how many people there are (each is one more whom a stranger may
resemble), and how much these people resemble one another, compared with others: a family needs more care, nobody less.
"""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from recognition.embeddings.statistics import DLIB, Statistics

MARGIN = 0.02  # by which the nearest person must be nearer than the second; else it could be either
SOFTNESS = 0.025  # of distance, from a confidence of 0.5 to one of 0.73
SHRINK = 60  # people, from which on the user's own tell more than the built-in statistics about how alike people are
SURE = 0.82  # confidence of a detector from which on a face is shown whatever the network sees in it: drawn people's
PERHAPS = 0.25  # confidence from which on whoever is not named may be the nearest person
SAMPLE = 200  # people and photos of them, at most, that are compared with each other for that


@dataclass
class Match:
    """Whom a face was taken for: name, None for unknown; distance to the nearest person, 0 to 2, infinite if there is
    none; confidence that it is that person, 0 to 1, above 0.5 if he is named; who that is, named or not; and whether it
    is a person's face at all, as far as that can be told."""

    name: str | None
    distance: float
    confidence: float
    nearest: str | None = None
    human: bool = True

    @property
    def perhaps(self) -> str | None:
        """Who it may be, though that is not sure enough for a name."""
        return self.nearest if self.name is None and self.confidence >= PERHAPS else None


class Gallery:
    """The people that faces are compared with, and how near is near enough.

    `names`: of P people. `embeddings`: float32 (N, D), of their photos; `owners`: int (N,), 0 to P - 1, whose they are.
    `accepted`: share of strangers that may get a name. `threshold`: what was chosen by that.
    """

    def __init__(
        self,
        names: list[str],
        embeddings: np.ndarray,
        owners: np.ndarray,
        statistics: Statistics = DLIB,
        accepted: float = 0.01,
    ):
        lots, embeddings = lots_of(embeddings), unit(embeddings)
        count = np.bincount(owners, minlength=len(names))
        centres = np.zeros((len(names), embeddings.shape[1]), np.float32)
        np.add.at(centres, owners, embeddings)
        centres /= np.maximum(count, 1)[:, None].astype(np.float32)
        photos, people = _drawn(lots), _drawn(np.array([lot_of(name) for name in names], np.int64))
        threshold = _threshold(statistics, len(names), accepted)
        self._set(names, centres, count, threshold, statistics)
        if len(names) > 1:
            distances = self._distances(embeddings[photos], people)
            resemblance = float(distances[owners[photos][:, None] != people].mean())
            self.threshold += _closer(statistics, len(names), resemblance)

    @classmethod
    def of_centres(
        cls, names: list[str], centres: np.ndarray, count: np.ndarray, threshold: float, statistics: Statistics
    ) -> "Gallery":
        """Return a gallery of some of more people: the means of their photos' embeddings of length 1, float32 (P, D),
        of how many photos each, int (P,), and what was chosen for all of them: see threshold_of."""
        gallery = cls.__new__(cls)
        gallery._set(names, centres, count, threshold, statistics)
        return gallery

    def _set(self, names: list[str], centres: np.ndarray, count: np.ndarray, threshold: float, statistics: Statistics):
        self.names, self._centres, self.threshold = names, centres, threshold
        self._squares = np.einsum("ij,ij->i", centres, centres)
        self._allowance = (statistics.allowance * np.sqrt(1 + 1 / np.maximum(count, 1))).astype(np.float32)

    def _distances(self, embeddings: np.ndarray, people: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return the distances of embeddings of length 1 from people, less the allowances, float32 (M, P)."""
        # Not the matrix product: it starts threads, which wait busily for more and take a core from all else
        products = np.vecdot(embeddings[:, None], self._centres[people])
        squares = 1 + self._squares[people] - 2 * products
        return np.sqrt(np.clip(squares, 0, None)) - self._allowance[people]

    def match(self, embeddings: np.ndarray) -> list[Match]:
        """Return whom each of the embeddings, float32 (M, D), belongs to."""
        if not self.names:
            return [Match(None, float("inf"), 0.0) for _ in embeddings]
        matches = []
        for row in self._distances(unit(embeddings)):
            first, *rest = np.argpartition(row, 1)[:2] if len(row) > 1 else [0]
            if rest and row[rest[0]] < row[first]:
                first, rest = rest[0], [first]
            near = row[first] < self.threshold and (not rest or row[rest[0]] - row[first] > MARGIN)
            confidence = 1 / (1 + np.exp((row[first] - self.threshold) / SOFTNESS))
            distance, nearest = float(row[first] + self._allowance[first]), self.names[first]
            confidence = float(confidence if near else min(confidence, 0.5))
            matches.append(Match(nearest if near else None, distance, confidence, nearest))
        return matches


def threshold_of(
    people: int,
    drawn: tuple[np.ndarray, np.ndarray],
    some: Gallery,
    ids: np.ndarray,
    statistics: Statistics,
    accepted: float,
) -> float:
    """Return the threshold of a gallery of so many people, from what was drawn of it by lot, at most SAMPLE of each.

    `drawn`: photos' embeddings, float32 (N, D), and the ids of whom they show, int (N,); `some`: people of these `ids`.
    """
    threshold, (embeddings, owners) = _threshold(statistics, people, accepted), drawn
    others = owners[:, None] != ids
    if people < 2 or not others.any():
        return threshold
    resemblance = float(some._distances(unit(embeddings))[others].mean())
    return threshold + _closer(statistics, people, resemblance)


def lots_of(embeddings: np.ndarray) -> np.ndarray:
    """Return a number of each embedding, float32 (N, D), int64 (N,): the lowest are those that a sample is made of.

    Always the same for the same photo, so that one more does not make it another sample, and like drawn by lot.
    """
    if not embeddings.size:
        return np.zeros(len(embeddings), np.int64)
    words = np.ascontiguousarray(embeddings[:, :2], np.float32).view(np.uint64).reshape(-1)
    return (words * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1)).astype(np.int64)


def lot_of(name: str) -> int:
    """Return a number of a name, the same for the same name: see lots_of."""
    return zlib.crc32(name.encode(errors="surrogatepass"))


def _drawn(lots: np.ndarray) -> np.ndarray:
    """Return where the lowest lots are, at most SAMPLE of them."""
    return np.argpartition(lots, SAMPLE)[:SAMPLE] if len(lots) > SAMPLE else np.arange(len(lots))


def _closer(statistics: Statistics, people: int, resemblance: float) -> float:
    """Return by how much the threshold of people who resemble one another differs, 0 or less.

    `resemblance`: mean distance, less the allowance, of photos from the people that they do not show.
    """
    return min(0.0, resemblance - statistics.strangers) * people / (people + SHRINK)


def one_each(matches: list[Match], embeddings: np.ndarray, same: float) -> list[Match]:
    """Return the matches of a photo's faces, a name left to the one most like the person: nobody is in it twice.

    `embeddings`: float (M, D), of the faces. One that is nearer than `same` to that one shows the same picture again,
    mirrored or in a collage, and keeps the name.
    """
    rows, first, left = unit(embeddings), {}, list(matches)
    for k in sorted(range(len(matches)), key=lambda k: matches[k].distance):
        if name := matches[k].name:
            most_like = first.setdefault(name, k)
            if np.linalg.norm(rows[k] - rows[most_like]) > same:
                left[k] = replace(matches[k], name=None, confidence=0.0)
    return left


def pair_threshold(statistics: Statistics, accepted: float = 0.01) -> float:
    """Return the distance of two photos below which they show one person: if one is enrolled, the other is named."""
    return _threshold(statistics, 1, accepted) + statistics.allowance * 2**0.5


def _threshold(statistics: Statistics, people: int, accepted: float) -> float:
    return float(statistics.nearest + statistics.decade * np.log10(accepted / 0.01 / max(1, people)))


def is_human(embedding: np.ndarray, statistics: Statistics, confidence: float = 0.0) -> bool:
    """Tell whether an embedding, float (D,), is of a person's face, not of an animal's or of something like a face.

    `confidence`: of the detector that it is a face, 0 to 1.
    """
    return confidence >= SURE or bool(np.linalg.norm(embedding) >= statistics.short)


def unit(embeddings: np.ndarray) -> np.ndarray:
    """Return embeddings, float (N, D), brought to length 1: their lengths tell of the photo, not of the person."""
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
