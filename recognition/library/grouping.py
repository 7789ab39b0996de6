"""Group faces into people without knowing anybody: average linkage, which stops where groups are too far apart.

Two groups are merged as long as the root mean square of the distances between the faces of one and of the other is
below a limit, the nearest two first. For embeddings of length 1 that mean follows from the mean embeddings of the
groups alone, so no matrix of all pairs is ever needed: 50,000 faces of 2,500 people take 50 s and 300 MB on two cores.
The work grows with the square of the faces, and where a few people have thousands each it is several times as much.
"""

import numpy as np

from recognition.faces.gallery import unit

BLOCK = 2**24  # cosines that are held at once: 64 MB


def group_faces(embeddings: np.ndarray, limit: float) -> np.ndarray:
    """Return which group each face is in, int64 (N,): 0 is the largest group, or one of the largest.

    `embeddings`: float (N, D). `limit`: distance, 0 to 2; see above.
    """
    means, count = unit(np.asarray(embeddings, np.float32)), len(embeddings)
    sizes, owner = np.ones(count, np.float32), np.arange(count)
    # The square of the distance of faces of length 1 is 2 - 2 cosines, and its mean over all pairs of two groups is
    # 2 - 2 times the product of their means, which are shorter than 1
    least = 1 - limit**2 / 2
    nearest, cosines = np.zeros(count, np.int64), np.full(count, -2, np.float32)
    alive = stale = np.arange(count)
    while True:
        _find_nearest(means, stale, alive, nearest, cosines)
        # A group that grows comes no nearer to any other than the nearer of its parts was (Bruynooghe 1977): whoever
        # has nobody near enough now will never have, and groups that are nearest to each other can merge at once
        alive = alive[cosines[alive] >= least]
        if not len(alive):
            break
        firsts = alive[(nearest[nearest[alive]] == alive) & (alive < nearest[alive])]
        if not len(firsts):  # a tie that rounding hides
            best = alive[cosines[alive].argmax()]
            firsts = np.array([min(best, nearest[best])])
            nearest[firsts] = max(best, nearest[best])
        seconds = nearest[firsts]
        total = sizes[firsts] + sizes[seconds]
        means[firsts] = (sizes[firsts, None] * means[firsts] + sizes[seconds, None] * means[seconds]) / total[:, None]
        sizes[firsts], owner[seconds] = total, firsts
        changed = np.zeros(count, bool)
        changed[firsts] = changed[seconds] = True
        gone = np.zeros(count, bool)
        gone[seconds] = True
        alive = alive[~gone[alive]]
        stale = alive[changed[alive] | changed[nearest[alive]]]
    while not np.array_equal(owner, owner[owner]):
        owner = owner[owner]
    return _by_size(owner)


def _find_nearest(
    means: np.ndarray, rows: np.ndarray, others: np.ndarray, nearest: np.ndarray, cosines: np.ndarray
) -> None:
    """Note for each of some groups, `rows`, the nearest of `others`, itself left out, and the mean cosine with it."""
    if len(others) < 2:
        cosines[rows] = -2
        return
    targets, place = means[others], np.searchsorted(others, rows)
    step = max(1, BLOCK // len(others))
    for k in range(0, len(rows), step):
        some = rows[k : k + step]
        products = means[some] @ targets.T
        products[np.arange(len(some)), place[k : k + step]] = -2
        best = products.argmax(1)
        nearest[some], cosines[some] = others[best], products[np.arange(len(some)), best]


def _by_size(labels: np.ndarray) -> np.ndarray:
    """Return the same groups, numbered from the largest on; of two as large the one whose first face comes first."""
    _, first, group, count = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(count), np.int64)
    rank[np.lexsort((first, -count))] = np.arange(len(count))
    return rank[group]


def once_a_photo(labels: np.ndarray, photos: np.ndarray, embeddings: np.ndarray, same: float) -> np.ndarray:
    """Return the groups with nobody twice in a photo: of two faces of one the less typical is put aside, alone.

    `photos`: int (N,), of each face. Faces that are nearer than `same` are the same picture again, and both stay.
    """
    rows, labels = unit(np.asarray(embeddings, np.float32)), labels.copy()
    _, pair, count = np.unique(np.stack([labels, photos]), axis=1, return_inverse=True, return_counts=True)
    order = np.argsort(pair.ravel(), kind="stable")
    free = labels.max(initial=-1) + 1
    for twice in np.split(order, np.cumsum(count)[:-1]):
        if len(twice) > 1:
            typical = rows[twice] @ rows[labels == labels[twice[0]]].mean(0)
            kept = twice[typical.argmax()]
            away = twice[np.linalg.norm(rows[twice] - rows[kept], axis=1) > same]
            labels[away] = free + np.arange(len(away))
            free += len(away)
    return _by_size(labels)


def keep_numbers(labels: np.ndarray, old: np.ndarray, following: int) -> tuple[np.ndarray, int]:
    """Return the number of each face's group, int64 (N,), 0 for one that is alone, and the next number to be given.

    `old`: int (N,), the numbers of before, 0 or less for none: a group keeps the one that most of its faces have, if no
    other group has more of them. `following`: the first number that no group ever had.
    """
    sizes = np.bincount(labels)
    numbers = np.zeros(len(sizes), np.int64)
    pairs, shared = np.unique(np.stack([labels, old])[:, (old > 0) & (sizes[labels] > 1)], axis=1, return_counts=True)
    taken = set()
    for k in np.argsort(-shared, kind="stable"):
        group, number = pairs[:, k].tolist()
        if not numbers[group] and number not in taken:
            numbers[group] = number
            taken.add(number)
    new = np.flatnonzero((numbers == 0) & (sizes > 1))
    numbers[new] = following + np.arange(len(new))
    return numbers[labels], following + len(new)
