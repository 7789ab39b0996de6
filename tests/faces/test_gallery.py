"""Whom a face is taken for: by hand-made embeddings whose answers are known."""

import time

import numpy as np
import pytest

from recognition.embeddings.statistics import DLIB
from recognition.faces.gallery import Gallery, Match, one_each, pair_threshold, unit

RNG = np.random.default_rng(0)
COMMON = 1.6  # how much all faces' embeddings have in common, beside a length of 1 of their own: as dlib's have


def faces_of(people: int, photos: int, spread: float = 0.2, seed: int = 0) -> np.ndarray:
    """Return embeddings like dlib's, float32 (people, photos, 128); `spread`: distance of a photo from its person."""
    rng = np.random.default_rng(seed)
    person = unit(rng.normal(size=(people, 128))) * 0.5
    photo = unit(rng.normal(size=(people * photos, 128))).reshape(people, photos, 128) * spread
    return (np.eye(128)[0] * COMMON + person[:, None] + photo).astype(np.float32)


def enrolled(embeddings: np.ndarray, **settings) -> Gallery:
    people, photos = embeddings.shape[:2]
    names = [f"person {k}" for k in range(people)]
    return Gallery(names, embeddings.reshape(-1, 128), np.repeat(np.arange(people), photos), **settings)


def test_nobody_enrolled_names_nobody():
    empty = Gallery([], np.zeros((0, 128), np.float32), np.zeros(0, int))
    assert empty.match(faces_of(1, 2)[0]) == [Match(None, float("inf"), 0.0)] * 2


def test_one_photo_is_enough_and_new_photos_of_it_are_named():
    faces = faces_of(4, 6)
    matches = enrolled(faces[:, :1]).match(faces[:, 1:].reshape(-1, 128))
    assert [match.name for match in matches] == [f"person {k}" for k in range(4) for _ in range(5)]
    assert all(0.5 < match.confidence <= 1 for match in matches)


def test_the_distance_is_that_from_the_mean_of_the_photos():
    faces = faces_of(3, 5)
    match = enrolled(faces[:, :4]).match(faces[1, 4:])[0]
    mean = unit(faces[1, :4]).mean(0)
    assert match.distance == pytest.approx(np.linalg.norm(mean - unit(faces[1, 4:])[0]), abs=1e-5)


def test_strangers_are_unknown_but_it_is_told_whom_they_resemble():
    gallery = enrolled(faces_of(5, 3))
    strangers = faces_of(100, 1, seed=1)[:, 0]
    matches = gallery.match(strangers)
    assert [match.name for match in matches] == [None] * 100
    assert all(match.nearest in gallery.names and match.confidence <= 0.5 for match in matches)


def test_the_length_of_an_embedding_tells_nothing():
    faces = faces_of(3, 2)
    gallery = enrolled(faces)
    for one, other in zip(gallery.match(faces[0]), gallery.match(3 * faces[0]), strict=True):
        assert (one.name, one.nearest) == (other.name, other.nearest)
        assert one.distance == pytest.approx(other.distance, abs=1e-5)


def test_more_people_and_fewer_accepted_strangers_need_nearer_faces():
    faces = faces_of(40, 2)
    limits = [enrolled(faces[:count]).threshold for count in (1, 4, 40)]
    assert limits == sorted(limits, reverse=True)
    assert enrolled(faces, accepted=0.001).threshold == pytest.approx(enrolled(faces).threshold - DLIB.decade)


def test_people_who_resemble_one_another_tighten_the_threshold():
    apart, alike = faces_of(10, 3), faces_of(10, 3)
    alike += 1.5 * alike[:1, :1]  # all have most in common with the first one
    assert enrolled(alike).threshold < enrolled(apart).threshold - 0.02


