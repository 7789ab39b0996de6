"""What live frames show is steady, follows changes and cuts, and the two scripts do what they say."""

import itertools
import json

import cv2
import numpy as np
import pytest
from test_digits_live import save_clip
from test_objects import Fake

from recognition.media.frames import Frame
from recognition.objects import live
from recognition.objects.classes import NONE

VIDEO, WEBCAM = "cifar_recognition/video.py", "cifar_recognition/webcam.py"
STEP = 1 / 30  # seconds
SCENES = [np.random.default_rng(seed).integers(0, 256, (90, 160, 3), np.uint8) for seed in range(2)]


def watch(answers, scenes=None, threshold=0.3):
    """Return what is shown while a network gives these answers, (cat, dog, frog), to frames of scene 0, or others."""
    queue = list(answers)
    classifier = Fake(lambda images: np.tile(queue.pop(0), (len(images), 1)), ("cat", "dog", "frog"))
    live_objects = live.LiveObjects(classifier, threshold)
    scenes = scenes or [0] * len(queue)
    return [live_objects.classify(Frame("", k, SCENES[scene], k * STEP)) for k, scene in enumerate(scenes)]


def names(shown):
    return [objects.name for objects in shown]


CAT, DOG = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05)


def test_a_new_answer_comes_in_exponentially():
    shown = watch([CAT] * 5 + [DOG] * 60, threshold=0.0)
    after = np.arange(1, 61) * STEP
    expected = 0.9 - 0.85 * np.exp(-after / live.MEMORY)
    ahead = names(shown)[5:].index("dog")
    assert after[ahead] < 0.5
    found = [objects.top[0].confidence for objects in shown[5 + ahead :]]
    assert found == pytest.approx(expected[ahead:], abs=1e-3)


def test_uneven_times_give_the_same_average():
    """A camera that drops every other frame forgets as fast."""
    results = []
    for step in (1, 3):
        queue = [CAT] + [DOG] * 40
        classifier = Fake(lambda images, queue=queue: np.tile(queue.pop(0), (len(images), 1)), ("cat", "dog", "frog"))
        live_objects = live.LiveObjects(classifier, 0.0)
        for k in range(0, 31, step):
            last = live_objects.classify(Frame("", k, SCENES[0], k * STEP))
        results.append(last.top[0].confidence)
    assert results[0] == pytest.approx(results[1], abs=1e-3)


def test_a_single_odd_frame_changes_nothing():
    assert set(names(watch([CAT] * 10 + [DOG] + [CAT] * 10))) == {"cat"}


def test_two_classes_that_are_as_probable_do_not_flicker():
    rng = np.random.default_rng(0)
    cat = np.clip(0.5 + 0.2 * rng.standard_normal(600), 0, 1)
    answers = np.stack([cat, 1 - cat, 0 * cat], 1)
    plain = np.diff(answers.argmax(1)) != 0
    shown = names(watch(answers))
    assert plain.sum() > 200
    assert sum(a != b for a, b in itertools.pairwise(shown)) <= 6  # in 20 seconds


def test_a_fit_about_the_threshold_does_not_flicker():
    rng = np.random.default_rng(0)
    cat = np.clip(0.6 + 0.1 * rng.standard_normal(600), 0, 1)
    answers = np.stack([cat, (1 - cat) / 2, (1 - cat) / 2], 1)
    shown = names(watch(answers, threshold=0.6))
    assert set(shown) <= {"cat", NONE}
    assert sum(a != b for a, b in itertools.pairwise(shown)) <= 6


def test_what_is_only_just_ahead_is_shown_in_the_end():
    shown = names(watch([(0.52, 0.48, 0)] * 10 + [(0.48, 0.52, 0)] * 90))
    assert shown[:30] == ["cat"] * 30
    change = shown.index("dog")
    assert (change - 10) * STEP < live.PATIENCE + 1
    assert shown[change:] == ["dog"] * (100 - change)


def test_what_goes_is_none_of_these_soon():
    shown = names(watch([CAT] * 10 + [(0.34, 0.33, 0.33)] * 30, threshold=0.6))
    assert shown[:11] == ["cat"] * 11
    assert shown[25:] == [NONE] * 15


def test_a_cut_is_followed_at_once():
    shown = names(watch([CAT] * 10 + [DOG] * 10, [0] * 10 + [1] * 10))
    assert shown == ["cat"] * 10 + ["dog"] * 10


