"""Windows do what keys, clicks and the close button ask for, and show what was drawn; tried on a virtual screen."""

import subprocess
import time
from functools import partial

import cv2
import numpy as np
import pytest

# Shows frames that are numbered in their top left pixel; prints what the user did, and after how many frames
PLAYER = """
import sys
import time
import numpy as np
from recognition.media import sinks
from recognition.media.frames import Frame

class Source:
    source, live, fps = "some/clip.mp4", sys.argv[1] == "live", 20.0

image = np.full((500, 1600, 3), (60, 120, 180), np.uint8)
image[100:200, 800:1000] = (0, 0, 255)
with sinks.VideoSink(sys.argv[3] if len(sys.argv) > 3 else None, True, Source, {"u": "undo"}, "player") as sink:
    start = time.monotonic()
    for number in range(int(sys.argv[2])):
        frame = Frame("0", number, image.copy(), number / 20)
        frame.image[0, 0] = number % 256
        sink.write(frame)
        key = sink.show(frame)
        time.sleep(0.01 * Source.live)
        if key or sink.clicked:
            print(number, repr(key), sink.clicked, flush=True)
        if sink.quit:
            break
print("end", number, time.monotonic() - start, flush=True)
"""

PHOTOS = """
import numpy as np
from recognition.media import sinks
from recognition.media.frames import Frame

with sinks.FrameSink(None, True) as sink:
    for number in range(3):
        sink.show(Frame(f"{number}.jpg", 0, np.full((90, 600, 3), 80 * number, np.uint8)))
        print(number, sink.quit, flush=True)
        if sink.quit:
            break
"""

PHOTO = """
import sys
import numpy as np
from recognition.media import sinks
from recognition.media.frames import Frame

with sinks.FrameSink(None, True) as sink:
    window, key = sink._window, sink._window.key
    def tell(milliseconds):
        pressed = key(milliseconds)
        if window.clicked:
            print(window.clicked, flush=True)
        return pressed
    window.key = tell
    width, height = map(int, sys.argv[1:])
    sink.show(Frame("folder/ünï 数.jpg", 0, np.full((height, width, 3), (60, 120, 180), np.uint8)))
"""


@pytest.fixture
def play(on_screen):
    """Return a function that starts a program on the virtual screen."""
    return partial(on_screen, "-c")


def end(process: subprocess.Popen) -> list[str]:
    """Wait until the program ends by itself, without an error, and return the lines that it printed."""
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    return output.splitlines()


@pytest.mark.parametrize("key", ["q", "Escape", "alt+F4", "shift+q"])
def test_keys_and_close_button_quit(display, play, key):
    process = play(PLAYER, "live", "100000")
    display.press(display.window("player"), key)
    (line,) = end(process)
    assert line.startswith("end ")


def test_closing_keeps_the_video(display, play, tmp_path):
    process = play(PLAYER, "file", "100000", "out.avi")
    window = display.window("clip.mp4 - player")
    time.sleep(0.5)
    display.press(window, "alt+F4")
    number = int(end(process)[-1].split()[1])
    capture = cv2.VideoCapture(str(tmp_path / "out.avi"))
    assert number > 4
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == number + 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.avi"]


def test_the_script_gets_its_own_keys_and_arrows_are_no_letters(display, play):
    process = play(PLAYER, "live", "100000")
    window = display.window("player")
    for key in ("u", "Left", "F1", "BackSpace", "x"):  # the left arrow's code ends in that of Q
        display.press(window, key)
        time.sleep(0.1)
    display.press(window, "q")
    assert [line.split()[1] for line in end(process)[:-1]] == ["'u'", "'\\x08'", "'x'"]


def test_clicks_are_pixels_of_the_frame(display, play):
    process = play(PLAYER, "live", "100000")
    window = display.window("player")
    time.sleep(0.2)
    display.click(window, 150, 94)  # 1600 pixels are shown on 1200
    clicked = process.stdout.readline().split(maxsplit=2)[2]
    display.press(window, "q")
    end(process)
    assert np.abs(np.subtract(eval(clicked), (200, 125))).max() <= 1


