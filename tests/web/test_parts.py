"""What web.py of each part answers to other programs: the lines that predict_static.py --json prints, and actions."""

import json
import shutil
import time
import urllib.request
from types import SimpleNamespace
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
from web_program import Program, ask, error

from recognition.files import ROOT
from recognition.media import bounds
from recognition.web import app

SAMPLES = ROOT / "data" / "samples"


def lines_of(script, part: str, photos: list, *arguments: object) -> list[dict]:
    """Return what predict_static.py --json prints of photos, with the files' names as sources."""
    done = script(f"{part}/predict_static.py", *photos, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line | {"source": line["source"].replace("\\", "/").rpartition("/")[2]} for line in lines]


def read(program: Program, photo) -> dict:
    status, _, text = ask(program.port, f"/read?{urlencode({'name': photo.name})}", photo.read_bytes())
    assert status == 200, text
    return json.loads(text)


def act(program: Program, action: str, body: bytes = b"", **options) -> tuple:
    return ask(program.port, f"/{action}?{urlencode(options)}", body)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    with Program("digit_recognition", cwd=tmp_path_factory.mktemp("web"), port=8320) as program:
        yield program


def test_digits_are_those_of_the_script(digits, script):
    photos = sorted((SAMPLES / "digits").glob("*.jpg"))[:3]
    assert [read(digits, photo) for photo in photos] == lines_of(script, "digit_recognition", photos)


def test_what_the_network_sees_is_what_keras_computes(digits):
    """Of the digit 3 in "12 + 30 = 42"."""
    photo = SAMPLES / "digits" / "sums.jpg"
    (box,) = [digit["box"] for digit in read(digits, photo)["digits"] if digit["digit"] == 3]
    seen = json.loads(act(digits, "look", photo.read_bytes(), box=",".join(map(str, box)), layers=1)[2])
    assert len(seen["image"]) == len(seen["image"][0]) == 28
    assert seen["names"][seen["probabilities"].index(max(seen["probabilities"]))] == "3"

    from recognition.models.weights import load_weights
    from recognition.networks.backend import keras

    network = load_weights(ROOT / "models" / "digits.weights.h5", "compact", 12, "")
    layers = [layer for layer in network.layers if layer.name.startswith(("activation", "max_pooling"))]
    taps = keras.Model(network.input, [*(layer.output for layer in layers), network.output])
    *maps, probabilities = taps(np.array(seen["image"], np.float32)[None, ..., None])
    maps = [np.array(one)[0] for one in maps]
    before_pooling = [n for n, layer in enumerate(layers) if layer.name.startswith("activation")]
    assert len(before_pooling) == 5 and len(maps) == len(seen["layers"]) == 7
    assert np.allclose(seen["probabilities"], probabilities[0], atol=0.03)  # weights of the .tflite have 8 bits
    for layer, told, wanted in zip(layers, seen["layers"], maps, strict=True):
        found = np.array(told["maps"], float).transpose(1, 2, 0) / 255
        assert told["kind"] == ("convolution" if layer.name.startswith("activation") else "max-pooling")
        assert found.shape == wanted.shape
        assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_digit_of_a_photo_that_was_turned_is_looked_at_upright(digits, tmp_path, turns):
    photo = tmp_path / "turned.png"
    cv2.imwrite(str(photo), np.rot90(cv2.imread(str(SAMPLES / "digits" / "sums.jpg")), turns))
    told = read(digits, photo)
    assert told["rotated"] == 90 * turns and len(told["digits"]) == 12
    for digit in told["digits"]:
        box = ",".join(map(str, digit["box"]))
        seen = json.loads(act(digits, "look", photo.read_bytes(), box=box, rotated=told["rotated"])[2])
        assert seen["names"][np.argmax(seen["probabilities"])] == str(digit["digit"])


def test_a_box_that_is_none_is_told(digits):
    content = (SAMPLES / "digits" / "sums.jpg").read_bytes()
    assert error(act(digits, "look", content, box="1,2,3")) == (400, "box=1,2,3: four whole numbers, x1,y1,x2,y2")
    assert error(act(digits, "look", content, box="5000,1,5010,9"))[0] == 400
    assert error(act(digits, "look", content, box=f"{'9' * 400},1,2,3"))[0] == 400
    assert error(act(digits, "look", content, rotated="45")) == (400, "rotated=45: 0, 90, 180 or 270")
    for action in ("look", "drawing"):
        assert error(act(digits, action)) == (400, "no picture: send one")


