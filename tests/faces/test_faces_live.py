"""The video and webcam scripts of the faces: what they name, write and say."""

import csv
import json

import cv2
import numpy as np
import pytest
from test_digits_live import save_clip

from recognition.faces import drawing
from recognition.faces.gallery import Match
from recognition.faces.live import Seen
from recognition.media import canvas
from recognition.media.frames import read_image
from recognition.synthetic.portraits import draw_face, write_people

VIDEO, WEBCAM = "face_recognition/video.py", "face_recognition/webcam.py"
QUICK = ("--detector", "hog", "--recognizer", "dlib")  # need no download


@pytest.fixture
def people(tmp_path):
    """Return a folder of two drawn people."""
    return write_people(tmp_path / "people", 2, 2)


@pytest.fixture
def clip(tmp_path):
    """Return a clip: half a second of nobody, 1.5 seconds of person 0, half a second of a face upside down."""
    person = draw_face(0, photo=5)
    shots = [(np.full_like(person, 120), 15), (person, 45), (cv2.flip(person, 0), 15)]
    return save_clip(tmp_path / "clip.mp4", [image for image, count in shots for _ in range(count)])


def names(stdout):
    return [[face["name"] for face in json.loads(line)["faces"]] for line in stdout.splitlines()]


def test_a_video_is_annotated_and_its_people_are_listed(script, clip, people, tmp_path):
    done = script(VIDEO, clip, *QUICK, "--faces", people, "--timeline", "seen.csv", "--output", "named.mp4")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0.5-2.0 s: person 0\n"
    assert "saved named.mp4" in done.stderr
    capture = cv2.VideoCapture(str(tmp_path / "named.mp4"))
    assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)) == (75, 30)
    green = []
    while (frame := capture.read()[1]) is not None:
        green.append((np.abs(frame.astype(int) - canvas.GREEN).max(-1) < 30).sum() > 200)
    assert green == [False] * 15 + [True] * 45 + [False] * 15
    table = list(csv.reader((tmp_path / "seen.csv").open(encoding="utf-8")))
    assert table[1][:4] == ["person 0", "0.500", "2.000", "45"]
    assert len(table) == 2
    assert read_image(tmp_path / "seen.png").shape[1] > 1000


@pytest.mark.parametrize("name", [VIDEO, WEBCAM])
def test_json_is_one_object_a_frame(script, clip, people, tmp_path, name):
    source = [clip] if name == VIDEO else ["--source", clip]
    before = sorted(path.name for path in tmp_path.iterdir())
    done = script(name, *source, *QUICK, "--faces", people, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["frame"] for record in records] == list(range(75))
    found = names(done.stdout)
    assert found[:15] == [[]] * 15
    if name == VIDEO:  # names from the first frame on
        assert found[15:60] == [["person 0"]] * 45
    assert found[35:60] == [["person 0"]] * 25
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_where_nobody_is_enrolled_all_are_unknown_and_it_says_what_to_do(script, clip, tmp_path):
    done = script(WEBCAM, "--source", clip, *QUICK, "--faces", tmp_path, "--json")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert "face_recognition/enroll.py" in done.stderr
    assert names(done.stdout)[15:60] == [[None]] * 45
    assert '"distance": null' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([VIDEO, "nothing.mp4"], 1, "error: nothing.mp4: not found"),
        ([VIDEO, "CLIP", "--timeline", "seen.txt"], 2, "error: --timeline seen.txt"),
        ([VIDEO, "CLIP", "--output", "read.xyz"], 2, "error: read.xyz"),
        ([WEBCAM, "--source", "97"], 1, "error: camera 97"),
    ],
)
def test_mistakes_are_one_line(script, clip, people, arguments, code, message):
    arguments = [clip if argument == "CLIP" else argument for argument in arguments]
    done = script(*arguments, *QUICK, "--faces", people)
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_film_clip(script, face_video, tmp_path):
    """Two men are enrolled, one photo each; the audience is not."""
    for name in ("Lin-Manuel Miranda", "Alex Lacamoire"):
        (tmp_path / "people" / name).mkdir(parents=True)
        photo = face_video / f"{name.lower().replace(' ', '-')}.png"
        (tmp_path / "people" / name / "photo.png").write_bytes(photo.read_bytes())
    done = script(VIDEO, face_video / "short_hamilton_clip.mp4", "--faces", tmp_path / "people", "--json")
    assert done.returncode == 0, done.stderr
    found = names(done.stdout)
    assert len(found) == 275
    assert sum("Lin-Manuel Miranda" in shown for shown in found[82:211]) >= 125
    assert not any("Lin-Manuel Miranda" in shown for shown in found[20:82])
    assert not any(name for shown in found[211:] for name in shown)
    assert sum(len(shown) for shown in found) > 500