@pytest.fixture
def clip(tmp_path):
    """Return a video of half a second of gray, one second of red, then at once one second of green."""
    y, x = np.mgrid[:360, :640]
    left, right = np.full((360, 640, 3), 128, np.uint8), np.full((360, 640, 3), 128, np.uint8)
    left[:, :, :] += (x // 16 % 5).astype(np.uint8)[..., None]
    right[:, :, :] += (y // 16 % 5).astype(np.uint8)[..., None]
    gray = left.copy()
    cv2.circle(left, (320, 120), 110, (30, 30, 200), cv2.FILLED)
    cv2.circle(right, (320, 240), 110, (30, 200, 30), cv2.FILLED)
    return save_clip(tmp_path / "clip.mp4", [gray] * 15 + [left] * 30 + [right] * 30)


def test_a_video_is_annotated_and_its_summary_printed(script, colours, clip, tmp_path):
    done = script(VIDEO, clip, root=colours)
    assert (done.returncode, done.stderr) == (0, "saved output/clip_read.mp4\n")
    lines = done.stdout.splitlines()
    assert [line.split(" s: ")[1] for line in lines] == ["airplane", "automobile"]
    starts, ends = zip(*(map(float, line.split(" s: ")[0].split("-")) for line in lines), strict=True)
    assert starts == pytest.approx((0.5, 1.5), abs=0.35)
    assert ends == pytest.approx((1.5, 2.5), abs=0.35)
    capture = cv2.VideoCapture(str(tmp_path / "output" / "clip_read.mp4"))
    assert abs(capture.get(cv2.CAP_PROP_FRAME_COUNT) - 75) <= 1
    capture.set(cv2.CAP_PROP_POS_FRAMES, 40)
    frame = capture.read()[1].astype(int)
    assert frame.shape == (360, 640, 3)
    assert (np.abs(frame[250:, :200] - (60, 150, 0)).max(-1) < 40).sum() > 300  # the bar of what is believed
    assert (frame[250:, :100].max(-1) < 60).mean() > 0.3  # on a dark field


@pytest.mark.parametrize("name", [VIDEO, WEBCAM])
def test_json_is_one_object_a_frame_and_nothing_is_written(script, colours, clip, tmp_path, name):
    source = [clip] if name == VIDEO else ["--source", clip]
    done = script(name, *source, "--json", root=colours)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["frame"] for record in records] == list(range(75))
    assert all(list(record) == ["source", "frame", "known", "top"] for record in records)
    assert all(record["source"] == str(clip) and len(record["top"]) == 5 for record in records)
    assert [records[k]["known"] for k in (10, 40, 70)] == [False, True, True]
    assert [records[k]["top"][0]["label"] for k in (40, 70)] == ["airplane", "automobile"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


def test_only_the_part_asked_for_is_looked_at(script, colours, clip):
    done = script(VIDEO, clip, "--json", "--top", "2", "--roi", "0", "0", "200", "360", root=colours)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert not any(record["known"] for record in records)
    assert {len(record["top"]) for record in records} == {2}


def test_webcam_records_where_there_is_no_display(script, colours, clip, tmp_path):
    done = script(WEBCAM, "--source", clip, root=colours)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "output" / "clip_read.mp4").stat().st_size > 1000


def test_a_video_of_nothing_known(script, colours, tmp_path):
    gray = save_clip(tmp_path / "gray.mp4", [np.full((90, 120, 3), 128, np.uint8)] * 20)
    done = script(VIDEO, gray, "--no-show", root=colours)
    assert (done.returncode, done.stdout) == (0, "none of these\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([VIDEO, "nothing.mp4"], 1, "error: nothing.mp4: not found"),
        ([VIDEO, "CLIP", "--roi", "0", "0", "9999", "10"], 2, "error: --roi 0 0 9999 10"),
        ([VIDEO, "CLIP", "--threshold", "2"], 2, "error: --threshold 2.0"),
        ([VIDEO, "CLIP", "--top", "0"], 2, "error: --top 0"),
        ([VIDEO, "CLIP", "--model", "digits"], 1, "digits is no object model"),
        ([VIDEO, "CLIP", "--output", "read.xyz"], 2, "error: read.xyz"),
        ([WEBCAM, "--source", "97"], 1, "error: camera 97"),
    ],
)
def test_mistakes_are_one_line(script, colours, clip, arguments, code, message):
    done = script(*(clip if argument == "CLIP" else argument for argument in arguments), root=colours)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_slow_network_sees_one_crop_a_frame_and_all_at_a_cut():
    asked = []

    class Slow:
        slow, class_names = True, ["cat", "dog"]

        def look(self, frame, turn=None):
            asked.append(turn)
            share = frame[0, 0, 0] / 255
            rows = np.tile(np.float32([share, 1 - share]), (1 if turn is not None else 4, 1))
            return rows

        def tell(self, seen):
            assert seen.shape == (4, 2)
            return seen.mean(axis=0)

    live_objects = live.LiveObjects(Slow(), 0.5)
    dark, bright = (np.full((90, 120, 3), value, np.uint8) for value in (0, 30))
    for k, image in enumerate([dark, dark, bright, bright]):  # too alike for a cut
        live_objects.classify(Frame("", k, image, 1000.0 * k))  # so late that nothing of the mean is left
    assert asked == [None, 0, 1, 2]
    assert live_objects._mean == pytest.approx([30 / 255 / 2, 1 - 30 / 255 / 2], abs=1e-4)  # two of four crops
    for k, blank in enumerate((40, 70, 255)):  # the light goes on: nothing is seen that could be another scene
        live_objects.classify(Frame("", 4 + k, np.full((90, 120, 3), blank, np.uint8), 5.0))
    assert asked[4:] == [3, 4, 5]
    striped = np.full((90, 120, 3), 255, np.uint8)
    striped[:, 60:] = 0
    live_objects.classify(Frame("", 7, striped, 6.0))
    assert asked[7:] == [None]
