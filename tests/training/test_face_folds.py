"""The cnn's folds, and the threshold and numbers that come of them, on likenesses that the tests make."""

import cv2
import numpy as np
import pytest

from recognition.evaluation import open_set
from recognition.evaluation.metrics import interval
from recognition.models import store
from recognition.networks import architectures
from recognition.networks.backend import keras
from recognition.networks.faces import LocalPatterns
from recognition.synthetic.portraits import draw_face
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


def neighbour(image: np.ndarray, radius: int, k: int) -> np.ndarray:
    """Return the image moved such that each pixel has the value of one around it, by OpenCV."""
    move = np.float32([(1, 0, radius * np.cos(k * np.pi / 4)), (0, 1, radius * np.sin(k * np.pi / 4))])
    return cv2.warpAffine(image, move, image.shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def test_patterns_are_those_that_are_counted_pixel_by_pixel():
    image = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (96, 96)).astype(np.float32), (0, 0), 1.5)
    shares = np.array(LocalPatterns()(image[None, ..., None]))[0].reshape(12, 12, 2, 59) ** 2
    assert np.allclose(shares.sum(-1), 1, atol=1e-5)
    for place, radius in enumerate((1, 3)):
        brighter = np.stack([neighbour(image, radius, k) > image + 0.01 for k in range(8)], -1)
        changes = (brighter != np.roll(brighter, 1, -1)).sum(-1)
        others = (changes > 2).reshape(12, 8, 12, 8).mean((1, 3))
        assert np.abs(shares[..., place, 58] - others)[1:-1, 1:-1].max() < 0.05  # OpenCV moves by 32nds of a pixel
        arcs = np.sort([np.all(brighter == one, -1).mean() for one in np.unique(brighter[changes <= 2], axis=0)])
        ours = np.sort(shares[..., place, :58].mean((0, 1)))
        assert len(arcs) <= 58 and np.abs(ours[-len(arcs) :] - arcs).max() < 0.01


def test_light_changes_no_pattern():
    image = np.random.default_rng(0).integers(0, 120, (1, 96, 96, 1)).astype(np.float32)
    dark, bright = (np.array(LocalPatterns()(one)).reshape(12, 12, 118) for one in (image, image * 2 + 10))
    same = np.isclose(dark[1:-1, 1:-1], bright[1:-1, 1:-1], atol=1e-5)  # but at the edge, where black begins
    assert same.mean() > 0.99  # what differs by less than 0.01 of 255 counts as equal


def test_litert_sees_what_keras_sees(tmp_path):
    keras.utils.set_random_seed(0)
    network = architectures.ARCHITECTURES["faces"](3)
    images = np.stack([cv2.cvtColor(draw_face(k, size=96), cv2.COLOR_BGR2GRAY) for k in range(6)])
    store.save(network, {"architecture": "faces", "class_names": ["a", "b", "c"], "threshold": 0.5}, "faces", tmp_path)
    ours, theirs = store.load("faces", tmp_path).predict(images), network(images[..., None], training=False).numpy()
    assert np.abs(ours - theirs).max() < 0.02  # the trained weights are rounded to 8 bits