def test_faces_are_drawn_with_any_name_in_any_size():
    known, unknown = Match("Zoë 山田", 0.3, 0.9), Match(None, 0.8, 0.1)
    for size in ((48, 64), (480, 640), (2160, 3840)):
        frame = np.full((*size, 3), 90, np.uint8)
        box = tuple(int(share * side) for share, side in zip((0.3, 0.5, 0.6, 0.9), (size[1], size[0]) * 2, strict=True))
        drawing.draw_faces(frame, [Seen(box, known), Seen((-5, -5, size[1] // 5, size[0] // 5), unknown)])
        letters = np.argwhere(frame.min(-1) > 200)
        assert len(letters) > 30
        assert letters[:, 0].max() < box[1]  # above the box
        assert np.ptp(letters[:, 0]) >= max(9, 0.008 * size[0])
        assert (np.abs(frame.astype(int) - canvas.GREEN).max(-1) < 5).sum() > 100


@pytest.fixture
def labels(monkeypatch):
    """Return a function that draws faces (box, name) and returns where it put which label, x1 y1 x2 y2."""

    def draw_them(*faces):
        drawn = {}
        monkeypatch.setattr(drawing, "draw_label", lambda _, place, label, *rest: drawn.update({label: place}))
        frame = np.zeros((480, 640, 3), np.uint8)
        drawing.draw_faces(frame, [Seen(box, Match(name, 0.3, 0.9 if name else 0.1)) for box, name in faces])
        return drawn

    return draw_them


def test_unknown_faces_say_so_where_there_is_room(labels):
    unknown = ((100, 200, 200, 300), None)
    (x1, y1, x2, y2) = labels(unknown)["unknown"]
    assert x1 == 100 and 150 < y1 < y2 <= 200 and x2 < 200
    assert y2 - y1 < np.diff(labels((unknown[0], "Ada"))["Ada"][1::2])  # smaller than names
    assert 300 <= labels(unknown, ((100, 90, 200, 195), "Ada"))["unknown"][1] < 310  # below: above is a face
    around = [((100, 90, 200, 195), "Ada"), ((100, 305, 200, 400), "Bo"), ((100, 0, 200, 85), "Cy")]
    assert set(labels(unknown, *around)) == {"Ada", "Bo", "Cy"}


def test_names_of_neighbours_cover_neither_one_another_nor_a_face(labels):
    faces = [((100 + 40 * k, 200 + 4 * k, 140 + 40 * k, 280 + 4 * k), f"Name of person {k}") for k in range(3)]
    drawn = labels(*faces)
    boxes = [drawn[name] for _, name in faces]
    for k, one in enumerate(boxes):
        for other in boxes[:k] + [box for box, _ in faces]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert boxes[0][3] <= 200  # above its face, as every one that has room
    assert set(labels(*[(box, name) for box, name in faces * 2])) == set(drawn)  # no name is left out


def test_a_name_is_no_wider_than_its_face_while_it_can_be_read(monkeypatch):
    drawn = {}
    monkeypatch.setattr(drawing, "draw_label", lambda _, place, label, size, *rest: drawn.update({label: size}))
    frame = np.zeros((1080, 1920, 3), np.uint8)
    usual = canvas.letters(frame)
    faces = {"Ada": 300, "Ada Lovelace": 180, "Maximilian von Habsburg": 60}
    places = [(100, 300 * k + 100, 100 + width, 300 * k + 250) for k, width in enumerate(faces.values())]
    drawing.draw_faces(frame, [Seen(box, Match(name, 0.3, 0.9)) for box, name in zip(places, faces, strict=True)])
    assert drawn["Ada"] == usual
    assert drawn["Maximilian von Habsburg"] == round(0.45 * usual) < drawn["Ada Lovelace"] < usual
    wide, narrow = (canvas.text_size("Ada Lovelace", drawn["Ada Lovelace"] + more)[0] for more in (2, 0))
    assert narrow <= 184 < wide


def test_a_frame_lower_than_its_letters_is_drawn_on():
    drawing.draw_faces(frame := np.zeros((9, 9, 3), np.uint8), [Seen((1, 1, 8, 8), Match("Ada", 0.3, 0.9))])
    assert frame.any()
