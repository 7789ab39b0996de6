"""Follow boxes from frame to frame, so that what is shown neither flickers nor trembles."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

NEEDED = 1.6  # votes before a digit is shown: two frames of a sure reading, five of one that is half sure
MEMORY = 0.8  # of its votes that a track keeps from one frame to the next
KEEP = 8  # frames that a track is shown, or waited for, without being seen


@dataclass(eq=False)
class Track:
    """One thing over time: smoothed box, float64 (4,) as x1 y1 x2 y2 in pixels, and its votes.

    `votes`: sum of confidences of each label, the past counting less with every frame; `weight`: their possible sum.
    """

    box: np.ndarray
    votes: dict[Hashable, float]
    weight: float = 1.0
    label: Hashable = None
    missed: int = 0  # frames since it was seen
    found: int | None = None  # which of the boxes of this frame it is
    steady: bool = False  # seen surely enough to be shown

    @property
    def confidence(self) -> float:
        """The mean confidence of its label, in [0, 1]."""
        return min(1.0, self.votes[self.label] / self.weight)

    def move(self, shift: np.ndarray) -> None:
        """Go on to the next frame, where it should be found `shift` (x, y) further."""
        self.box = self.box + np.tile(shift, 2)
        self.votes = {label: MEMORY * votes for label, votes in self.votes.items()}
        self.weight *= MEMORY
        self.missed, self.found = self.missed + 1, None

    def see(self, box: np.ndarray, label: Hashable, confidence: float) -> None:
        """Take in what was found in a frame."""
        # A tremble of a tenth of the box is smoothed; more is motion and followed at once
        change = box - self.box
        self.box = self.box + change * np.clip(np.abs(change).max() / (0.1 * _sides(self.box)), 0.3, 1)
        self.votes[label] = self.votes.get(label, 0.0) + confidence
        self.weight += 1
        self.missed = 0
        best = max(self.votes, key=self.votes.get)
        if self.votes[best] > 1.3 * self.votes.get(self.label, 0.0):  # two labels at par do not take turns
            self.label = best


class Tracker:
    """All tracks of a video; `update` takes what was found in the next frame.

    `needed`: votes before a track is shown.
    """

    def __init__(self, needed: float = NEEDED) -> None:
        self._tracks: list[Track] = []
        self._needed = needed

    def update(
        self, boxes: np.ndarray, labels: Sequence[Hashable], confidences: Sequence[float], cut: bool = False
    ) -> list[Track]:
        """Return the tracks to show. `boxes`: float (N, 4), x1 y1 x2 y2 in pixels; `confidences`: in [0, 1]. `cut`: a
        new scene seems to begin: what is not seen any more is gone at once.

        Boxes belong to the track that they overlap most, after the motion that most of them share.
        """
        boxes = np.asarray(boxes, float).reshape(-1, 4)
        shift = common_shift(self._tracks, boxes, labels)
        for track in self._tracks:
            track.move(shift)
        pairs = match(np.array([track.box for track in self._tracks]).reshape(-1, 4), boxes)
        for old, new in pairs:
            self._tracks[old].see(boxes[new], labels[new], confidences[new])
            self._tracks[old].found = new
        for new in sorted(set(range(len(boxes))) - {new for _, new in pairs}):
            self._tracks.append(Track(boxes[new], {labels[new]: confidences[new]}, label=labels[new], found=new))
        for track in self._tracks:
            track.steady |= track.votes[track.label] > self._needed
        self._drop(0 if cut else KEEP)
        return [track for track in self._tracks if track.steady]

    def _drop(self, keep: int) -> None:
        """Forget the tracks that are gone: long unseen, never steady, or with another one in their place."""
        seen = [track for track in self._tracks if track.missed == 0 and track.steady]
        self._tracks = [
            track
            for track in self._tracks
            if track.missed <= (keep if track.steady else min(keep, 1))
            and not (track.missed and any(_centred(track.box, other.box) for other in seen))
        ]


def _sides(boxes: np.ndarray) -> np.ndarray:
    """Return the longer side of boxes, float (..., 4), in pixels, at least 1."""
    return np.maximum((boxes[..., 2:] - boxes[..., :2]).max(-1), 1)


def _centred(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell whether the centre of one of two boxes is in the other."""
    middles = (a[:2] + a[2:]) / 2, (b[:2] + b[2:]) / 2
    return any((box[:2] <= m).all() and (m <= box[2:]).all() for box, m in zip((b, a), middles, strict=True))


def common_shift(tracks: list[Track], boxes: np.ndarray, labels: Sequence[Hashable]) -> np.ndarray:
    """Return the motion (x, y) in pixels since the last frame on which most tracks agree; 0 0 if they tremble only."""
    if not tracks or not len(boxes):
        return np.zeros(2)
    old = np.array([track.box for track in tracks])
    sides = np.minimum.outer(_sides(old), _sides(boxes))
    moves = ((boxes[:, :2] + boxes[:, 2:]) - (old[:, :2] + old[:, 2:])[:, None]) / 2  # (tracks, boxes, 2)
    alike = np.equal.outer([hash(track.label) for track in tracks], [hash(label) for label in labels])
    alike &= (np.abs(moves).max(-1) < 2 * sides) & (sides > 0.7 * np.maximum.outer(_sides(old), _sides(boxes)))
    moves, sides = moves[alike], sides[alike]
    if not len(moves):
        return np.zeros(2)
    agree = np.abs(moves[:, None] - moves).max(-1) < 0.15 * sides
    likely = agree.sum(1) - np.abs(moves).max(-1) / (1e3 * sides)  # the shortest where several are as likely
    shift = moves[agree[likely.argmax()]].mean(0)
    return shift if np.abs(shift).max() > 0.1 * np.median(sides) else np.zeros(2)


def match(a: np.ndarray, b: np.ndarray, least: float = 0.2) -> list[tuple[int, int]]:
    """Return the pairs of boxes, float (N, 4) and (M, 4), with most overlap, no box twice, each at least `least`."""
    overlap = iou(a, b)
    pairs = []
    while overlap.size and overlap.max() >= least:
        i, j = (int(k) for k in np.unravel_index(overlap.argmax(), overlap.shape))
        pairs.append((i, j))
        overlap[i], overlap[:, j] = 0, 0
    return pairs


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes, float (N, 4) and (M, 4), as (N, M) in [0, 1]."""
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    both = np.clip(high - low, 0, None).prod(-1)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1) for boxes in (a, b)]
    return both / np.maximum(areas[0][:, None] + areas[1] - both, 1e-9)
