"""The script that tells one person from two, run as a user runs it, on drawn faces, and on real ones where there."""

import json

import cv2
import numpy as np
import pytest
from conftest import start_without_heavy_imports
from test_predict_faces import QUICK, STRANGER, STRICT

from recognition.files import ROOT
from recognition.synthetic.portraits import draw_face

SCRIPT = "face_recognition/verify.py"


@pytest.fixture
def photos(tmp_path):
    """Write a.png and b.png of one drawn person, c.png of another, nobody.png, blurred.png and both.png."""
    faces = {"a": draw_face(0), "b": draw_face(0, 7), "c": draw_face(STRANGER), "nobody": draw_face(0)[:60]}
    faces |= {"blurred": cv2.GaussianBlur(draw_face(0), None, 6), "both": np.hstack([draw_face(0), draw_face(1)])}
    for name, image in faces.items():
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
    return tmp_path


@pytest.mark.parametrize(("other", "answers"), [("b.png", ["one"]), ("c.png", ["two", "perhaps"])])
def test_one_person_and_two(script, photos, other, answers):
    done = script(SCRIPT, "a.png", other, "--accept", STRICT, *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] in answers and done.stdout.endswith("% sure)\n")
    told = script(SCRIPT, other, "a.png", "--accept", STRICT, "--json", *QUICK)
    line = json.loads(told.stdout)
    assert list(line) == ["photos", "answer", "confidence", "distance", "recognizer"]
    assert line["answer"] == done.stdout.partition(" (")[0]  # the order of the photos makes no difference
    assert line["photos"] == [other, "a.png"] and (line["confidence"] > 0.5) == (answers == ["one"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["a.png", "nobody.png"], 1, "error: nobody.png: no face found"),
        (["a.png", "both.png"], 1, "error: both.png: 2 faces and none stands out"),
        (["a.png", "nothing.png"], 1, "error: nothing.png: "),
        (["a.png", "blurred.png"], 1, "error: blurred.png: its face is too small or too blurred to be compared"),
        (["a.png", "b.png", "--accept", "0"], 2, "error: --accept 0.0: must be more than 0, at most 1"),
    ],
)
def test_mistakes_are_one_line(script, photos, arguments, code, told):
    done = script(SCRIPT, *arguments, *QUICK)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1


def test_nothing_heavy_is_imported(photos):
    start_without_heavy_imports(ROOT / SCRIPT, "a.png", "b.png", *QUICK, cwd=photos)


def test_real_people(script, lfw):
    """Two photos of a man, and one of another: as anybody would answer."""
    first, second = sorted((lfw / "Abdullah_Gul").iterdir())[:2]
    other = sorted((lfw / "Ben_Affleck").iterdir())[0]
    assert script(SCRIPT, first, second).stdout.startswith("one person (")
    assert script(SCRIPT, first, other).stdout.startswith("two people (")