@pytest.fixture
def faces(tmp_path):
    shutil.copytree(SAMPLES / "people" / "Ada", tmp_path / "faces" / "Ada")
    with Program("face_recognition", "--faces", tmp_path / "faces", cwd=tmp_path, port=8330) as program:
        yield program


def names(told: tuple) -> dict[str, int]:
    assert told[0] == 200, told[2]
    return {one["name"]: one["photos"] for one in json.loads(told[2])["people"]}


def test_faces_are_those_of_the_script_and_people_are_looked_after(faces, script, tmp_path):
    party, folder = SAMPLES / "party.jpg", tmp_path / "faces"
    line = read(faces, party)
    assert [line] == lines_of(script, "face_recognition", [party], "--faces", folder)
    assert sorted(one["name"] or "" for one in line["faces"]) == ["", "", "", "Ada"]
    assert names(act(faces, "people")) == {"Ada": len(list((folder / "Ada").iterdir()))}

    unknown = [one for one in line["faces"] if one["name"] is None]
    box = ",".join(map(str, unknown[0]["box"]))
    refused = error(act(faces, "enroll", party.read_bytes(), name="Ben", box=box))
    assert refused[0] == 400 and refused[1].startswith("consent=yes: ")
    assert not (folder / "Ben").exists()
    assert set(names(act(faces, "enroll", party.read_bytes(), name="Ben", box=box, consent="yes"))) == {"Ada", "Ben"}
    (photo,) = (folder / "Ben").iterdir()
    assert cv2.imread(str(photo)).shape[1] < cv2.imread(str(party)).shape[1]  # the part around the face
    told = {one["name"]: one["box"] for one in read(faces, party)["faces"] if one["name"]}
    assert set(told) == {"Ada", "Ben"} and told["Ben"] == unknown[0]["box"]

    status, headers, _ = ask_bytes(faces, "portrait", name="Ben")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert set(names(act(faces, "rename", name="Ben", new="Benjamin"))) == {"Ada", "Benjamin"}
    refused = error(act(faces, "merge", name="Benjamin", into="Ada"))
    assert refused[0] == 422 and "Benjamin and Ada look like two people" in refused[1]
    merged = names(act(faces, "merge", name="Benjamin", into="Ada", force="1"))
    assert merged == {"Ada": len(list((folder / "Ada").iterdir()))} and not (folder / "Benjamin").exists()
    act(faces, "enroll", party.read_bytes(), name="Benjamin", box=box, consent="yes", force="1")
    assert set(names(act(faces, "forget", name="benjamin"))) == {"Ada"}
    assert not (folder / "Benjamin").exists() and not (folder / "Ben").exists()
    assert sum(one["name"] is not None for one in read(faces, party)["faces"]) == 1


def ask_bytes(program: Program, action: str, body: bytes = b"", **options) -> tuple:
    with urllib.request.urlopen(f"http://127.0.0.1:{program.port}/{action}?{urlencode(options)}", body) as answer:
        return answer.status, answer.headers, answer.read()


def test_what_cannot_be_done_with_people_is_told_in_the_words_of_the_scripts(faces, tmp_path):
    party = (SAMPLES / "party.jpg").read_bytes()
    ada = next((tmp_path / "faces" / "Ada").iterdir()).read_bytes()
    for action, body, options, line in (
        ("enroll", party, {"name": "x"}, "4 faces and none stands out: cut the photo to one person"),
        ("enroll", ada, {"name": "../x"}, "the name '../x' begins with a dot: choose another one"),
        ("enroll", ada, {"name": "Unknown"}, "the name 'Unknown' is what strangers are called: choose another one"),
        ("enroll", ada, {"name": ""}, "the name '' is empty: choose another one"),
        ("enroll", ada, {"name": "Ada"}, "already there: another photo of the same person shows the same"),
        ("enroll", ada, {"name": "Eve"}, "looks like Ada (distance "),
        ("enroll", party, {"name": "x", "box": "0,0,3,3"}, "no face there"),
        ("enroll", party, {"name": "x", "box": "1227,65,1440,259"}, "no face there"),  # 3 pixels beside one
        ("enroll", b"", {"name": "x"}, "no picture"),
        ("rename", b"", {"name": "Ada", "new": "a/b"}, "the name 'a/b' has one of"),
        ("rename", b"", {"name": "Zoe", "new": "Ada"}, "nobody is called 'Zoe'"),
        ("merge", b"", {"name": "Ada", "into": "ada"}, "Ada cannot be merged into the same person"),
        ("forget", b"", {"name": ".."}, "nobody is called '..'"),
        ("portrait", b"", {"name": "../Ada"}, "nobody is called '../Ada'"),
    ):
        status, reason = error(act(faces, action, body, **options | {"consent": "yes"}))
        assert status in (400, 422) and reason.startswith(line), reason
    assert [path.name for path in (tmp_path / "faces").iterdir() if path.is_dir()] == ["Ada"]


