"""The marker: found, followed in changing light, learned, and never invented."""

import itertools
import time

import cv2
import numpy as np
import pytest

from recognition.air_writing.colours import Colour, adapt, likeness, likeness_table
from recognition.air_writing.marker import MarkerTracker
from recognition.settings import UserError

HEIGHT, WIDTH = 360, 640
MARKERS = {  # BGR, as a camera shows them
    "red": (45, 35, 200),
    "orange": (15, 105, 240),
    "yellow": (40, 210, 230),
    "green": (60, 160, 50),
    "cyan": (190, 175, 20),
    "blue": (180, 80, 25),
    "purple": (150, 50, 110),
    "pink": (150, 70, 235),
}
SKIN = (120, 150, 200)
PATH = [(320 + 150 * np.cos(t), 170 + 80 * np.sin(2 * t)) for t in np.linspace(0, 6, 60)]


NOISE = np.random.default_rng(0).normal(0, 4, (HEIGHT, WIDTH, 3)).astype(np.float32)
WALL = np.linspace(90, 190, WIDTH)[None, :, None] * np.array([0.85, 0.95, 1.0]) * np.ones((HEIGHT, 1, 1))


def room(*things, light=1.0, seed=0) -> np.ndarray:
    """Return a noisy grey-brown room with ellipses drawn into it, each ((x, y), (width, height), BGR)."""
    frame = WALL.astype(np.uint8)
    for (x, y), size, colour in things:
        box = ((float(x), float(y)), tuple(map(float, size)), 15.0)
        cv2.ellipse(frame, box, tuple(map(float, colour)), -1, cv2.LINE_AA)
    frame = cv2.GaussianBlur(frame, (0, 0), 0.8).astype(np.float32) * np.float32(light)
    return cv2.add(frame, np.roll(NOISE, 3001 * seed), dtype=cv2.CV_8U)


def marker(place, colour="red"):
    return place, (18, 30), MARKERS[colour]


def follow(tracker: MarkerTracker, frames, start=0) -> list:
    return [tracker.track(frame, (start + i) / 30) for i, frame in enumerate(frames)]


def errors(tips, places) -> np.ndarray:
    assert None not in tips
    return np.array([np.hypot(tip.x - x, tip.y - y) for tip, (x, y) in zip(tips, places, strict=True)])


@pytest.mark.parametrize("colour", MARKERS)
def test_every_named_colour_is_followed_from_the_frame_it_appears_in(colour):
    tracker = MarkerTracker(colour)
    assert follow(tracker, [room(seed=i) for i in range(5)]) == [None] * 5
    tips = follow(tracker, [room(marker(place, colour), seed=i) for i, place in enumerate(PATH)], 5)
    assert errors(tips, PATH).max() < 2 and all(tip.writing for tip in tips)


def test_the_likeness_of_red_goes_round_the_circle_of_hues():
    table = likeness_table(Colour(178, 200, 150))
    hsv = np.array([[[174, 200, 150], [2, 200, 150], [6, 200, 150], [60, 200, 150], [0, 30, 150]]], np.uint8)
    near, across, further, green, grey = likeness(hsv, table)[0].astype(int)
    assert abs(near - across) < 30 and across > 150 and across > further > green == grey == 0


def test_still_things_of_the_colour_are_not_the_marker():
    book, lips = ((500, 90), (60, 90), MARKERS["red"]), ((130, 120), (40, 12), (60, 50, 170))
    tracker = MarkerTracker("red")
    dark_and_bright = [1 + 0.15 * np.sin(i / 5) for i in range(30)]
    empty = [room(book, lips, light=light, seed=i) for i, light in enumerate(dark_and_bright)]
    assert follow(tracker, empty) == [None] * 30
    places = [(x * 0.6, y) for x, y in PATH]
    tips = follow(tracker, [room(book, lips, marker(place), seed=i) for i, place in enumerate(places)], 30)
    assert np.mean(errors(tips, places) < 4) > 0.9


@pytest.mark.parametrize("size, colour", [((70, 110), SKIN), ((90, 400), MARKERS["red"]), ((300, 160), MARKERS["red"])])
def test_skin_sleeves_and_large_things_that_come_in_are_not_the_marker(size, colour):
    highest = 300 if size[1] > 300 else 200  # a sleeve stays at the border
    heights = [max(HEIGHT + size[1] / 2 - 8 * i, highest) for i in range(len(PATH))]
    frames = [room(((x, y), size, colour)) for (x, _), y in zip(PATH, heights, strict=True)]
    assert set(follow(MarkerTracker("red"), [room(), *frames])) == {None}


def test_a_marker_that_holds_still_stays_found_and_does_not_tremble():
    tracker = MarkerTracker("red")
    follow(tracker, [room(), *(room(marker(place)) for place in PATH[:10])])
    tips = follow(tracker, [room(marker(PATH[9]), seed=i) for i in range(150)], 11)
    assert errors(tips, [PATH[9]] * 150).max() < 2
    assert np.std([(tip.x, tip.y) for tip in tips], axis=0).max() < 0.3


@pytest.mark.parametrize("speed", [3, 12])
def test_a_marker_in_the_first_frame_is_found_when_it_moves(speed):
    places = [(150 + speed * i, 150) for i in range(30)]
    tips = follow(MarkerTracker("red"), [room(marker(place), seed=i) for i, place in enumerate(places)])
    found = 1 + 12 // speed  # by then it has moved by half its width
    assert tips[0] is None and errors(tips[found:], places[found:]).max() < 2