def test_windows_fit_the_screen_and_can_be_resized(display, play, tmp_path):
    """A photo of 12 megapixels, upright, is shown whole; a larger window shows more of it, and clicks stay pixels."""
    process = play(PHOTO, "3000", "4000")
    window = display.window("ünï 数.jpg")
    screen = tmp_path / "screen.png"

    def shows(height: int, width: int) -> bool:
        image = display.screenshot(window, screen).astype(int)
        if image.shape != (height, width, 3):
            return False
        left, right = (width - round(height * 0.75)) // 2, (width + round(height * 0.75)) // 2
        picture, beside = image[40:, left + 2 : right - 2], image[40:, : max(0, left - 2)]
        return np.abs(picture - (60, 120, 180)).max() < 9 and not beside.any()

    display.wait_for(lambda: shows(640, 480))
    display.do("xdotool", "windowsize", "--sync", window, "1000", "1000")
    display.wait_for(lambda: shows(1000, 1000))
    display.click(window, 125 + 75, 500)
    assert process.stdout.readline() == "(300, 2000)\n"
    display.press(window, "q")
    end(process)


def test_small_pictures_have_windows_that_can_be_read_in(display, play, tmp_path):
    process = play(PHOTO, "40", "8")
    window = display.window("ünï 数.jpg")
    display.wait_for(
        lambda: (np.array(display.screenshot(window, tmp_path / "screen.png").shape) >= (60, 240, 3)).all()
    )
    display.press(window, "q")
    end(process)


def test_window_shows_the_frame_and_the_list_of_keys(display, play, tmp_path):
    process = play(PLAYER, "live", "100000")
    window = display.window("player")

    def shows(list_of_keys: bool) -> bool:
        image = display.screenshot(window, tmp_path / "screen.png").astype(int)
        background = np.abs(image[8:60, 2:6] - (60, 120, 180)).max() < 9
        square = np.abs(image[85:140, 610:740] - (0, 0, 255)).max() < 9
        return image.shape == (375, 1200, 3) and square and background != list_of_keys

    display.wait_for(lambda: shows(True))  # a new window says what one can do
    display.wait_for(lambda: shows(False))
    display.press(window, "h")
    display.wait_for(lambda: shows(True))
    display.press(window, "s")
    display.wait_for((tmp_path / "output" / "camera-1.png").exists)  # OpenCV keeps the last key only
    display.press(window, "h")
    display.wait_for(lambda: shows(False))
    display.press(window, "q")
    end(process)
    saved = cv2.imread(str(tmp_path / "output" / "camera-1.png"))
    assert (saved[1:90] == (60, 120, 180)).all()  # without the list


def test_space_pauses_and_other_keys_still_work(display, play, tmp_path):
    process = play(PLAYER, "live", "100000")
    window, folder = display.window("player"), tmp_path / "output"
    display.press(window, "space")
    for number in (1, 2):
        display.press(window, "s")
        display.wait_for((folder / f"camera-{number}.png").exists)
        time.sleep(0.3)
    display.press(window, "u")
    display.press(window, "space")
    number, key, _ = process.stdout.readline().split()
    assert key == "'u'"
    time.sleep(0.2)
    display.press(window, "s")
    display.wait_for((folder / "camera-3.png").exists)
    display.press(window, "space")
    display.press(window, "q")
    assert int(end(process)[-1].split()[1]) > int(number)
    first, second, third = (cv2.imread(str(folder / f"camera-{n}.png")) for n in (1, 2, 3))
    assert np.array_equal(first, second)
    assert first[0, 0, 0] == int(number) % 256
    assert (third[0, 0] != second[0, 0]).all()


def test_a_file_is_shown_at_its_own_speed_and_a_camera_as_it_comes(play):
    lasted = {kind: float(end(play(PLAYER, kind, "61"))[-1].split()[2]) for kind in ("file", "live")}
    assert lasted["file"] > 2.99  # 60 times 0.05 seconds
    assert lasted["live"] < lasted["file"]


def test_photos_wait_for_a_key(display, play, tmp_path):
    process = play(PHOTOS)
    display.press(display.window("0.jpg"), "Right")
    assert process.stdout.readline() == "0 False\n"
    display.press(display.window("1.jpg"), "s")
    display.wait_for((tmp_path / "output" / "1_read.png").exists)
    display.press(display.window("1.jpg"), "alt+F4")
    assert end(process) == ["1 True"]
