"""SFace's descriptions compared with those of OpenCV's own FaceRecognizerSF; skipped where its file is not there."""

import sys

import cv2
import numpy as np
import pytest

from recognition import downloads
from recognition.embeddings import sface_conversion, sface_embedder
from recognition.faces import alignment
from recognition.faces.crops import crops_of
from recognition.faces.detection import Face
from recognition.faces.gallery import unit
from recognition.files import PUBLISHED
from recognition.settings import UserError, quiet
from recognition.synthetic.portraits import draw_face

FILE = PUBLISHED / sface_conversion.NETWORK.file
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="data/models has no SFace")


@pytest.fixture(scope="module")
def opencv():
    """Return OpenCV's own recognizer."""
    with quiet():
        return cv2.FaceRecognizerSF.create("onnx", np.fromfile(FILE, np.uint8), np.empty(0, np.uint8))


@pytest.fixture(scope="module", params=["LiteRT", "OpenCV"])
def embedder(request):
    """Return the embedder, run in each of the two ways."""
    found = sface_embedder.load_embedder()
    if request.param == "OpenCV":
        found.run = sface_embedder.opencv(FILE)
    return found


def photos() -> list[tuple[np.ndarray, Face]]:
    """Return drawn faces, turned, large and small, and noise, each with landmarks that err."""
    rng, found = np.random.default_rng(0), []
    middle = alignment.SFACE - alignment.SFACE.mean(0)
    for k in range(6):
        frame = draw_face(k) if k < 5 else rng.integers(0, 256, (240, 240, 3), np.uint8)
        angle, scale = rng.uniform(-0.6, 0.6), rng.uniform(0.8, 1.6)
        turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
        landmarks = (middle @ turn.T + (120, 130) + rng.normal(0, 2, (5, 2))).astype(np.float32).astype(float)
        found.append((frame, Face((60, 60, 180, 200), landmarks, 1.0)))
    return found


def row(face: Face) -> np.ndarray:
    """Return a face as OpenCV's detector gives it."""
    return np.array([[*face.box[:2], 120, 140, *face.landmarks.ravel(), 1]], np.float32)


def test_faces_are_aligned_as_opencv_does(opencv):
    for frame, face in photos():
        expected = opencv.alignCrop(frame, row(face))
        (found,) = crops_of(frame, [face], 112, None)
        assert np.ptp(expected) > 100
        assert np.abs(found.astype(int) - expected).max() <= 1  # where a value lies between two steps of gray
        assert (found != expected).mean() < 0.005


def test_large_faces_are_shrunk_before_not_thinned_out():
    small, size = draw_face(1), 240 * 5
    large = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC)
    striped = large.copy()
    striped[::2] = 0  # too fine to be seen at 112 pixels, other than as darkness
    face = photos()[1][1]
    big = Face(face.box, (face.landmarks + 0.5) * 5 - 0.5, 1.0)
    even, dark = (crops_of(image, [big], 112, None)[0].astype(int) for image in (large, striped))
    assert np.abs(even - crops_of(small, [face], 112, None)[0]).mean() < 4
    assert np.abs(dark - even / 2).mean() < 10  # else a half of the pixels differ by a half


def test_descriptions_are_those_of_opencv(opencv, embedder):
    expected = unit(np.concatenate([opencv.feature(opencv.alignCrop(frame, row(face))) for frame, face in photos()]))
    crops = np.concatenate([crops_of(frame, [face], 112, None) for frame, face in photos()])
    found = embedder.embed(crops)
    assert found.shape == (6, 128) and found.dtype == np.float32
    assert np.ptp(expected, 0).max() > 0.1  # else any constant would do
    assert np.abs(unit(found) - expected).max() < 1e-3
    same = unit(np.concatenate([opencv.feature(crop) for crop in crops]))
    assert np.abs(unit(found) - same).max() < 1e-5


def test_a_description_is_shorter_of_noise_and_mirrored_makes_no_difference(embedder):
    crops = np.concatenate([crops_of(frame, [face], 112, None) for frame, face in photos()])
    found = embedder.embed(crops)
    assert np.array_equal(found, embedder.embed(crops, mirrored=True))
    *drawn, noise = np.linalg.norm(found, axis=1)
    assert noise < min(drawn)


def test_a_batch_gives_what_its_faces_give_alone(embedder):
    crops = np.concatenate([crops_of(frame, [face], 112, None) for frame, face in photos()] * 4)[:19]
    alone = np.concatenate([embedder.embed(crop[None]) for crop in crops])
    assert np.abs(embedder.embed(crops) - alone).max() < 1e-5
    assert embedder.embed(crops[:0]).shape == (0, 128)


def test_opencv_never_gets_a_files_name(tmp_path):
    path = tmp_path / "数 é" / "any name"
    path.parent.mkdir()
    path.symlink_to(FILE)
    images = np.zeros((1, 112, 112, 3), np.uint8)
    assert np.array_equal(sface_embedder.opencv(path)(images), sface_embedder.opencv(FILE)(images))


@pytest.mark.parametrize("damage", ["cut", "altered", "other", "empty"])
def test_another_file_in_its_place_is_refused_in_one_line(tmp_path, damage):
    content = bytearray(FILE.read_bytes())
    content[len(content) // 2] ^= 1
    content = {"cut": content[:-100], "altered": content, "other": b"something else", "empty": b""}[damage]
    (tmp_path / sface_conversion.NETWORK.file).write_bytes(content)
    with pytest.raises(UserError, match="not the file expected") as error:
        sface_embedder.load_embedder(tmp_path)
    assert str(tmp_path / sface_conversion.NETWORK.file) in str(error.value) and "\n" not in str(error.value)


def test_what_cannot_be_fetched_is_named_with_a_way_out(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(downloads.urllib.request, "urlopen", unreachable)
    with pytest.raises(UserError, match=r"put the file from https://media\.githubusercontent\.com/\S+ there") as error:
        sface_embedder.load_embedder(tmp_path)
    assert str(error.value).endswith("--recognizer dlib") and "\n" not in str(error.value)


def test_without_tensorflow_opencv_is_used(tmp_path, monkeypatch, capsys):
    (tmp_path / sface_conversion.NETWORK.file).symlink_to(FILE)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    embedder = sface_embedder.load_embedder(tmp_path)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "pip install tensorflow" in said and "going on with OpenCV" in said
    assert embedder.embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 128)


def test_a_converted_network_needs_the_file_no_more(tmp_path):
    sface_embedder.load_embedder()
    for suffix in (".json", ".tflite"):
        (tmp_path / f"{sface_conversion.NETWORK.name}{suffix}").symlink_to(
            PUBLISHED / f"{sface_conversion.NETWORK.name}{suffix}"
        )
    crops = np.zeros((1, 112, 112, 3), np.uint8)
    assert np.array_equal(sface_embedder.SFace(tmp_path).embed(crops), sface_embedder.SFace().embed(crops))