def test_a_marker_out_of_sight_is_not_reported_and_found_again_elsewhere():
    tracker = MarkerTracker("red")
    follow(tracker, [room(), *(room(marker(place)) for place in PATH[:10])])
    assert set(follow(tracker, [room(seed=i) for i in range(60)], 11)) == {None}
    tips = follow(tracker, [room(marker(place)) for place in PATH[30:]], 71)
    assert errors(tips, PATH[30:]).max() < 2


def test_the_colour_follows_the_light_and_does_not_end_on_skin():
    tracker = MarkerTracker("red")
    follow(tracker, [room()])
    lights = [np.array([1, 1, 1]) - i / 60 * np.array([0.6, 0.5, 0.4]) for i in range(60)]
    frames = [room(marker(place), light=light) for place, light in zip(PATH, lights, strict=True)]
    assert errors(follow(tracker, frames, 1), PATH).max() < 3
    hand = [room((place, (70, 110), SKIN), light=lights[-1]) for place in PATH]
    assert set(follow(tracker, hand, 61)) == {None}


def test_a_hue_that_changes_slowly_is_followed_but_not_to_any_other():
    blue, teal, green = np.array([180, 80, 25]), np.array([150, 125, 25]), np.array([60, 160, 50])
    steps = [blue + (teal - blue) * i / 60 for i in range(60)] + [teal + (green - teal) * i / 90 for i in range(91)]
    frames = [room((PATH[0], (18, 30), colour), seed=i) for i, colour in enumerate(steps)]
    tracker = MarkerTracker("red")
    tracker.learn_at(frames[0], PATH[0])
    tips = follow(tracker, frames)
    assert errors(tips[:60], PATH[:1] * 60).max() < 2 and tips[-1] is None


def test_a_colour_adapts_within_bounds():
    given = now = Colour(178, 200, 150)
    skin = np.full((50, 3), (12, 90, 120), np.uint8)
    for _ in range(100):
        now = adapt(now, given, skin, 0.1)
    assert (now.hue, now.saturation, round(now.value)) == (pytest.approx(6), 150, 120) and now.spread <= given.spread


def test_fast_writing_is_followed_through_motion_blur():
    places = [(320 + 220 * np.cos(t), 170 + 80 * np.sin(t)) for t in np.linspace(0, 20, 60)]  # 70 pixels a frame
    frames = []
    for old, new in itertools.pairwise(places):
        way = [np.array(old) + (np.array(new) - old) * part for part in np.linspace(0.7, 1, 6)]
        frames.append(np.mean([room(marker(place)) for place in way], axis=0).astype(np.uint8))
    tracker = MarkerTracker("red")
    follow(tracker, [room()])
    tips = follow(tracker, frames, 1)
    found = [(tip, place) for tip, place in zip(tips, places[1:], strict=True) if tip]
    assert len(found) > 0.95 * len(tips)
    assert all(np.hypot(tip.x - x, tip.y - y) < 25 for tip, (x, y) in found)


@pytest.mark.parametrize("by_click", [False, True])
def test_any_colour_is_learned_from_a_box_or_a_click(by_click):
    olive, (x, y) = (40, 150, 130), PATH[0]
    tracker, frame = MarkerTracker("red"), room(marker((500, 300), "green"), ((x, y), (24, 36), olive))
    if by_click:
        tracker.learn_at(frame, (x, y))
    else:
        tracker.learn(frame, (x - 12, y - 18, x + 12, y + 18))
    frames = [room(marker((500, 300), "green"), (place, (24, 36), olive), seed=i) for i, place in enumerate(PATH)]
    assert errors(follow(tracker, frames), PATH).max() < 3


@pytest.mark.parametrize(
    "things, reason",
    [
        ([], "grey"),
        ([((200, 200), (60, 60), (10, 10, 30))], "dark"),
        ([((190, 200), (30, 60), MARKERS["blue"]), ((215, 200), (30, 60), MARKERS["yellow"])], "several colours"),
    ],
)
def test_what_has_no_clear_colour_is_not_learned(things, reason):
    tracker = MarkerTracker("red")
    with pytest.raises(UserError, match=reason):
        tracker.learn(room(*things), (180, 180, 224, 220))
    with pytest.raises(UserError, match="outside"):
        tracker.learn_at(room(*things), (WIDTH + 50, 20))
    follow(tracker, [room()])  # goes on with its old colour
    assert errors(follow(tracker, [room(marker(place)) for place in PATH], 1), PATH).max() < 3


def test_an_unknown_colour_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"'beige'.*red, orange") as error:
        MarkerTracker("beige")
    assert error.value.code == 2


def test_frames_of_any_size_even_changing_are_taken():
    tracker = MarkerTracker("blue")
    for i, (height, width) in enumerate([(1, 1), (7, 2000), (480, 640), (1080, 1920), (20, 20)]):
        assert tracker.track(np.full((height, width, 3), 255, np.uint8), i) is None


def test_a_frame_takes_a_few_milliseconds():
    frames = [cv2.resize(room(marker(place)), (1280, 720)) for place in PATH[:30]]
    tracker = MarkerTracker("red")
    start = time.perf_counter()
    follow(tracker, frames)
    assert (time.perf_counter() - start) / len(frames) < 0.02  # 4 ms where nothing else runs


@pytest.mark.parametrize("shape", [(2, 3000), (1, 3000), (3000, 2), (3000, 1), (1, 1)])
def test_strips_are_looked_at(shape):
    tracker = MarkerTracker("green")
    for k in range(5):
        tracker.track(np.full((*shape, 3), MARKERS["green"] if k % 2 else SKIN, np.uint8), k / 30)
    tracker.learn_at(np.full((*shape, 3), MARKERS["green"], np.uint8), (shape[1] / 2, shape[0] / 2))
    tracker.track(np.full((*shape, 3), SKIN, np.uint8), 1.0)
