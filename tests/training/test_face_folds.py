"""The cnn's folds, and the threshold and numbers that come of them, on likenesses that the tests make."""

import numpy as np
import pytest

from recognition.evaluation import open_set
from recognition.evaluation.metrics import interval
from recognition.training.face_photos import folds


@pytest.mark.parametrize("counts", [(5,) * 6, (1, 2, 3, 9), (4, 4), (3, 2, 1), (1, 1, 1)])
def test_everybody_is_left_out_once_and_others_keep_a_photo(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    left_out = []
    for kept, held_back, out in folds(labels, 5, 0.2):
        assert sorted([*kept, *held_back, *out]) == list(range(len(labels)))
        assert not set(labels[out]) & set(labels[[*kept, *held_back]])
        known = np.unique(labels[kept])
        assert len(known) >= 2
        assert set(labels[held_back]) == {person for person in known if counts[person] > 1}
        left_out += sorted(set(labels[out]))
    assert sorted(left_out) == (list(range(len(counts))) if len(counts) > 2 else [])


def test_every_photo_is_held_back_sooner_or_later():
    labels = np.repeat(np.arange(6), 4)
    held_back = np.concatenate([held_back for _, held_back, _ in folds(labels, 5, 0.25)])
    assert len(held_back) == 6 * 4 and len(set(held_back)) >= 18  # each person is left out of one fold


def test_the_threshold_holds_for_strangers_that_it_was_not_chosen_on():
    rng = np.random.default_rng(0)
    likenesses = [rng.normal(0.1, 0.2, 5) for _ in range(3000)]
    for people, accept in ((1, 0.01), (6, 0.01), (6, 0.2)):
        limit = open_set.limit(likenesses, people, accept)
        named = (rng.normal(0.1, 0.2, (40_000, people)).max(1) >= limit).mean()
        assert named == pytest.approx(accept, rel=0.15)
    assert open_set.limit(likenesses, 6, 0.0) == 1
    assert open_set.limit(likenesses, 6, 1.0) == 0


def test_folds_are_counted_by_the_threshold_of_the_others():
    """Two folds: in the second a stranger is much like somebody, which the first alone cannot know."""
    known, labels = np.array([0, 2]), np.array([0, 2])
    held = np.array([[0.9, 0.1], [0.6, 0.4]])
    quiet, alike = np.full((4, 2), 0.1), np.array([[0.05, 0.05], [0.05, 0.95]])
    tried = open_set.try_out([(known, labels, held, quiet), (known, labels, held, alike)])
    assert tried.read.tolist() == [0, 0, 0, 0]
    assert tried.count(3, 0.01, 0.5) == (2, 1)  # by a given threshold: 0.9 twice; 0.95
    low, high = open_set.limit(list(quiet), 3, 0.01), open_set.limit(list(alike), 3, 0.01)
    assert low < 0.2 and high > 0.95  # the first fold is judged by the second's: nobody is found, and the other way
    assert tried.count(3, 0.01, None) == (1, 1)


def test_nobody_held_back_is_nothing_found():
    none = np.zeros((0, 2))
    tried = open_set.try_out([(np.arange(2), np.zeros(0, int), none, none)])
    assert tried.count(2, 0.01, 0.7) == (0, 0)


def test_the_interval_is_that_of_the_books():
    assert interval(0, 0) == (0, 1)
    assert interval(0, 300) == pytest.approx((0, 0.0126), abs=2e-4)
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert interval(10, 10)[1] == 1
