"""The window of the faces' webcam script: the key that enrolls, on a virtual screen."""

import shutil
import subprocess

import camera_server
import cv2
import numpy as np
import pytest
from conftest import script_environment
from test_digits_live import save_clip
from test_faces_live import QUICK, WEBCAM
from test_live_windows import Eyes, end, has_dark_field
from test_recognizers import write_cnn

from recognition.faces import detection
from recognition.files import ROOT
from recognition.media import canvas
from recognition.synthetic.portraits import draw_face

SAMPLES = ROOT / "data" / "samples"


@pytest.fixture
def play(on_screen, display):
    """Return a function that starts the webcam script, of a copy in `root` if wanted, on the virtual screen."""

    def start(*arguments, root=ROOT) -> subprocess.Popen:
        environment = script_environment(root, DISPLAY=display.environment["DISPLAY"])
        return on_screen(root / WEBCAM, *arguments, **environment)

    return start


def coloured(image, colour):
    return (np.abs(image - colour).max(-1) < 9).sum() > 200


ASKED = np.s_[2:50, 2:9]  # the left edge of the question


def test_the_unknown_face_in_front_is_enrolled_by_name(display, play, tmp_path):
    still = save_clip(tmp_path / "still.avi", [cv2.copyMakeBorder(draw_face(0), 60, 60, 100, 100, 1)] * 20)
    (tmp_path / "people").mkdir()
    with camera_server.serve(still) as address:
        process = play("--source", f"{address}/closes/1000000", *QUICK, "--faces", tmp_path / "people")
        window = display.window("faces")
        eyes = Eyes(display, window, tmp_path / "screen.png")
        eyes.see(lambda image: coloured(image, canvas.GRAY) and image[ASKED].max() > 90)  # the list of keys is gone
        display.press(window, "c")
        eyes.see(lambda image: image[ASKED].max() < 90 and coloured(image, canvas.ORANGE))
        for key in ("x", "Escape"):  # no: nobody
            display.press(window, key)
        eyes.see(lambda image: image[ASKED].max() > 90 and coloured(image, canvas.GRAY))
        assert not list((tmp_path / "people").glob("*/*.*"))
        display.press(window, "c")
        eyes.see(lambda image: image[ASKED].max() < 90)
        for key in ("q", "BackSpace", "z", "o", "ediaeresis", "space", "h", "Return"):
            display.press(window, key)
        eyes.see(lambda image: coloured(image, canvas.GREEN) and has_dark_field(image, np.s_[-30:-8, 8:60]))
        display.press(window, "q")
        code, stdout, errors = end(process)
    assert code == 0
    assert stdout in ("", "Zoë H\n")  # once she has stayed for a second
    assert errors.endswith("enrolled Zoë H: people.py rename changes the name\n")
    assert [path.parent.name for path in (tmp_path / "people").glob("*/*.*")] == ["Zoë H"]


def test_whoever_is_enrolled_is_told_to_be_unknown_to_the_cnn_still(display, play, tmp_path):
    for part in ("recognition", "face_recognition"):
        shutil.copytree(ROOT / part, tmp_path / "clone" / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "clone" / "data").mkdir()
    (tmp_path / "clone" / "data" / "models").symlink_to(ROOT / "data" / "models")
    write_cnn(tmp_path / "clone" / "models", detection.load_detector("hog"), threshold=1.0)  # names nobody
    for number, name in enumerate(("Ada", "Cleo")):  # whom Ben, beside Ada in the picture, resembles least
        shutil.copytree(SAMPLES / "people" / name, tmp_path / "people" / f"person {number}")
    ben = cv2.imread(str(SAMPLES / "party.jpg"))[:, 320:640]
    still = save_clip(tmp_path / "still.avi", [cv2.copyMakeBorder(ben, 60, 60, 100, 100, 1)] * 20)
    with camera_server.serve(still) as address:
        source = f"{address}/closes/1000000"
        process = play(
            "--source", source, *QUICK, "--faces", tmp_path / "people", "--recognizer", "cnn", root=tmp_path / "clone"
        )
        window = display.window("faces")
        eyes = Eyes(display, window, tmp_path / "screen.png")
        eyes.see(lambda image: coloured(image, canvas.GRAY) and image[ASKED].max() > 90)  # the list of keys is gone
        display.press(window, "c")
        eyes.see(lambda image: image[ASKED].max() < 90)
        for key in ("z", "o", "Return"):
            display.press(window, key)
        eyes.see(lambda image: has_dark_field(image, np.s_[-30:-8, 8:60]))
        display.press(window, "q")
        code, _, errors = end(process)
    assert code == 0
    assert "enrolled Zo: unknown to the cnn till you run python face_recognition/train.py\n" in errors
