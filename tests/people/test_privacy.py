"""Who can read what the scripts write: folders that hold faces are 0700, files 0600. As a user runs the scripts."""

import os
import shutil

import cv2
import numpy as np
import pytest

from recognition import files
from recognition.models import cards
from recognition.synthetic.portraits import draw_face, write_people

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
QUICK = ("--detector", "hog", "--recognizer", "dlib")


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder):
    """Return what in a folder, itself included, others may read or enter."""
    return [path.name for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077]


def test_the_database_is_closed_to_others(script, tmp_path):
    for person in range(2):
        cv2.imwrite(str(tmp_path / f"{person}.png"), draw_face(person))
    people = ("--faces", "deep/people", *QUICK)
    assert script("face_recognition/enroll.py", "Ada", "0.png", *people).returncode == 0
    assert open_to_others(tmp_path / "deep" / "people") == []
    (tmp_path / "old" / "Ada").mkdir(parents=True)  # as an earlier version made it
    assert script("face_recognition/enroll.py", "Ada", "0.png", "--faces", "old", *QUICK).returncode == 0
    assert open_to_others(tmp_path / "old") == []
    assert script("face_recognition/enroll.py", "Bob", "1.png", "--force", *people).returncode == 0
    for words in (["merge", "Bob", "Ada", "--force"], ["undo"], ["list", "--sheet", "sheet.png"]):
        done = script("face_recognition/people.py", *words, *people)
        assert done.returncode == 0, done.stderr
        assert open_to_others(tmp_path / "deep" / "people") == []
    assert sorted(path.name for path in (tmp_path / "deep" / "people").iterdir() if path.is_dir()) == ["Ada", "Bob"]
    assert open_to_others(tmp_path / "sheet.png") == []
    assert (tmp_path / "0.png").stat().st_mode & 0o077  # a photo of the user's own is as it was


def test_pictures_of_the_library_and_of_mistakes_are_closed_to_others(script, tmp_path):
    photos = write_people(tmp_path / "photos", 2, 3)
    library = ("face_recognition/library.py", "--library", "library.sqlite", "--faces", photos, *QUICK)
    assert script(*library, "add", "photos").returncode == 0
    done = script(*library, "find", "person 0", "--accept", "0.0000003", "--copy", "copies")
    assert done.returncode == 0 and open_to_others(tmp_path / "copies")[:1] != ["copies"], done.stderr
    (tmp_path / "nobody").mkdir()
    done = script(*library, "people", "--faces", "nobody", "--sheet", "groups.png")
    assert done.returncode == 0, done.stderr
    script("face_recognition/evaluate.py", photos, "--faces", tmp_path / "nobody", *QUICK, "--output", "out")
    shutil.copytree(photos / "person 0", tmp_path / "wrong" / "person 1")
    script("face_recognition/evaluate.py", "wrong", "--faces", photos, *QUICK, "--output", "out")
    assert (tmp_path / "out" / "wrong.png").exists()
    for name in ("library.sqlite", "groups.png", "out/wrong.png"):
        assert open_to_others(tmp_path / name) == []


def test_a_network_trained_on_faces_is_closed_to_others_and_stays_so(script, tmp_path):
    photos, output = write_people(tmp_path / "people", 2, 2), tmp_path / "models"
    quick = ("--faces", photos, "--detector", "hog", "--epochs", 1, "--views", 32, "--fill", 4, "--output", output)
    done = script("face_recognition/train.py", *quick)
    assert done.returncode == 0, done.stderr
    ends = (*cards.ENDINGS, "_confusion.png", "_history.png")
    assert {path.name for path in output.iterdir()} == {f"faces{end}" for end in ends}
    assert open_to_others(output) == []
    (output / "faces.tflite").unlink()
    cv2.imwrite(str(tmp_path / "photo.png"), draw_face(0))
    look = ("photo.png", "--faces", photos, "--detector", "hog", "--recognizer", "cnn", "--model", output / "faces")
    done = script("face_recognition/predict_static.py", *look)
    assert "rebuilding it once" in done.stderr, done.stderr
    assert open_to_others(output) == []


def test_a_file_for_the_user_alone_stays_so_when_it_is_replaced(tmp_path):
    for mode in (0o600, 0o644):
        path = tmp_path / f"{mode:o}"
        path.write_text("old")
        path.chmod(mode)
        files.write_atomically(path, lambda file: file.write_text("new"))
        assert path.read_text() == "new" and path.stat().st_mode & 0o777 == mode
    files.write_atomically(tmp_path / "new", lambda file: np.save(file, np.zeros(3)), ".npy", private=True)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600 and len(np.load(tmp_path / "new")) == 3
