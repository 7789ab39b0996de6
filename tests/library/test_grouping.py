"""Grouping faces, beside a plain average linkage on the whole matrix; what numbers become of groups."""

import numpy as np
import pytest

from recognition.library import grouping


def people(count, photos, spread, seed=0, dimensions=32):
    """Return embeddings of length 1 of so many people, and whose they are."""
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.arange(count), photos)
    rows = rng.normal(size=(count, dimensions))[whose] + spread * rng.normal(size=(len(whose), dimensions))
    order = rng.permutation(len(whose))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True))[order].astype(np.float32), whose[order]


def plain(rows, limit):
    """Return the groups as sets of rows: the two nearest are merged, one pair after the other."""
    squares = ((rows[:, None].astype(float) - rows) ** 2).sum(2)
    groups = [[k] for k in range(len(rows))]
    while len(groups) > 1:
        pairs = [(squares[np.ix_(a, b)].mean(), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups[:i])]
        nearest, i, j = min(pairs)
        if nearest > limit**2:
            break
        groups[j] += groups.pop(i)
    return {frozenset(group) for group in groups}


def sets(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@pytest.mark.parametrize("limit", [0.3, 0.8, 1.1, 1.3, 2.0])
@pytest.mark.parametrize("block", [2**24, 100])
def test_groups_are_those_of_plain_average_linkage(monkeypatch, limit, block):
    monkeypatch.setattr(grouping, "BLOCK", block)
    rows, _ = people(12, 5, 0.9)
    expected = plain(rows, limit)
    assert sets(grouping.group_faces(rows * 3, limit)) == expected  # of any length
    assert limit in (0.3, 2.0) or 1 < len(expected) < 60


def test_people_who_are_apart_are_found_the_largest_group_first():
    rows, whose = people(40, 8, 0.2)
    rows, whose = rows[(whose != 7) | (np.cumsum(whose == 7) < 3)], whose[(whose != 7) | (np.cumsum(whose == 7) < 3)]
    labels = grouping.group_faces(rows, 0.8)
    assert sets(labels) == sets(whose)
    assert (np.diff(np.bincount(labels)) <= 0).all() and set(labels[whose == 7]) == {39}


def test_copies_strangers_and_nobody():
    same = np.tile(np.eye(4, dtype=np.float32)[:1], (50, 1))
    assert len(set(grouping.group_faces(same, 0.1).tolist())) == 1  # all distances are 0: nothing but ties
    assert grouping.group_faces(np.eye(5), 1.0).tolist() == [0, 1, 2, 3, 4]
    assert grouping.group_faces(np.zeros((0, 128), np.float32), 1.0).tolist() == []
    assert grouping.group_faces(np.eye(5)[:1], 1.0).tolist() == [0]


def test_nobody_is_twice_in_a_photo_but_the_same_picture_is():
    rows = np.array([[1, 0], [1, 0.1], [1, 0.5], [1, 0.02]], np.float32)
    labels = grouping.once_a_photo(np.zeros(4, int), np.array([1, 2, 2, 1]), rows, 0.1)
    assert labels.tolist() == [0, 0, 1, 0]  # the third is less typical than the second; the fourth is the first again


def test_groups_keep_their_numbers_when_photos_are_added():
    numbers, following = grouping.keep_numbers(np.array([0, 0, 0, 1, 1, 2]), np.full(6, -1), 1)
    assert numbers.tolist() == [1, 1, 1, 2, 2, 0] and following == 3
    # The second group is the largest now, the one who was alone has company
    labels = np.array([1, 1, 1, 0, 0, 2, 0, 0, 2])
    numbers, following = grouping.keep_numbers(labels, np.array([1, 1, 1, 2, 2, 0, -1, -1, -1]), following)
    assert numbers.tolist() == [1, 1, 1, 2, 2, 3, 2, 2, 3] and following == 4
    # Both fall together: the number that most of them have; the other one is never given again
    numbers, following = grouping.keep_numbers(np.array([0] * 8 + [1]), numbers, following)
    assert numbers.tolist() == [2] * 8 + [0] and following == 4
    # Two groups that were one: the larger part keeps the number
    numbers, following = grouping.keep_numbers(np.array([0, 0, 0, 0, 0, 1, 1, 1, 2]), numbers, following)
    assert numbers.tolist() == [2] * 5 + [4] * 3 + [0] and following == 5
