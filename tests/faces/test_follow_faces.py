"""Faces keep their identity over frames; looks at them must agree before a name is given, and are spent sparingly."""

import json

import cv2
import numpy as np
import pytest

from recognition.faces import live, quality, tracks
from recognition.faces.alignment import TEMPLATE, align
from recognition.faces.detection import Face
from recognition.faces.gallery import Match
from recognition.media.frames import Frame

ADA, BEN, STRANGER = (200, 90, 90), (90, 90, 200), (90, 200, 90)  # people are colours, BGR
KNOWN = {"Ada": ADA, "Ben": BEN}
RATE = 30
PROFILE = TEMPLATE * (0.3, 1) + (0.1, 0)  # eyes, nose and corners of the mouth close together


def face(x, y, side=100, landmarks=TEMPLATE, confidence=0.9):
    return Face((x, y, x + side, y + side), np.array([x, y]) + side * (0.2 + 0.6 * np.asarray(landmarks)), confidence)


def picture(people, scene=0, size=(480, 640), soft=0.0, alike=False):
    """Return a frame, BGR: a background that is the scene's own, and for each (face, colour) somebody of that colour.

    `soft`: pixels of blur; `alike`: with no other difference than the colour.
    """
    rng = np.random.default_rng(scene)
    frame = cv2.resize(rng.integers(60, 200, (12, 16), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    for one, colour in people:
        x1, y1, x2, y2 = one.box
        skin = np.random.default_rng(0 if alike else colour).integers(-70, 70, (25, 25, 1))
        skin = skin - skin.mean() + np.array(colour)
        skin = cv2.resize(np.clip(skin, 0, 255).astype(np.uint8), (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)
        frame[y1:y2, x1:x2] = cv2.GaussianBlur(skin, (0, 0), soft) if soft else skin
    return frame


class Detector:
    """Finds what it is told to, and counts how often it is asked."""

    def __init__(self, name="yunet"):
        self.name, self.faces, self.count = name, [], 0

    def detect(self, frame):
        self.count += 1
        return self.faces


class Recognizer:
    """Knows people by their colour; `looks` are the indices of who was looked at when."""

    def __init__(self, known=KNOWN):
        self.known, self.embedded, self.changed = dict(known), [], False

    def refresh(self):
        changed, self.changed = self.changed, False
        return changed

    def crop(self, frame, faces):
        return np.stack([align(frame, one.landmarks, 64, 0.0) for one in faces])

    def embed(self, crops):
        self.embedded.append(len(crops))
        return crops.mean((1, 2)).astype(np.float32)

    def match(self, descriptions):
        return [self._match(description) for description in descriptions]

    def _match(self, description):
        far = {name: float(np.abs(np.subtract(colour, description)).mean() / 50) for name, colour in self.known.items()}
        if not far:
            return Match(None, float("inf"), 0.0)
        name = min(far, key=far.get)
        return Match(name if far[name] < 0.5 else None, far[name], float(np.clip(1 - far[name], 0, 1)))


class Film:
    """Shows frames to a watcher, one after the other, and keeps what it saw."""

    def __init__(self, name="yunet", known=KNOWN, **more):
        self.detector, self.recognizer = Detector(name), Recognizer(known)
        self.watcher = live.Watcher(self.detector, self.recognizer, **more)
        self.frames: list[list[live.Seen]] = []

    def show(self, people, count=1, **looks):
        """Show somebody for some frames; return what was seen in the last."""
        self.detector.faces = [one for one, _ in people]
        for _ in range(count):
            self.frames.append(self.watcher.watch(picture(people, **looks), len(self.frames) / RATE))
        return self.frames[-1]


def test_a_face_is_named_when_two_looks_agree_and_then_seldom_looked_at():
    film = Film()
    names = [film.show([(face(100, 100), ADA)])[0].name for _ in range(10 * RATE)]
    first = names.index("Ada")
    assert 1 <= first <= 10
    assert set(names[first:]) == {"Ada"}
    assert 2 <= len(film.recognizer.embedded) <= 9
    assert len({id(seen[0].who) for seen in film.frames}) == 1


def test_one_lucky_look_names_nobody():
    film = Film()
    film.show([(face(100, 100), ADA)])
    assert len(film.recognizer.embedded) == 1
    film.show([(face(100, 100), STRANGER)], 5 * RATE)
    assert {one.name for seen in film.frames for one in seen} == {None}


def test_strangers_stay_unknown_and_are_looked_at_ever_more_seldom():
    film = Film()
    film.show([(face(100, 100), STRANGER)], 10 * RATE)
    assert {one.name for seen in film.frames for one in seen} == {None}
    assert 3 <= len(film.recognizer.embedded) <= 9
    assert film.frames[-1][0].distance > 1


def test_nobody_comes_into_a_film_unseen_that_is_watched_closely():
    """As for --blur: in every frame, and the first in which a face is, however unsure the detector may be."""
    for closely in (False, True):
        film = Film(closely=closely)
        film.show([(face(400, 100), ADA)], 2)
        film.show([(face(400, 100), ADA), (face(100, 100, confidence=0.5), STRANGER)], 5)
        first = [len(seen) for seen in film.frames].index(2)
        assert (first == 2) == closely


@pytest.mark.parametrize(
    ("one", "soft"), [(face(100, 100, landmarks=PROFILE), 0), (face(100, 100, 20), 0), (face(100, 100), 12)]
)
def test_views_that_show_nothing_are_not_looked_at(one, soft):
    film = Film()
    film.show([(one, ADA)], 2 * RATE, soft=soft)
    assert film.recognizer.embedded == []
    assert len(film.frames[-1]) == 1  # but followed


def test_a_better_view_is_looked_at_at_once():
    film, small = Film(), face(100, 100, 40)
    film.show([(small, STRANGER)], 4 * RATE)
    looks = len(film.recognizer.embedded)
    for side in range(40, 100, 3):  # coming nearer
        film.show([(face(100, 100, side), STRANGER)])
    assert len(film.recognizer.embedded) > looks


def test_after_a_cut_nobody_has_the_name_of_who_was_there_before():
    film = Film()
    assert film.show([(face(100, 100), ADA)], RATE)[0].name == "Ada"
    film.show([(face(100, 100), STRANGER)], 2 * RATE, scene=1)
    assert {seen[0].name for seen in film.frames[RATE:]} == {None}
    assert {seen[0].name for seen in film.frames[:RATE]} == {"Ada"}  # it is known by now


def test_somebody_else_in_the_same_place_does_not_inherit_a_name():
    film = Film()
    film.show([(face(100, 100), ADA)], RATE)
    film.show([(face(100, 100), BEN)], RATE)  # the room stays as it is
    assert film.frames[-1][0].name == "Ben"
    assert "Ada" not in {seen[0].name for seen in film.frames[RATE:]}


def test_a_name_that_is_not_true_any_more_is_taken_back():
    film = Film()
    film.show([(face(100, 100), ADA)], 3 * RATE, alike=True)
    film.show([(face(100, 100), BEN)], 5 * RATE, alike=True)
    assert film.frames[3 * RATE - 1][0].name == "Ada"
    assert film.frames[-1][0].name == "Ben"


def test_looks_are_rationed_and_all_faces_get_theirs():
    film = Film()
    crowd = [(face(x, y, 80), ADA if x == y else STRANGER) for x in range(0, 400, 100) for y in range(0, 300, 100)]
    seconds = 4
    per_frame = []
    for _ in range(seconds * RATE):
        before = len(film.recognizer.embedded)
        film.show(crowd)
        per_frame.append(len(film.recognizer.embedded) - before)
    assert max(per_frame) == 1
    assert sum(per_frame) <= live.BURST + live.RATE * seconds + 1
    assert all(one.who.embedded for one in film.frames[-1])


def test_a_name_is_given_to_one_face_of_a_frame():
    film = Film()
    paler = tuple(value + 12 for value in ADA)
    seen = film.show([(face(100, 100), paler), (face(300, 100), ADA)], 2 * RATE)
    assert {one.box[0]: one.name for one in seen} == {100: None, 300: "Ada"}


def test_who_is_enrolled_meanwhile_is_named():
    film = Film(known={})
    seen = film.show([(face(100, 100), ADA)], RATE)
    assert (seen[0].name, seen[0].distance) == (None, float("inf"))
    film.recognizer.known, film.recognizer.changed = dict(KNOWN), True
    assert film.watcher.refresh()
    assert not film.watcher.refresh()
    assert film.show([(face(100, 100), ADA)], RATE // 2)[0].name == "Ada"


def test_faces_are_followed_between_the_frames_in_which_they_are_detected():
    film = Film("hog")
    for step in range(40):
        one = face(100 + 3 * step, 100 + step)
        seen = film.show([(one, ADA)])
        assert np.abs(np.subtract(seen[0].box, one.box)).max() <= 3
    assert film.detector.count == 10
    assert seen[0].name == "Ada"


def test_a_new_scene_is_detected_at_once():
    film = Film("cnn")
    film.show([(face(100, 100), ADA)], 3)
    seen = film.show([(face(400, 200), BEN)], scene=1)
    assert [one.box[0] for one in seen] == [400]


def test_names_count_from_the_first_frame_on(monkeypatch):
    monkeypatch.setattr(live, "HELD", 10**9)
    film, one = Film(), face(100, 100)
    film.detector.faces = [one]
    frames = [Frame("film", k, picture([(one, ADA)]), k / RATE) for k in range(2 * RATE)]
    given, asked = [], 0

    def source():
        nonlocal asked
        for frame in frames:
            asked += 1
            yield frame

    for frame, seen in live.settled(source(), film.watcher):
        given.append((frame.index, seen[0].name))
        assert asked - frame.index <= live.DELAY * RATE + 2 + live.AHEAD
    assert given == [(k, "Ada") for k in range(2 * RATE)]


def test_waiting_frames_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(live, "HELD", 3 * 480 * 640 * 3)
    film, taken = Film(), []
    frames = (taken.append(k) or Frame("film", k, picture([]), k / RATE) for k in range(RATE))
    for frame, _ in live.settled(frames, film.watcher):
        assert len(taken) - frame.index <= 5 + live.AHEAD
    assert len(taken) == RATE


def test_json_has_no_numbers_that_are_none():
    film = Film()
    seen = film.show([(face(100, 100), ADA), (face(300, 100, 20), BEN)], RATE)
    record = json.loads(live.json_line("film.mp4", 7, seen), parse_constant=pytest.fail)
    assert (record["source"], record["frame"]) == ("film.mp4", 7)
    assert [list(one) for one in record["faces"]] == [["name", "perhaps", "confidence", "distance", "box", "track"]] * 2
    ada, tiny = record["faces"]
    assert ada["name"] == "Ada"
    assert ada["box"] == [100, 100, 200, 200]
    assert (tiny["name"], tiny["distance"]) == (None, None)


def test_a_face_keeps_its_number_while_it_is_followed():
    def numbers(people, **looks):
        film.show(people, RATE, **looks)  # a new face is found at the next detection
        lines = [json.loads(live.json_line("f", 0, seen)) for seen in film.frames[-RATE + 5 :]]
        return {tuple(one["track"] for one in line["faces"]) for line in lines}

    film, ada, ben = Film(), (face(100, 100), ADA), (face(400, 100, 80), BEN)
    assert numbers([ada]) == {(1,)}
    assert numbers([ada, ben]) == {(1, 2)}  # the larger face comes first
    film.recognizer.known["Cleo"] = STRANGER
    film.recognizer.changed = True  # somebody was enrolled: names begin anew, faces do not
    assert film.watcher.refresh()
    assert numbers([(face(103, 100), ADA), ben]) == {(1, 2)}
    assert numbers([(face(103, 100), STRANGER), ben]) == {(3, 2)}  # in the same place, somebody else
    assert numbers([ada, ben], scene=1) == {(4, 5)}  # after a cut
    assert "track" not in live.json_line("photo.jpg", 0, [live.Seen((0, 0, 9, 9), Match(None, 1.0, 0.0))])


def test_quality_tells_good_views_from_bad_ones():
    assert quality.frontality(face(50, 80).landmarks) == 1
    assert quality.frontality(face(50, 80, landmarks=PROFILE).landmarks) == 0
    turned = cv2.getRotationMatrix2D((100, 100), 40, 1.7)
    assert quality.frontality(face(50, 80).landmarks @ turned[:, :2].T + turned[:, 2]) == 1
    one = face(100, 100)
    views = [tracks.view_of(picture([(one, ADA)], soft=soft), one) for soft in (0, 3, 6, 12)]
    qualities = [tracks.quality_of(one) * tracks.clarity(view) for view in views]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] > 0.8 > 0.2 > qualities[-1]
    sizes = [tracks.size_of(face(0, 0, side)) for side in (20, 50, 80)]
    assert sizes == pytest.approx([0, 0.5, 1])
