"""The pen of air-writing: when it goes down and up, on movements made by hand."""

import runpy
from types import SimpleNamespace

import numpy as np
import pytest

from recognition.air_writing import pen
from recognition.files import ROOT

FPS = 30
SIZE = 1280, 720


def still(place, seconds) -> list:
    return [place] * round(seconds * FPS)


def line(start, end, seconds, slow_ends=True) -> list:
    """Return a movement from one place to another, a place a frame, slow at its ends as a hand is."""
    t = np.linspace(0, 1, round(seconds * FPS))
    t = t**2 * (3 - 2 * t) if slow_ends else t
    return [tuple(np.array(start) + s * (np.array(end) - start)) for s in t]


def gone(seconds) -> list:
    return [None] * round(seconds * FPS)


def strokes_of(path, writing=None, fps=FPS, pause=0.5, jitter=0.0) -> list[np.ndarray]:
    """Return the strokes of a path: places or None, a frame each; `writing` is the gesture, frame by frame."""
    rng = np.random.default_rng(0)
    tool, strokes = pen.Pen(*SIZE, pause), []
    for k, place in enumerate(path):
        shift = rng.normal(0, jitter, 2)
        tip = place and pen.Tip(place[0] + shift[0], place[1] + shift[1], writing[k] if writing else True)
        strokes.append(tool.update(tip, k / fps))
    return [stroke for stroke in [*strokes, tool.lift()] if stroke is not None]


def ends(stroke) -> list:
    """Return the places A to D next to a stroke's ends; nothing may be farther than 40 pixels from one."""
    near = []
    for point in (stroke[0], stroke[-1]):
        name, place = min(PLACES.items(), key=lambda item: np.hypot(*(point[:2] - item[1])))
        near.append(name if np.hypot(*(point[:2] - place)) < 40 else tuple(point[:2].round().tolist()))
    return near


A, B, C, D = (400, 200), (400, 500), (700, 200), (700, 500)
PLACES = {"A": A, "B": B, "C": C, "D": D}


def test_a_marker_that_is_uncovered_writes_and_one_that_is_covered_does_not():
    strokes = strokes_of([*gone(1), *line(A, B, 0.6), *gone(0.4), *line(C, D, 0.6), *gone(1)])
    assert [ends(stroke) for stroke in strokes] == [["A", "B"], ["C", "D"]]
    assert strokes[0].shape[1] == 3
    assert strokes[0][0, 2] == pytest.approx(1, abs=0.2)
    assert strokes[1][-1, 2] == pytest.approx(2.6, abs=0.2)


def test_a_camera_that_stalls_draws_no_line_across():
    tool = pen.Pen(*SIZE, 0.5)
    strokes = [tool.update(pen.Tip(*place, True), k / FPS) for k, place in enumerate(line(A, B, 0.6))]
    strokes += [tool.update(pen.Tip(*place, True), 3 + k / FPS) for k, place in enumerate(line(C, D, 0.6))]
    strokes = [stroke for stroke in [*strokes, tool.lift()] if stroke is not None]
    assert [ends(stroke) for stroke in strokes] == [["A", "B"], ["C", "D"]]


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_few_frames_out_of_sight_do_not_break_a_stroke(frames):
    path = line(A, B, 1.0)
    path[12 : 12 + frames] = [None] * frames
    strokes = strokes_of(path)
    assert [ends(stroke) for stroke in strokes] == [["A", "B"]]


def test_a_quarter_of_a_second_out_of_sight_does():
    assert len(strokes_of([*line(A, B, 0.5), *gone(0.25), *line(B, D, 0.5)])) == 2


@pytest.mark.parametrize("jitter", [0.0, 2.5])
def test_a_pause_lifts_the_pen_and_the_next_one_lowers_it(jitter):
    path = [*line(A, B, 0.6), *still(B, 0.8), *line(B, C, 0.5), *still(C, 0.8), *line(C, D, 0.6), *still(D, 0.8)]
    strokes = strokes_of(path, jitter=jitter)
    assert [ends(stroke) for stroke in strokes] == [["A", "B"], ["C", "D"]]


def test_the_pause_itself_is_no_part_of_a_stroke():
    stroke = strokes_of([*line(A, B, 0.6), *still(B, 3)])[0]
    assert stroke[-1, 2] == pytest.approx(0.6, abs=0.15)


def test_who_waits_before_he_begins_still_writes():
    strokes = strokes_of([*gone(0.5), *still(A, 2.5), *line(A, B, 0.6), *gone(0.5)], jitter=1.5)
    assert [ends(stroke) for stroke in strokes] == [["A", "B"]]
    assert np.ptp(strokes[0][:, 2]) < 0.9


def test_a_slow_corner_is_no_pause():
    strokes = strokes_of([*line(A, B, 0.6), *still(B, 0.2), *line(B, D, 0.6)], jitter=1.0)
    assert [ends(stroke) for stroke in strokes] == [["A", "D"]]


