"""Boxes keep their track over jitter and motion; labels are voted on; what is seen once is not shown."""

from itertools import pairwise

import numpy as np
import pytest

from recognition.media.tracking import KEEP, Tracker, common_shift, iou, match

BOXES = np.array([[100.0, 100, 140, 160], [200, 100, 240, 160], [300, 100, 340, 160]])


def test_iou_of_worked_cases():
    a = np.array([[0.0, 0, 10, 10]])
    b = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 7], [3, 3, 3, 3]])
    assert iou(a, b) == pytest.approx(np.array([[1, 50 / 150, 0, 0.1, 0]]))
    assert iou(np.zeros((0, 4)), b).shape == (0, 5)


def test_match_takes_the_best_pairs_first():
    a = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10]])
    b = np.array([[3.0, 0, 13, 10], [50, 50, 60, 60]])
    assert match(a, b) == [(1, 0)]  # 9/11 rather than 7/13
    assert match(a, np.zeros((0, 4))) == []


def test_a_sure_reading_is_shown_at_the_second_frame_and_an_unsure_one_later():
    waits = {}
    for confidence in (0.97, 0.5):
        tracker = Tracker()
        shown = [len(tracker.update(BOXES[:1], [7], [confidence])) for _ in range(10)]
        waits[confidence] = shown.index(1) + 1
    assert waits[0.97] == 2
    assert 4 <= waits[0.5] <= 6


def test_what_is_seen_once_or_every_other_frame_half_surely_is_never_shown():
    tracker = Tracker()
    assert tracker.update(BOXES[:1], [1], [0.99]) == []
    assert all(tracker.update([], [], []) == [] for _ in range(20))
    assert all(tracker.update(BOXES[: k % 2], [1][: k % 2], [0.5][: k % 2]) == [] for k in range(40))


def test_a_missed_track_stays_for_some_frames_then_goes():
    tracker = Tracker()
    for _ in range(5):
        tracker.update(BOXES, [1, 2, 3], [0.95] * 3)
    shown = [sorted(t.label for t in tracker.update(BOXES[:2], [1, 2], [0.95] * 2)) for _ in range(KEEP + 3)]
    assert shown[:KEEP] == [[1, 2, 3]] * KEEP
    assert shown[KEEP:] == [[1, 2]] * 3


def test_what_is_not_seen_in_a_new_scene_is_gone_at_once():
    tracker = Tracker()
    for _ in range(5):
        tracker.update(BOXES, [1, 2, 3], [0.95] * 3)
    assert sorted(t.label for t in tracker.update(BOXES[:2], [1, 2], [0.95] * 2, cut=True)) == [1, 2]


def test_one_wrong_reading_changes_nothing_but_many_do():
    tracker = Tracker()
    labels = [4] * 10 + [9] + [4] * 5 + [9] * 10
    shown = [[(t.label, t.confidence) for t in tracker.update(BOXES[:1], [label], [0.9])] for label in labels]
    read = [label for ((label, _),) in shown[2:]]
    assert read[:14] == [4] * 14
    assert read[-4:] == [9] * 4
    assert sum(a != b for a, b in pairwise(read)) == 1
    assert shown[10][0][1] < 0.8 < shown[9][0][1]  # the doubt shows


def test_the_confidence_is_the_mean_of_what_was_read():
    tracker = Tracker()
    for _ in range(30):
        (track,) = tracker.update(BOXES[:1], ["Ada"], [0.8]) or [None]
    assert track.confidence == pytest.approx(0.8)
    assert track.label == "Ada"


def test_a_trembling_box_is_smoothed():
    rng, tracker, shown, given = np.random.default_rng(0), Tracker(), [], []
    for _ in range(60):
        given.append(BOXES[:1] + rng.normal(0, 1, (1, 4)))
        shown += [track.box for track in tracker.update(given[-1], [5], [0.95])]
    assert np.std(shown[10:], axis=0).max() < 0.7 * np.std(given[10:], axis=0).min()
    assert np.abs(np.mean(shown[10:], axis=0) - BOXES[0]).max() < 0.7


@pytest.mark.parametrize("speed", [(3, 0), (20, 0), (-20, 12), (45, -30)])
def test_a_moving_page_is_followed_without_lag(speed):
    tracker, labels = Tracker(), [1, 1, 8]
    for _ in range(3):
        first = [id(track) for track in tracker.update(BOXES, labels, [0.95] * 3)]
    for step in range(1, 20):
        boxes = BOXES + step * np.tile(speed, 2)
        tracks = tracker.update(boxes, labels, [0.95] * 3)
        assert [id(track) for track in tracks] == first
        assert np.abs(np.array([track.box for track in tracks]) - boxes).max() <= 2


def test_small_digits_close_together_are_not_mixed_up_in_motion():
    """Each lands nearer to where its neighbour was than to where itself was."""
    boxes = np.array([[100 + 26.0 * k, 100, 118 + 26 * k, 125] for k in range(8)])
    tracker, labels = Tracker(), [3, 1, 4, 1, 5, 9, 2, 6]
    for step in range(15):
        tracks = tracker.update(boxes + step * np.array([20, 0, 20, 0]), labels, [0.95] * 8)
    assert [track.label for track in tracks] == labels
    assert all(len(track.votes) == 1 for track in tracks)


def test_a_missed_track_moves_with_the_others():
    tracker = Tracker()
    for _ in range(3):
        tracker.update(BOXES, [1, 2, 3], [0.95] * 3)
    for step in range(1, 6):
        tracks = tracker.update(BOXES[:2] + 20 * step, [1, 2], [0.95] * 2)
    assert tracks[2].box == pytest.approx(BOXES[2] + 100)


def test_a_digit_that_is_read_as_another_shape_is_not_shown_twice():
    tracker, part = Tracker(), np.array([[110.0, 130, 130, 158]])
    for boxes in [BOXES[:1]] * 4 + [part] * 4:
        tracks = tracker.update(boxes, [5], [0.95])
    assert len(tracks) == 1
    assert tracks[0].box == pytest.approx(part[0], abs=3)


def test_two_faces_may_move_apart():
    tracker, boxes = Tracker(), BOXES[[0, 2]].copy()
    for _ in range(15):
        boxes += [[-4, 0, -4, 0], [5, 2, 5, 2]]
        tracks = tracker.update(boxes, ["Ada", None], [0.9, 0.9])
    assert [track.label for track in tracks] == ["Ada", None]
    assert np.abs(np.array([track.box for track in tracks]) - boxes).max() < 5


def test_nothing_moves_where_nothing_is():
    assert common_shift([], BOXES, [1, 2, 3]).tolist() == [0, 0]
    assert Tracker().update([], [], []) == []
