"""enroll.py and people.py on drawn faces: folders that are not there, a missing descriptor, names, the webcam."""

import json
import os
from functools import partial

import camera_server
import cv2
import numpy as np
import pytest
from coloured_faces import Embedder
from test_digits_live import save_clip
from test_live_windows import Eyes, end

from recognition.faces import detection
from recognition.files import ROOT
from recognition.media import canvas
from recognition.people import enrolment
from recognition.people.database import People
from recognition.synthetic.portraits import draw_face, write_people

ENROLL, PEOPLE = "face_recognition/enroll.py", "face_recognition/people.py"
QUICK = ("--detector", "hog", "--recognizer", "dlib")  # need no download


class DrawnEmbedder(Embedder):
    """Takes the crops of the real ones."""

    size = 150


def enrolled(folder):
    return sorted(path.parent.name for path in folder.glob("*/*.*"))


def test_enrolling_looks_into_a_photo_once(tmp_path):
    database = People(tmp_path, detection.load_detector("hog"), DrawnEmbedder())
    photo = draw_face(0)
    enrolment.enroll_frame(database, "Ada", photo, database.detector.detect(photo))
    assert database.gallery().names == ["Ada"] and database.embedder.calls == 1
    lighter = np.clip(photo * 1.01, 0, 255).astype(np.uint8)
    with pytest.raises(enrolment.AlreadyThere):
        enrolment.enroll_frame(database, "Ada", lighter, database.detector.detect(lighter))
    assert database.embedder.calls == 2 and enrolled(tmp_path) == ["Ada"]
    # What is kept is the same as what is seen in it by the next program that looks
    kept = database.embeddings("Ada")
    for path in tmp_path.glob(".embeddings*"):
        path.unlink()
    again = People(tmp_path, detection.load_detector("hog"), DrawnEmbedder())
    assert np.array_equal(again.embeddings("Ada"), kept)


@pytest.mark.parametrize("name", ["face_recognition/predict_static.py", ENROLL, PEOPLE])
def test_looking_makes_no_folder(script, tmp_path, name):
    strip = tmp_path / "strip.png"
    cv2.imwrite(str(strip), np.zeros((1, 5000, 3), np.uint8))
    arguments = {PEOPLE: ["list"], ENROLL: ["Ada", strip]}.get(name, [strip, "--json"])
    done = script(name, *arguments, *QUICK, "--faces", "mistyped")
    if name == ENROLL:  # which may make it, but has nothing to put into it
        assert (done.returncode, done.stdout) == (1, f"{strip}: refused: no face found\n")
    else:
        assert done.returncode == 2
        assert done.stderr.startswith("error: --faces mistyped: no such folder") and done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["strip.png"]


def test_people_can_be_forgotten_without_the_descriptor(script, tmp_path):
    (tmp_path / "empty" / "face_recognition_models").mkdir(parents=True)
    (tmp_path / "empty" / "face_recognition_models" / "__init__.py").write_text("")  # and no models
    without = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "empty"), str(ROOT)])}
    base = write_people(tmp_path / "faces", 3, 2)

    def run(*arguments):
        return script(PEOPLE, *arguments, *QUICK, "--faces", base, "--json", **without)

    done = run("list")
    assert done.returncode == 1 and "pip install face_recognition_models" in done.stderr
    assert script(PEOPLE, "list", *QUICK, "--faces", base).returncode == 0  # which saw all photos
    assert run("list").stdout.count('"usable": 2') == 3
    assert json.loads(run("rename", "PERSON 0", "Zoe\u0301").stdout) == {"done": "rename", "names": ["person 0", "Zoé"]}
    assert json.loads(run("merge", "Person 1", "zoé").stdout) == {"done": "merge", "names": ["person 1", "Zoé"]}
    forgotten = {"done": "forget", "names": ["Zoé"], "networks": [], "photos": 4}
    assert json.loads(run("forget", "ZOÉ", "--yes").stdout) == forgotten
    assert enrolled(base) == ["person 2", "person 2"]
    assert script(PEOPLE, "rename", "PERSON 2", "Bo", *QUICK, "--faces", base).stdout == "person 2 is now called Bo\n"


@pytest.fixture
def play(on_screen):
    """Return a function that starts enroll.py on the virtual screen."""
    return partial(on_screen, ROOT / ENROLL)


def test_enter_enrolls_from_the_webcam_once(display, play, tmp_path):
    picture = cv2.copyMakeBorder(draw_face(0), 60, 60, 100, 100, 1)
    still = save_clip(tmp_path / "still.avi", [picture] * 20)
    canvas.draw_text(picture, "", "Enter takes the photo, q ends")

    def line(image):
        return image[-30:].max(-1) > 200

    def is_ready(image):
        green = (np.abs(image - canvas.GREEN).max(-1) < 9).sum() > 200
        return green and image.shape == picture.shape and np.mean(line(image) != line(picture)) < 0.001

    with camera_server.serve(still) as address:
        process = play("Ada", "--source", f"{address}/closes/1000000", *QUICK, "--faces", tmp_path / "new" / "faces")
        window = display.window("enrol Ada")
        eyes = Eyes(display, window, tmp_path / "screen.png")
        eyes.see(is_ready)
        assert enrolled(tmp_path / "new" / "faces") == []
        for _ in range(2):
            display.press(window, "Return")
            eyes.see(lambda image: np.mean(line(image) != line(picture)) > 0.002)  # the note
            eyes.see(is_ready)  # and after some seconds none
        display.press(window, "q")
        code, stdout, errors = end(process)
    assert (code, errors) == (0, "")
    first, second = stdout.splitlines()
    assert first.endswith(": enrolled as Ada") and ": already there" in second
    assert enrolled(tmp_path / "new" / "faces") == ["Ada"]
