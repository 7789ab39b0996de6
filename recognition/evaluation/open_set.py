"""How well people are told apart by networks that saw a part of the photos, and strangers refused: those left out.

Networks are trained in folds, each without some of the people, who are strangers to it, and without some photos of the
others. Nobody needs photos of other people for that; but a few people left out say little of all strangers there are.
"""

import math
import statistics
from dataclasses import dataclass

import numpy as np

from recognition.evaluation.metrics import interval
from recognition.settings import say

ENOUGH = 100  # photos that tell a share to 10 %, with 95 %


@dataclass
class Tried:
    """What networks made of photos that they had not been trained on, of all folds together.

    `labels`, `read`: int (N,), whose the photos that were held back are, and who they were taken for; `likeness`:
    float (N,), to that person. `strangers`: of each photo of somebody left out, the likeness to each of the others, M
    times float (others,). `folds`: int (N,) and (M,), which fold they are of.
    """

    labels: np.ndarray
    read: np.ndarray
    likeness: np.ndarray
    strangers: list[np.ndarray]
    folds: tuple[np.ndarray, np.ndarray]

    def count(self, people: int, accept: float, threshold: float | None) -> tuple[int, int]:
        """Return how many of the N photos were found, and how many of the M of strangers got a name.

        Without a threshold each fold is judged by that of the others, or it would be judged by what it chose.
        """
        found = named = 0
        for fold in np.unique(np.concatenate(self.folds)):
            others = [row for row, owner in zip(self.strangers, self.folds[1], strict=True) if owner != fold]
            at = limit(others, people, accept) if threshold is None else threshold
            own = self.folds[0] == fold
            found += int(((self.read == self.labels) & (self.likeness >= at))[own].sum())
            named += sum(
                row.max() >= at for row, owner in zip(self.strangers, self.folds[1], strict=True) if owner == fold
            )
        return found, int(named)


def try_out(judged: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> Tried:
    """Return what all folds found together.

    For each fold: who is known, int (P,); whose the photos that were held back are, int (N,); and how alike these, and
    the strangers' photos, are to each of those who are known, float (N, P) and (M, P).
    """
    labels = np.concatenate([own for _, own, _, _ in judged])
    read = np.concatenate([known[held.argmax(1)] for known, _, held, _ in judged])
    likeness = np.concatenate([held.max(1) for _, _, held, _ in judged])
    strangers = [row for _, _, _, out in judged for row in out]
    numbers = np.arange(len(judged))
    return Tried(
        labels, read, likeness, strangers,
        (np.repeat(numbers, [len(one[2]) for one in judged]), np.repeat(numbers, [len(one[3]) for one in judged])),
    )  # fmt: skip


def limit(strangers: list[np.ndarray], people: int, accept: float) -> float:
    """Return the likeness that the share `accept` of strangers has, 0 to 1, to the most alike of so many people.

    They are too few for that to be counted, so likenesses are taken as normally distributed.
    """
    likenesses = np.concatenate(strangers)
    beyond = statistics.NormalDist().inv_cdf((1 - min(max(accept, 1e-9), 1 - 1e-9)) ** (1 / people))
    return float(np.clip(likenesses.mean() + beyond * likenesses.std(), 0, 1))


def describe(measured: dict[str, int | float], accept: float) -> str:
    """Return in words what was counted, see face_head.measure, with 95 % intervals; say where that is too few photos.

    `accept`: the share of strangers that may get a name.
    """
    shares = {}
    for key, total in (("nearest", "photos"), ("found", "photos"), ("strangers_named", "stranger_photos")):
        low, high = interval(measured[key], measured[total])
        shares[key] = f"{measured[key]} ({measured[key] / max(1, measured[total]):.0%}; {low:.0%} to {high:.0%})"
    needed = math.ceil(3 / max(accept, 1e-9))  # if none of so many gets a name, at most `accept` do, with 95 %
    if measured["stranger_photos"] < needed:
        say(
            f"{measured['stranger_photos']} photos of strangers are too few to know that {accept:.1%} of them get a "
            f"name: {needed} are needed, in a folder that --strangers names"
        )
    if measured["photos"] < ENOUGH:
        say(f"{measured['photos']} photos held back are too few to know how many are found: {ENOUGH} are needed")
    return (
        f"of {measured['photos']} photos held back {shares['nearest']} nearest to the right person, {shares['found']} "
        f"found; of {measured['stranger_photos']} photos of strangers {shares['strangers_named']} named"
    )