def test_the_gesture_lifts_and_lowers_the_pen_at_once():
    path = [*line(A, B, 0.6), *line(B, C, 0.5), *line(C, D, 0.6)]
    down = [True] * 18 + [False] * 15 + [True] * 18
    strokes = strokes_of(path, down)
    assert [ends(stroke) for stroke in strokes] == [["A", "B"], ["C", "D"]]


def test_nothing_is_written_without_the_gesture_however_long_it_rests():
    assert strokes_of([*line(A, B, 0.6), *still(B, 2), *line(B, C, 0.6)], [False] * 200) == []


@pytest.mark.parametrize("entry", [(640, 715), (5, 300), (1275, 300)])
def test_the_way_in_from_outside_is_not_written(entry):
    way = line(entry, A, 0.5, slow_ends=False)
    strokes = strokes_of([*gone(0.5), *way, *still(A, 0.15), *line(A, B, 0.6), *gone(1)])
    assert len(strokes) == 1
    assert np.hypot(*(strokes[0][0, :2] - A)) < 60
    assert ends(strokes[0])[1] == "B"


@pytest.mark.parametrize("leaves", [(640, 719), (0, 500), (1279, 500)])
def test_the_way_out_of_the_frame_is_not_written(leaves):
    strokes = strokes_of([*line(A, B, 0.6), *line(B, leaves, 0.35, slow_ends=False), *gone(1)])
    assert len(strokes) == 1
    assert np.hypot(*(strokes[0][-1, :2] - B)) < 60


def test_a_stroke_that_begins_or_ends_near_the_edge_stays_whole():
    strokes = strokes_of([*gone(0.5), *line((60, 40), (60, 690), 0.8), *gone(1)])
    assert len(strokes) == 1
    assert np.ptp(strokes[0][:, 1]) > 600


def test_a_twitch_is_no_stroke():
    assert strokes_of([*gone(0.5), *line(A, (404, 205), 0.2), *gone(1)]) == []


def test_the_ring_shows_how_much_of_a_pause_is_over():
    tool, shown = pen.Pen(*SIZE, 0.5), []
    for k, place in enumerate([*line(A, B, 0.6), *still(B, 0.6)]):
        tool.update(pen.Tip(*place, True), k / FPS)
        shown.append(tool.resting)
    assert max(shown[5:14]) < 0.2  # in the middle of a movement
    assert 0.3 < shown[-10] < 0.9
    assert not tool.down


@pytest.mark.parametrize(("writing", "step", "kept"), [(False, 1, 0), (True, 1, 1), (True, 40, 460)])
def test_memory_stays_small_whatever_the_hand_does(writing, step, kept):
    """The pen up, the pen at rest, and a marker that never stops moving."""
    tool = pen.Pen(*SIZE, 0.5)
    for k in range(3000):
        tool.update(pen.Tip(500 + step * (k % 7), 300, writing), k / FPS)
    assert len(tool._recent) < 20
    assert len(tool.points) <= kept
    assert tool.writing == (kept > 1)


@pytest.mark.parametrize("fps", [3, 8, 15, 30])
def test_no_order_of_places_gestures_and_gaps_stops_the_pen(fps):
    """Also a gesture that changes in the frame after the hand appeared, as live streams have it."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        tool, place, writing, seconds = pen.Pen(*SIZE, 0.5), np.array([300.0, 200.0]), False, 0.0
        for _ in range(40):
            place = place + rng.normal(0, rng.choice([0, 2, 60]), 2)
            if rng.random() < 0.3:
                writing = not writing
            tip = None if rng.random() < 0.2 else pen.Tip(*place, writing, float(rng.choice([0, 30])))
            stroke = tool.update(tip, seconds)
            assert stroke is None or (stroke.ndim == 2 and stroke.shape[1] == 3 and len(stroke) >= 2)
            assert 0 <= tool.resting <= 1
            assert tool.writing in (True, False)
            seconds += rng.choice([0, 1, 1, 1, 1, 8]) / fps
        tool.lift()


def test_a_key_does_not_lower_a_pen_that_a_pause_lifted():
    """u, c and Enter end a stroke that is being written; where none is, the tip rests as before."""
    press = runpy.run_path(str(ROOT / "digit_recognition" / "hand_tracking.py"))["press"]
    writer = SimpleNamespace(digits=[], undo=list, clear=list, add=lambda stroke: None, finish=list)
    tool = pen.Pen(*SIZE, 0.5)
    for k, place in enumerate(line(A, B, 0.5) + still(B, 1.0)):
        tool.update(pen.Tip(*place, True), k / FPS)
    assert not tool.down
    for key in "uc\r":
        press(key, writer, tool)
        k += 1
        tool.update(pen.Tip(*B, True), k / FPS)
        assert not tool.down