def test_from_one_photo_a_face_may_be_farther_away_than_from_four():
    faces = faces_of(2, 5)
    one, four = (enrolled(faces[:, :count]) for count in (1, 4))
    reach = [gallery.threshold + DLIB.allowance * np.sqrt(1 + 1 / count) for gallery, count in ((one, 1), (four, 4))]
    assert reach[0] > reach[1] + 0.01
    for gallery, limit in ((one, reach[0]), (four, reach[1])):
        for factor, name in ((0.99, "person 0"), (1.01, None)):
            centre = unit(faces[0, : 1 if gallery is one else 4]).mean(0)
            probe = on_sphere(centre, factor * limit)
            match = gallery.match(probe[None])[0]
            assert match.distance == pytest.approx(factor * limit, abs=1e-4)
            assert match.name == name


def on_sphere(centre: np.ndarray, distance: float) -> np.ndarray:
    """Return a vector of length 1 at a distance from a centre, away from everything else."""
    away = np.eye(128)[100] - np.eye(128)[100] @ unit(centre[None])[0] * unit(centre[None])[0]
    away /= np.linalg.norm(away)
    length = np.linalg.norm(centre)
    along = (1 + length**2 - distance**2) / (2 * length)  # by the law of cosines
    return (along * centre / length + np.sqrt(1 - along**2) * away).astype(np.float32)


def test_a_face_between_two_people_is_neither():
    faces = faces_of(2, 1, spread=0.05)
    faces[1] = faces[0] + 0.02 * unit(RNG.normal(size=(1, 128)))  # one person under two names
    match = enrolled(faces).match(faces[:1, 0] * 0.5 + faces[1:, 0] * 0.5)[0]
    assert match.name is None
    assert match.confidence <= 0.5


def test_many_people_are_searched_quickly():
    embeddings = RNG.normal(size=(20_000, 128)).astype(np.float32)
    gallery = Gallery([str(k) for k in range(20_000)], embeddings, np.arange(20_000))
    start = time.perf_counter()
    match = gallery.match(embeddings[:1])[0]
    assert match.nearest == "0"
    assert time.perf_counter() - start < 0.5


def test_who_is_nearly_near_enough_is_perhaps_somebody():
    faces = faces_of(3, 2)
    gallery = enrolled(faces)
    stranger = faces_of(1, 1, seed=1)[0, 0]
    told = []
    for share in np.linspace(0, 1, 200):  # from a photo of a person to a stranger
        match = gallery.match((share * stranger + (1 - share) * faces[1, 0])[None])[0]
        told.append("named" if match.name else "perhaps" if match.perhaps else "unknown")
        assert {match.name, match.perhaps} <= {None, "person 1"}
        assert match.confidence > 0.5 if match.name else match.confidence <= 0.5
    assert list(dict.fromkeys(told)) == ["named", "perhaps", "unknown"]


def test_nobody_is_in_a_photo_twice_but_his_picture_may_be():
    rows = unit(np.float32([[1, 0, 0], [1, 0.05, 0], [1, 0.4, 0], [0, 0, 1], [0, 1, 0]]))
    matches = [Match(name, distance, 0.9, name) for name, distance in (("Ada", 0.3), ("Ada", 0.2), ("Ada", 0.4))]
    matches += [Match("Ben", 0.5, 0.8, "Ben"), Match(None, 0.6, 0.3, "Ada")]
    left = one_each(matches, rows, same=0.1)
    assert [match.name for match in left] == ["Ada", "Ada", None, "Ben", None]
    assert left[2] == Match(None, 0.4, 0.0, "Ada") and left[2].perhaps is None
    assert left[4].perhaps == "Ada"
    assert [match.name for match in matches[:3]] == ["Ada"] * 3  # what was given stays as it was


def test_two_photos_are_of_one_person_if_the_one_names_the_other():
    limit = pair_threshold(DLIB, 0.001)
    away = np.linspace(0, 0.6, 200)
    photos = np.zeros((200, 128), np.float32)
    photos[:, 0], photos[:, 1] = 1 - away**2 / 2, away * np.sqrt(1 - away**2 / 4)  # of length 1, so far from the first
    named = [match.name is not None for match in enrolled(photos[None, :1], accepted=0.001).match(photos)]
    assert named == list(away < limit) and 50 < sum(named) < 150