@pytest.fixture
def objects(tmp_path):
    with Program("cifar_recognition", "--folder", tmp_path / "cups", cwd=tmp_path, port=8340) as program:
        yield program


def test_objects_are_those_of_the_script(objects, script):
    photos = sorted((SAMPLES / "objects").glob("*.jpg"))[:2]
    assert [read(objects, photo) for photo in photos] == lines_of(script, "cifar_recognition", photos)
    status, headers, content = ask_bytes(objects, "explain", photos[0].read_bytes())
    coloured, photo = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR), cv2.imread(str(photos[0]))
    assert (status, headers["content-type"], coloured.shape) == (200, "image/jpeg", photo.shape)
    assert np.ptp(coloured.astype(int), axis=2).mean() < np.ptp(photo.astype(int), axis=2).mean()  # gray, but for a few


def noise(seed: int) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), np.uint8)
    return cv2.imencode(".png", cv2.resize(picture, (640, 480)))[1].tobytes()


def test_own_classes_are_collected_undone_and_told_what_they_lack(objects, tmp_path):
    def state(action: str, body: bytes = b"", **options) -> dict:
        status, _, text = act(objects, action, body, **options)
        assert status == 200, text
        return json.loads(text)

    folder = tmp_path / "cups"
    assert state("own") == {"model": "cups", "classes": {}, "there": []}
    assert error(act(objects, "take", noise(0), name="cup")) == (400, "no classes yet: name two, begin?names=cat|dog")
    assert state("begin", names="cup|none of these")["classes"] == {"cup": 0, "none of these": 0}
    for seed in range(3):
        told = state("take", noise(seed), name="cup")
        time.sleep(0.15)  # eight a second at most
    assert told["classes"] == {"cup": 3, "none of these": 0} and not told["learned"]
    assert len(list((folder / "cup").iterdir())) == 3
    state("take", noise(2), name="cup")
    time.sleep(1.1)
    again = state("take", noise(2), name="cup")
    assert again["classes"]["cup"] == 3 and again["note"] == "it looks as before: move it, or the camera"
    lacks = state("train")
    assert lacks["note"] == "5 images of each class are needed: cup has 3, none of these has 0"
    assert not lacks["learned"] and not lacks["saving"]
    time.sleep(1.6)
    state("take", noise(9), name="none of these")
    assert state("undo")["classes"] == {"cup": 3, "none of these": 0}
    assert not (folder / "none of these").exists() and len(list((folder / "cup").iterdir())) == 3
    for names, line in {
        "cup": "only one class, cup: two at least",
        "cup|../x": "the name '../x' begins with a dot",
        "cup|CUP": "the class 'CUP' is named twice",
        "dog|cat": f"{folder} has images of cup, too",
    }.items():
        status, reason = error(act(objects, "begin", names=names))
        assert status == 400 and reason.startswith(line), reason
    assert error(act(objects, "take", b"", name="cup")) == (400, "no picture: send one")
    assert error(act(objects, "take", noise(1), name="hat")) == (400, "name=hat: one of cup, none of these")


def test_boxes_in_large_jpegs_are_told_and_taken_in_pixels_of_the_file(monkeypatch):
    """What a large JPEG is too large for is read at half its size."""
    monkeypatch.setattr(bounds, "MAX_PIXELS", 10_000)
    content = cv2.imencode(".jpg", np.full((100, 200, 3), 255, np.uint8))[1].tobytes()
    [frame] = app.pages_of("large.jpg", content)
    assert (frame.image.shape, frame.scale) == ((50, 100, 3), 2)
    assert app.box_of({"box": "20,40,60,80"}, frame.scale) == (10, 20, 30, 40)
    part = SimpleNamespace(read=lambda frame: "{}")
    assert app.read(part, "large.jpg", content) == ("{}\n", "200x100")
