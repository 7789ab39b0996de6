"""Who may be enrolled, and enroll.py and people.py as a user runs them, on real photographs."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from coloured_faces import COLOURS, Detector, Embedder, picture
from conftest import script_environment

from recognition.faces import detection
from recognition.faces.gallery import Match
from recognition.faces.live import Seen
from recognition.files import ROOT
from recognition.media import frames
from recognition.people import embed_photos, enrolment
from recognition.settings import UserError

ENROLL, PEOPLE = "face_recognition/enroll.py", "face_recognition/people.py"


@pytest.fixture(scope="module")
def detector():
    return detection.load_detector("auto")


def photos_of(lfw, name):
    return sorted((lfw / name).iterdir())


def smeared(frame, length):
    """Return a frame as a camera moved sideways by so many pixels takes it."""
    return cv2.blur(frame, (length, 1))


def test_the_face_that_a_photo_is_of():
    detect = Detector().detect
    for squares, expected in (
        ([("red", 30, 30, 60)], "red"),
        ([("red", 30, 30, 60), ("blue", 0, 0, 20)], "red"),
        ([("red", 0, 30, 50), ("blue", 70, 30, 50)], None),  # two side by side
        ([("red", 15, 45, 28), ("blue", 46, 45, 28), ("green", 77, 45, 28)], None),  # a row of three
        ([("red", 0, 0, 30), ("blue", 40, 40, 40)], "blue"),
    ):
        frame = picture(*squares)
        face = detection.main_face(frame, detect(frame))
        colours = {tuple(frame[face.box[1] + 5, face.box[0] + 5])} if face else set()
        assert colours == ({tuple(picture((expected, 0, 0, 60))[30, 30])} if expected else set()), squares


@pytest.mark.parametrize(("other", "side"), [(("blue", 5, 75, 10), 75), (("blue", 70, 45, 50), 37), (None, 75)])
def test_what_is_cut_out_is_a_photo_of_that_face_and_of_no_other(other, side):
    detector, embedder = Detector(), Embedder()
    people = SimpleNamespace(
        embed_photos=lambda *words: embed_photos.embed_photos(words[0], detector, embedder, *words[1:])
    )
    frame = picture(("red", 40, 60, 25), *[other] * (other is not None))
    (face,) = [face for face in detector.detect(frame) if face.box[0] == 40]
    content, embedding = enrolment.part_around(people, frame, face)
    assert frames.read_image("part.png", content).shape[:2] == (side, side)
    red = embedder.embed(np.full((1, 16, 16, 3), COLOURS["red"], np.uint8))[0]
    assert np.allclose(embedding, red, atol=0.05)


def test_where_somebody_else_stands_out_nothing_is_cut_out():
    detector = Detector()
    people = SimpleNamespace(
        embed_photos=lambda *words: embed_photos.embed_photos(words[0], detector, Embedder(), *words[1:])
    )
    frame = picture(("red", 40, 60, 25), ("blue", 64, 50, 50))
    (face,) = [face for face in detector.detect(frame) if face.box[0] == 40]
    detector.detect = lambda frame, main: Detector().detect(frame)[:1]  # which does not see her beside him
    frame[60:85, 40:64] = 128
    with pytest.raises(UserError, match="another face stands out in the part around it"):
        enrolment.part_around(people, frame, face)


def test_almost_all_photos_of_lfw_and_all_of_orl_can_be_enrolled(lfw, orl_faces, detector):
    some = sorted(lfw.glob("*/*.jpg"))[7::18][:100], sorted(orl_faces.glob("*/*.pgm"))[::8]
    for paths, least in zip(some, (0.93, 1.0), strict=True):
        reasons = [enrolment.refusal(frame, detector.detect(frame)) for frame in map(frames.read_image, paths)]
        assert np.mean([reason is None for reason in reasons]) >= least, reasons


def test_photos_that_show_too_little_are_refused_with_the_reason(lfw, detector):
    paths = photos_of(lfw, "Abdullah_Gul")[:4]
    for path in paths:
        frame = frames.read_image(path)
        found = detector.detect(frame)
        assert enrolment.refusal(frame, found) is None, path
        for worse, reason in (
            (cv2.GaussianBlur(frame, (0, 0), 4), "blurred"),
            (smeared(frame, 21), "blurred"),
            (frame // 12, "dark"),
            (cv2.resize(frame, (90, 90), interpolation=cv2.INTER_AREA), "small"),
            (np.hstack([frame, frame[:, ::-1]]), "faces"),
            (np.full_like(frame, 127), "no face"),
        ):
            same = worse.shape == frame.shape and "face" not in reason
            assert reason in enrolment.refusal(worse, found if same else detector.detect(worse)), (path, reason)


def test_profiles_are_refused(face_video, detector):
    """In frames 20 to 50 of the clip the larger face is seen from the side."""
    capture = cv2.VideoCapture(str(face_video / "short_hamilton_clip.mp4"))
    film = [capture.read()[1] for _ in range(50)]
    seen = [(frame, detector.detect(frame)[:1]) for frame in film[20:42:3]]
    assert all(enrolment.refusal(frame, found) for frame, found in seen)
    assert sum("turned" in enrolment.refusal(frame, found) for frame, found in seen) >= len(seen) - 2


def test_photos_are_enrolled_or_refused_one_by_one(script, lfw, tmp_path):
    first, second, *rest = photos_of(lfw, "Abdullah_Gul")
    other = photos_of(lfw, "Adrien_Brody")[0]
    blurred, cut = tmp_path / "blurred.png", tmp_path / "cut.jpg"
    cv2.imwrite(str(blurred), cv2.GaussianBlur(cv2.imread(str(second)), (0, 0), 5))
    cut.write_bytes(first.read_bytes()[:2000])
    base = tmp_path / "faces"
    result = script(
        ENROLL, "Gül", first, blurred, cut, tmp_path / "nosuch.jpg", first, second, "--faces", base, "--json"
    )
    assert result.returncode == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    by_source = {line["source"]: line for line in lines}
    assert [line["enrolled"] for line in lines].count(True) == 2
    assert by_source[str(second)]["enrolled"] and by_source[str(second)]["reason"] is None
    assert Path(by_source[str(second)]["photo"]).read_bytes() == second.read_bytes()
    assert "blurred" in by_source[str(blurred)]["reason"]
    assert "already there" in by_source[str(first)]["reason"]  # the second time
    assert by_source[str(cut)]["reason"].startswith("damaged or cut short")
    assert by_source[str(tmp_path / "nosuch.jpg")]["reason"] == "not found"
    assert not any(by_source[str(path)]["enrolled"] for path in (blurred, cut, tmp_path / "nosuch.jpg"))
    assert [line["source"] for line in lines] == [
        *map(str, (first, blurred, cut, tmp_path / "nosuch.jpg", first, second))
    ]
    assert result.stderr == ""

    taken = script(ENROLL, "Brody", rest[0], other, "--faces", base)
    assert taken.returncode == 1
    refused, enrolled = taken.stdout.splitlines()
    assert "looks like Gül (distance 0." in refused and "--force" in refused
    assert enrolled == f"{other}: enrolled as Brody"
    forced = script(ENROLL, "Twin", rest[0], "--force", "--faces", base)
    assert forced.returncode == 0, forced.stdout

    listed = script(PEOPLE, "list", "--faces", base, "--json", "--sheet", "sheet.png")
    rows = {row["name"]: row for row in map(json.loads, listed.stdout.splitlines())}
    assert {name: (row["photos"], row["usable"]) for name, row in rows.items()} == {
        "Gül": (2, 2), "Brody": (1, 1), "Twin": (1, 1)
    }  # fmt: skip
    assert min(cv2.imread(str(tmp_path / "sheet.png")).shape[:2]) > 100


def test_a_folder_of_folders(script, lfw, tmp_path):
    people = tmp_path / "people"
    for name in ("Adrien_Brody", "Alejandro_Toledo"):
        (people / name).mkdir(parents=True)
        for path in photos_of(lfw, name)[:2]:
            shutil.copyfile(path, people / name / path.name)
    (people / "con").mkdir()
    shutil.copyfile(photos_of(lfw, "Abdullah_Gul")[0], people / "con" / "a.jpg")
    result = script(ENROLL, "--each", people, "--faces", tmp_path / "faces")
    assert result.returncode == 1
    assert result.stdout.count("enrolled as") == 4 and result.stdout.count("refused: the name 'con'") == 1
    names = sorted(path.name for path in (tmp_path / "faces").iterdir() if not path.name.startswith("."))
    assert names == ["Adrien_Brody", "Alejandro_Toledo"]

    shutil.rmtree(people / "con")
    shutil.copyfile(photos_of(lfw, "Alejandro_Toledo")[2], people / "Alejandro_Toledo" / "new.jpg")
    again = script(ENROLL, "--each", people, "--faces", tmp_path / "faces")
    assert again.returncode == 0 and "refused" not in again.stdout
    assert again.stdout.count(": already there") == 4 and again.stdout.count("new.jpg: enrolled as") == 1


def test_a_video_gives_some_different_frames(script, face_video, tmp_path):
    film, clip = cv2.VideoCapture(str(face_video / "short_hamilton_clip.mp4")), tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 29.97 / 4, (640, 360))
    for k in range(275):
        frame = film.read()[1]
        if k % 4 == 0:
            writer.write(frame)
    writer.release()
    result = script(ENROLL, "Lin", clip, "--photos", 3, "--faces", tmp_path / "faces")
    assert result.returncode == 0, result.stdout + result.stderr
    times = [float(line.split(" at ")[1].split(" s")[0]) for line in result.stdout.splitlines()]
    assert len(times) == 3 and min(np.diff(times)) >= 0.4
    # The one who looks into the camera, frames 82 to 210 at 29.97 a second, not the one seen from the side
    assert all(80 <= time * 29.97 <= 213 for time in times)  # times are told to a tenth
    detector = detection.load_detector("auto")
    for path in (tmp_path / "faces" / "Lin").iterdir():
        assert len(detector.detect(frames.read_image(path))) == 1


def test_people_are_renamed_merged_and_forgotten(script, lfw, tmp_path):
    base = tmp_path / "faces"
    for name in ("Adrien_Brody", "Alejandro_Toledo"):
        (base / name).mkdir(parents=True)
        shutil.copyfile(photos_of(lfw, name)[0], base / name / "a.jpg")
    assert script(PEOPLE, "rename", "Adrien_Brody", "Adrien", "--faces", base).returncode == 0
    unlike = script(PEOPLE, "merge", "Adrien", "Alejandro_Toledo", "--faces", base)
    assert (unlike.returncode, unlike.stderr.count("\n")) == (1, 1) and "look like two people" in unlike.stderr
    assert script(PEOPLE, "merge", "Adrien", "Alejandro_Toledo", "--force", "--faces", base).returncode == 0
    undone = script(PEOPLE, "undo", "--faces", base)
    assert undone.stdout == "Adrien has 1 photo of Alejandro_Toledo again\n"
    assert script(PEOPLE, "merge", "Adrien", "Alejandro_Toledo", "--force", "--faces", base).returncode == 0
    assert sorted(path.name for path in (base / "Alejandro_Toledo").iterdir()) == ["a-2.jpg", "a.jpg"]
    asked = script(PEOPLE, "forget", "Alejandro_Toledo", "--faces", base)
    assert asked.returncode == 2 and "--yes" in asked.stderr and (base / "Alejandro_Toledo").is_dir()
    assert script(PEOPLE, "forget", "Alejandro_Toledo", "--faces", base, "--yes").returncode == 0
    assert [path.name for path in base.iterdir() if not path.name.startswith(".")] == []
    for wrong in (("forget", "nobody", "--yes"), ("forget", "../faces", "--yes"), ("rename", "a", "b")):
        result = script(PEOPLE, *wrong, "--faces", base)
        assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no terminals for tests")
@pytest.mark.parametrize(("answer", "left"), [("n", ["Ada"]), ("y", [])])
def test_forgetting_asks_on_a_terminal(tmp_path, answer, left):
    import pty

    base = tmp_path / "faces"
    (base / "Ada").mkdir(parents=True)
    cv2.imwrite(str(base / "Ada" / "a.png"), np.zeros((60, 60, 3), np.uint8))
    terminal, end = pty.openpty()
    os.write(terminal, f"{answer}\n".encode())
    command = [sys.executable, str(ROOT / PEOPLE), "forget", "Ada", "--faces", str(base)]
    result = subprocess.run(command, stdin=end, capture_output=True, text=True, env=script_environment(), timeout=60)
    os.close(terminal)
    os.close(end)
    assert "Delete Ada and 1 photo for good? [y/N]" in result.stderr
    assert [path.name for path in base.iterdir() if not path.name.startswith(".")] == left


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the person"),
        (("Ada",), "--source 0"),
        (("Ada", "a.jpg", "--source", "0"), "--source 0"),
        (("../Ada", "a.jpg"), "the name"),
        (("Ada", "--each", "x"), "--each"),
        (("--each", "nosuch"), "nosuch"),
        (("--each", "."), "--each ."),  # nobody's folder in it
    ],
)
def test_wrong_usage_is_said_in_one_line(script, tmp_path, arguments, said):
    result = script(ENROLL, *arguments, "--faces", tmp_path / "faces")
    assert result.returncode == 2
    assert said in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "faces").exists()


def test_what_asks_for_a_name_is_not_drawn_into_what_is_recorded():
    """The frame is being encoded meanwhile."""

    class Sink:
        def ask(self, frame, question):
            self.shown = frame.image
            return ""

    webcam = runpy.run_path(str(ROOT / "face_recognition" / "webcam.py"))
    frame, face = (
        frames.Frame("0", 0, np.zeros((80, 80, 3), np.uint8), 0.0),
        detection.Face((10, 10, 60, 60), np.zeros((5, 2)), 1.0),
    )
    seen = [Seen(face.box, Match(None, 9.0, 0.0), face)]
    assert webcam["enroll_in_front"](sink := Sink(), frame, frame.image, seen, None, "") == "nobody was enrolled"
    assert sink.shown.any() and not frame.image.any()
