"""Faces cut out, and faces made unrecognisable, by the scripts as a user runs them, on drawn faces."""

import os

import cv2
import numpy as np
import pytest

from recognition.faces import detection
from recognition.synthetic.portraits import draw_face, write_people

PHOTOS, VIDEO = "face_recognition/predict_static.py", "face_recognition/video.py"
QUICK = ("--detector", "hog", "--recognizer", "dlib", "--accept", "0.0000003")  # drawn people are much alike


@pytest.fixture
def people(tmp_path):
    """Return a folder of the drawn people 0 and 1, and write party.png: both and a stranger."""
    cv2.imwrite(str(tmp_path / "party.png"), np.hstack([draw_face(person, 7) for person in (1, 16, 0)]))
    return write_people(tmp_path / "people", 2, 2)


def found(image: np.ndarray) -> int:
    return len(detection.load_detector("hog").detect(image))


def test_faces_of_photos_are_cut_out_a_folder_a_person(script, people, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "party.png").write_bytes((tmp_path / "party.png").read_bytes())
    done = script(PHOTOS, "party.png", "more", "--faces", people, "--crops", "cut", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    cut = sorted((tmp_path / "cut").rglob("*.jpg"))
    names = [f"{name}/party{number}.jpg" for name in ("person 0", "person 1", "unknown") for number in ("-2", "")]
    assert [path.relative_to(tmp_path / "cut").as_posix() for path in cut] == names
    for path in cut:
        image = cv2.imread(str(path))
        assert found(image) == 1 and image.shape[1] < 500  # of one, not of the party
        assert os.name == "nt" or path.stat().st_mode & 0o077 == 0
    assert os.name == "nt" or (tmp_path / "cut").stat().st_mode & 0o077 == 0


def test_a_file_that_is_there_is_never_cut_out_over(script, people, tmp_path):
    photo = tmp_path / "all" / "person 0" / "party.jpg"
    photo.parent.mkdir(parents=True)
    cv2.imwrite(str(photo), cv2.imread(str(tmp_path / "party.png")))
    before = photo.read_bytes()
    for _ in range(2):  # the second time the same cut-outs
        assert script(PHOTOS, photo, "--faces", people, "--crops", "all", *QUICK).returncode == 0
        assert photo.read_bytes() == before
        names = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.jpg"))
        assert names == ["person 0/party-2.jpg", "person 0/party.jpg", "person 1/party.jpg", "unknown/party.jpg"]


@pytest.mark.parametrize(("blur", "left"), [("unknown", (True, False, True)), ("all", (False, False, False))])
def test_blurred_faces_are_gone_and_the_others_are_as_they_were(script, people, tmp_path, blur, left):
    done = script(PHOTOS, "party.png", "--faces", people, "--blur", blur, "--output", "out", *QUICK)
    assert done.stdout.startswith("party.png: person 1, unknown, person 0 ")
    before, after = cv2.imread(str(tmp_path / "party.png")), cv2.imread(str(tmp_path / "out" / "party_blurred.png"))
    for k, kept in enumerate(left):
        part = np.s_[60:180, 240 * k + 60 : 240 * k + 180]
        assert np.array_equal(before[part], after[part]) == kept
        assert found(after[:, 240 * k : 240 * k + 240]) == kept
        fine = [np.abs(np.diff(image[part].astype(int), axis=1)).mean() for image in (before, after)]
        assert kept or fine[1] < fine[0] / 3  # no detail is left


def test_the_best_view_of_everybody_in_a_video_is_cut_out_once(script, people, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (720, 240))
    for _ in range(20):
        writer.write(cv2.imread(str(tmp_path / "party.png")))
    writer.release()
    done = script(VIDEO, "film.avi", "--faces", people, "--crops", "cut", "--blur", "all", "--output", "o.avi", *QUICK)
    assert done.returncode == 0, done.stderr
    cut = sorted((tmp_path / "cut").rglob("*.jpg"))
    assert [path.parent.name for path in cut] == ["person 0", "person 1", "unknown"]
    assert all(found(cv2.imread(str(path))) == 1 and path.name.startswith("film ") for path in cut)
    video = cv2.VideoCapture(str(tmp_path / "o.avi"))
    frames = [video.read()[1] for _ in range(20)]
    assert all(found(frame) == 0 for frame in frames)


@pytest.mark.parametrize("name", [PHOTOS, VIDEO])
def test_nothing_is_cut_out_into_the_folder_of_people(script, people, tmp_path, name):
    cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64)).write(
        np.zeros((64, 64, 3), np.uint8)
    )
    source = "film.avi" if name == VIDEO else "party.png"
    done = script(name, source, "--faces", people, "--crops", people / "cut", *QUICK)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --crops ") and done.stderr.count("\n") == 1
    assert not (people / "cut").exists()
