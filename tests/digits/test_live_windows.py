"""The windows of the live scripts on a virtual screen: what is drawn where, and what keys and clicks do."""

import subprocess

import camera_server
import cv2
import numpy as np
import pytest
from test_hand_tracking import film, read, save

from recognition.air_writing import drawing
from recognition.files import ROOT
from recognition.media import canvas
from recognition.synthetic import pages

WEBCAM, VIDEO, HAND = (f"digit_recognition/{name}.py" for name in ("webcam", "video", "hand_tracking"))
BLUE = (190, 70, 20)


@pytest.fixture
def play(on_screen):
    """Return a function that starts a script on the virtual screen."""
    return lambda script, *arguments: on_screen(ROOT / script, *arguments)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return half a minute of a page that says 407 over 5, and the true boxes of its digits."""
    path = tmp_path_factory.mktemp("page") / "page.avi"
    look = pages.Page(height=400, width=600, wobble=0.2)
    image, rows = pages.write_page([list("407"), ["5"]], look, np.random.default_rng(0))
    save(path, [image] * 900)
    return path, [box for row in rows for box in row]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Return a clip of "40" written in the air, then half a minute without a hand, and the boxes of the strokes.

    Something blue lies at the bottom.
    """
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    boxes = film(path, "40")
    frames = [cv2.rectangle(frame, (300, 300), (319, 319), BLUE, cv2.FILLED) for frame in read(path)]
    save(path, frames + [frames[-1]] * 900)
    return path, boxes


class Eyes:
    """Look at a window again and again till it shows what is expected."""

    def __init__(self, display, window: str, path):
        self._display, self._window, self._path = display, window, path

    def see(self, condition) -> np.ndarray:
        """Return the picture of the window as soon as a condition on it, BGR int, holds."""

        def look():
            image = self._display.screenshot(self._window, self._path)
            return image if image is not None and condition(image.astype(int)) else None

        return self._display.wait_for(lambda: None if (image := look()) is None else [image])[0]


def near(image: np.ndarray, colour: tuple, place: tuple[float, float], slack: int = 10) -> bool:
    """Tell whether there is a colour around a place x y."""
    x, y = map(round, place)
    around = image[max(0, y - slack) : y + slack, max(0, x - slack) : x + slack]
    return bool((np.abs(around - colour).max(-1) < 9).any())


def boxed(image: np.ndarray, box: tuple) -> bool:
    """Tell whether there is a line at each side of a box, green or orange, and none within."""
    x1, y1, x2, y2 = box
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    places = (x1, y), (x2, y), (x, y1), (x, y2)
    return any(
        all(near(image, colour, place) for place in places) and not near(image, colour, (x, y), 5)
        for colour in (canvas.GREEN, canvas.ORANGE)
    )


def has_dark_field(image: np.ndarray, part: tuple) -> bool:
    """Tell whether there are words on a dark field in a part of the picture."""
    return image[part].min(-1).max() > 200 and image[part].max(-1).min() < 90


def end(process: subprocess.Popen) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


KEYS, RATE = np.s_[2:90, 2:9], np.s_[:20, -60:]  # the left edge of the list of keys, and frames a second


def test_webcam(display, play, page, tmp_path):
    with camera_server.serve(page[0]) as address:
        process = play(WEBCAM, "--source", f"{address}/closes/1000000")
        window = display.window("digits")
        eyes = Eyes(display, window, tmp_path / "screen.png")
        eyes.see(lambda image: image[KEYS].max() < 90)  # a new window says what one can do
        image = eyes.see(lambda image: all(boxed(image, box) for box in page[1]) and image[KEYS].min() > 150)
        assert image.shape == (400, 600, 3)
        assert has_dark_field(image, RATE)
        display.press(window, "h")
        eyes.see(lambda image: image[KEYS].max() < 90)
        display.press(window, "s")
        display.wait_for((tmp_path / "output" / "camera-1.png").exists)
        display.press(window, "q")
        code, text, errors = end(process)
    assert (code, errors) == (0, "saved output/camera-1.png\n")
    assert text in ("", "407 / 5\n")  # once it has stayed for a second
    saved = cv2.imread(str(tmp_path / "output" / "camera-1.png")).astype(int)
    assert all(boxed(saved, box) for box in page[1])


def test_video(display, play, page, tmp_path):
    process = play(VIDEO, page[0], "--roi", 0, 0, 600, 190)
    window = display.window("page.avi - digits")
    eyes = Eyes(display, window, tmp_path / "screen.png")
    inside = [box for box in page[1] if box[3] < 190]
    image = eyes.see(lambda image: all(boxed(image, box) for box in inside)).astype(int)
    assert len(inside) == 3
    assert not any(boxed(image, box) for box in page[1] if box not in inside)
    assert near(image, (255, 255, 255), (300, 189), 2)  # where it looks
    display.press(window, "space")
    eyes.see(lambda image: has_dark_field(image, np.s_[:32, :160]))  # paused
    display.press(window, "alt+F4")
    code, text, errors = end(process)
    assert (code, errors) == (0, "")
    assert text.endswith(" s: 407\n")


def start_writing(display, play, clip, tmp_path, *more):
    """Start to write from a clip, wait until both digits are there; return the process, the window and eyes on it."""
    process = play(HAND, "--tracker", "marker", "--source", clip[0], "--number-pause", 1000, *more)
    window = display.window("clip.avi - write in the air")
    eyes = Eyes(display, window, tmp_path / "screen.png")
    eyes.see(lambda image: all(boxed(image, box) for box in clip[1]))
    return process, window, eyes


NUMBER, NOTE = np.s_[300:355, 8:60], np.s_[330:355, 8:100]


def test_a_number_is_shown_corrected_and_ended(display, play, clip, tmp_path):
    process, window, eyes = start_writing(display, play, clip, tmp_path)
    image = eyes.see(lambda image: has_dark_field(image, NUMBER)).astype(int)
    x1, y1, x2, y2 = clip[1][1]
    for place in ((x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2), ((x1 + x2) / 2, y2)):  # of the zero
        assert near(image, drawing.INK, place, 6)
    display.press(window, "7")
    corrected = np.s_[round(y1) - 24 : round(y1) - 5, round(x1) - 5 : round(x1) + 50]  # its label
    eyes.see(lambda shown: (np.abs(shown - image)[corrected].max(-1) > 99).any())
    display.press(window, "Return")
    eyes.see(lambda image: not any(boxed(image, box) for box in clip[1]) and has_dark_field(image, NOTE))
    display.press(window, "q")
    assert end(process) == (0, "47\n", "")
    assert (tmp_path / "output" / "numbers.txt").read_text() == "47\n"


def test_undo_clear_and_a_click_that_learns_a_colour(display, play, clip, tmp_path):
    process, window, eyes = start_writing(display, play, clip, tmp_path, "--text", "None")
    display.press(window, "u")
    eyes.see(lambda image: boxed(image, clip[1][0]) and not boxed(image, clip[1][1]))
    display.press(window, "c")
    eyes.see(lambda image: not any(boxed(image, box) for box in clip[1]))
    assert not near(eyes.see(lambda image: True).astype(int), drawing.INK, (310, 310))
    display.click(window, 310, 310)
    eyes.see(lambda image: near(image, drawing.INK, (310, 310)) and has_dark_field(image, NOTE))
    display.press(window, "Escape")
    assert end(process) == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["screen.png"]
