"""People told apart by SFace: the scripts as a user runs them, on drawn faces, and a database that serves two networks.

Skipped where SFace's file is not there.
"""

import json
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import copy_project, start_without_heavy_imports

from recognition.embeddings import dlib_embedder, sface_conversion, sface_embedder
from recognition.faces import detection
from recognition.files import PUBLISHED, ROOT
from recognition.people import enrolment
from recognition.people.database import INDEX, People
from recognition.synthetic.portraits import draw_face, write_people

FILE = PUBLISHED / sface_conversion.NETWORK.file
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="data/models has no SFace")
SFACE = ("--detector", "hog", "--recognizer", "sface")  # the detector needs no download
STRICT = "1e-12"  # share of strangers: drawn people are more alike than real ones
STRANGER = 16


@pytest.fixture
def people(tmp_path) -> Path:
    """Return a folder of the drawn people 0 to 3, two photos each."""
    return write_people(tmp_path / "people", 4, 2)


def test_who_is_enrolled_is_found_and_strangers_are_not(script, people, tmp_path):
    done = script("face_recognition/enroll.py", "--each", people, "--force", "--faces", tmp_path / "faces", *SFACE)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert [done.stdout.count(said) for said in (": enrolled as person ", ": already there")] == [4, 4]
    cv2.imwrite(str(tmp_path / "all.png"), np.hstack([draw_face(person, 7) for person in (3, 0, STRANGER, 2, 1)]))
    name = ("face_recognition/predict_static.py", "all.png", "--json", "--faces", tmp_path / "faces", *SFACE)
    done = script(*name, "--accept", STRICT)
    assert (done.returncode, done.stderr) == (0, "")
    found = sorted(json.loads(done.stdout)["faces"], key=lambda face: face["box"][0])
    assert [face["name"] for face in found] == ["person 3", "person 0", None, "person 2", "person 1"]
    assert all(face["distance"] < 0.5 for face in found if face["name"]) and found[2]["distance"] > 0.5
    again = script(*name, "--accept", STRICT)
    assert again.stdout == done.stdout
    done = script("face_recognition/people.py", "--json", "--faces", tmp_path / "faces", *SFACE)
    assert [json.loads(line)["usable"] for line in done.stdout.splitlines()] == [1] * 4
    more = (people, "--faces", tmp_path / "faces", "--accept", STRICT, "--json", "--no-show", *SFACE)
    result = json.loads(script("face_recognition/evaluate.py", *more).stdout)
    assert (result["photos"], result["found"]) == (8, 1.0)


def test_the_database_keeps_the_numbers_of_both_apart(people):
    detector, both = detection.load_detector("hog"), (dlib_embedder.LateEmbedder(), sface_embedder.SFace())
    found = [People(people, detector, embedder).embeddings("person 1") for embedder in both]
    assert [rows.shape for rows in found] == [(2, 128)] * 2
    for rows, embedder in zip(found, both, strict=True):
        described = SimpleNamespace(name=embedder.name, statistics=embedder.statistics)  # which describes no more
        again = People(people, detector, described)
        assert np.array_equal(again.embeddings("person 1"), rows)
        assert again.gallery().match(rows)[0].name == "person 1"
    assert np.abs(found[0] - found[1]).max() > 0.1
    People(people, detector, both[1]).forget("person 1")
    with sqlite3.connect(people / INDEX) as index:
        assert index.execute("SELECT COUNT(*), COUNT(DISTINCT way) FROM faces").fetchone() == (12, 2)
    assert People(people, detector, both[0]).names() == ["person 0", "person 2", "person 3"]


def test_a_copy_of_a_photo_shows_nothing_new_and_another_photo_does(tmp_path, lfw):
    database = People(tmp_path / "faces", detection.load_detector("auto"), sface_embedder.SFace(), may_be_new=True)
    first, second = (cv2.imread(str(path)) for path in sorted((lfw / "Abdullah_Gul").iterdir())[:2])
    copies = [cv2.resize(first, None, fx=0.7, fy=0.7), cv2.imdecode(cv2.imencode(".jpg", first, [1, 60])[1], 1)]
    enrolment.enroll_frame(database, "Gül", first, database.detector.detect(first))
    for copy in copies:
        with pytest.raises(enrolment.AlreadyThere):
            enrolment.enroll_frame(database, "Gül", copy, database.detector.detect(copy))
    enrolment.enroll_frame(database, "Gül", second, database.detector.detect(second))
    assert len(database.photos("Gül")) == 2


@pytest.mark.parametrize("name", ["predict_static.py", "enroll.py", "evaluate.py", "video.py", "webcam.py"])
def test_a_damaged_file_ends_each_script_in_one_line(script, people, tmp_path, name):
    clone = copy_project(tmp_path / "clone", "face_recognition")
    path = clone / "data" / "models" / FILE.name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    photo = next(people.glob("*/*"))
    cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64)).write(
        np.zeros((64, 64, 3), np.uint8)
    )
    arguments = {"enroll.py": ["Ada", photo], "evaluate.py": [people], "video.py": ["film.avi"]}.get(name, [photo])
    arguments = ["--source", "film.avi"] if name == "webcam.py" else arguments
    done = script(f"face_recognition/{name}", *arguments, "--faces", people, *SFACE, root=clone)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {path}: not the file expected (its hash differs): delete it to download it again\n"


def test_nothing_heavy_is_imported(people, tmp_path):
    shutil.copy(next(people.glob("*/*")), tmp_path / "a.png")
    arguments = (ROOT / "face_recognition" / "predict_static.py", "a.png", "--json", "--faces", people, *SFACE)
    _, lines = start_without_heavy_imports(*arguments, cwd=tmp_path)
    assert len(lines) == 1
