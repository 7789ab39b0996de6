"""Finding faces and bringing them upright, on drawn faces, and on real ones where they are there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import numpy as np
import pytest

from recognition import downloads
from recognition.detectors import yunet, yunet_conversion
from recognition.faces import alignment, detection, quality
from recognition.files import ROOT
from recognition.settings import UserError
from recognition.synthetic.portraits import draw_face

KINDS = ["hog", "cnn", *(["yunet"] if yunet_conversion.NETWORK.is_here() else [])]


@pytest.fixture(scope="module")
def detectors():
    return {name: detection.load_detector(name) for name in KINDS}


def place(frame_size: tuple[int, int], corners: list[tuple[int, int]], side: int) -> np.ndarray:
    """Return a gray frame (height, width) with drawn faces whose pictures have these corners and this side."""
    frame = np.full((*frame_size, 3), 128, np.uint8)
    for person, (x, y) in enumerate(corners):
        frame[y : y + side, x : x + side] = cv2.resize(draw_face(person), (side, side), interpolation=cv2.INTER_AREA)
    return frame


@pytest.mark.parametrize("name", KINDS)
def test_every_detector_finds_the_face_and_its_landmarks(detectors, name):
    face = detectors[name].detect(draw_face(3))
    assert len(face) == 1
    face = face[0]
    x1, y1, x2, y2 = face.box
    assert 0 <= x1 < 120 < x2 <= 240
    assert y1 < 120 < y2
    left, right, nose, mouth_left, mouth_right = face.landmarks
    assert x1 < left[0] < nose[0] < right[0] < x2
    assert mouth_left[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1]) < y2
    assert 0 < face.confidence <= 1


@pytest.mark.parametrize("name", ["hog", *KINDS[2:]])
def test_several_faces_come_largest_first_and_none_comes_twice(detectors, name):
    frame = place((480, 900, 3)[:2], [(20, 20), (300, 20)], 240)
    frame[60:460, 500:900] = cv2.resize(draw_face(7), (400, 400))
    found = detectors[name].detect(frame)
    assert len(found) == 3
    assert found[0].box[0] > 450
    assert [face.size for face in found] == sorted((face.size for face in found), reverse=True)


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_yunet_finds_the_faces_of_a_photo_on_its_side(detectors, quarters):
    frame = place((360, 600), [(20, 20), (320, 90)], 240)
    expected = detectors["yunet"].detect(frame)
    turned = np.ascontiguousarray(np.rot90(frame, quarters))
    found = detectors["yunet"].detect(turned)
    assert len(found) == len(expected) == 2
    marked = np.zeros((*turned.shape[:2], 2), np.uint8)  # turned back by other means
    for face in found:
        x1, y1, x2, y2 = face.box
        marked[y1:y2, x1:x2, 0] = 1
    marked = np.rot90(marked, -quarters)
    for face in expected:
        x1, y1, x2, y2 = face.box
        assert marked[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2, 0].all()
        assert not marked[:, max(0, x1 - 12) : x1 - 2, 0].any() and not marked[y2 + 2 :, x1:x2, 0].any()
    crops = [
        alignment.align(image, sorted(faces, key=lambda one: one.size)[0].landmarks, 96)
        for image, faces in ((frame, expected), (turned, found))
    ]
    assert np.abs(crops[0].astype(int) - crops[1]).mean() < 3  # both stand upright


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
def test_yunet_sees_in_the_dark_and_nothing_where_nothing_is(detectors):
    dark = cv2.convertScaleAbs(place((480, 640), [(200, 100)], 240), alpha=0.05)
    assert dark.mean() < 8
    (face,) = detectors["yunet"].detect(dark)
    assert face.box[0] < 320 < face.box[2]
    noise = np.random.default_rng(0).normal(6, 3, (480, 640, 3))
    assert detectors["yunet"].detect(np.clip(noise, 0, 255).astype(np.uint8)) == []
    assert detectors["yunet"].detect(np.zeros((480, 640, 3), np.uint8)) == []


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
def test_yunet_finds_small_faces_large_ones_and_twenty_at_once(detectors):
    corners = [(40 + 240 * (k % 5), 30 + 200 * (k // 5)) for k in range(20)]
    assert len(detectors["yunet"].detect(place((840, 1280), corners, 120))) == 20
    assert len(detectors["yunet"].detect(place((480, 640), [(300, 200)], 60))) == 1  # a face of 40 pixels
    large = cv2.resize(draw_face(1), (3000, 3000))
    assert len(detectors["yunet"].detect(large)) == 1
    assert detectors["yunet"].detect(np.full((100, 100, 3), 128, np.uint8)) == []


@pytest.mark.parametrize("name", KINDS)
def test_frames_too_small_or_narrow_hold_no_face(detectors, name):
    for shape in ((6, 6), (8, 300), (300, 8), (1, 5000), (4000, 2), (1, 1)):
        assert detectors[name].detect(np.full((*shape, 3), 200, np.uint8)) == []


def test_a_similarity_is_recovered():
    source = np.array([(0, 0), (10, 0), (3, 8), (7, 20)], float)
    turn = 1.7 * np.array([(np.cos(0.4), -np.sin(0.4)), (np.sin(0.4), np.cos(0.4))])
    found = alignment.similarity(source, source @ turn.T + (5, -3))
    assert np.allclose(found, np.column_stack([turn, (5, -3)]))


@pytest.mark.parametrize("align", [alignment.align, alignment.align_precisely, alignment.align_as_sface])
@pytest.mark.parametrize("degrees", [0, 30, -75, 180])
def test_faces_come_out_upright_and_of_one_size_however_they_lie(align, degrees):
    photo = cv2.copyMakeBorder(draw_face(2), 100, 100, 100, 100, cv2.BORDER_REPLICATE)
    face = detection.load_detector("hog").detect(photo)[0]
    upright = align(photo, face.landmarks, 150).astype(int)
    turn = cv2.getRotationMatrix2D((220, 220), degrees, 0.8)
    turned = cv2.warpAffine(photo, turn, (440, 440), borderMode=cv2.BORDER_REPLICATE)
    crop = align(turned, face.landmarks @ turn[:, :2].T + turn[:, 2], 150)
    assert crop.shape == (150, 150, 3)
    assert crop.dtype == np.uint8
    assert np.abs(crop.astype(int) - upright)[20:130, 20:130].mean() < 12
    assert np.abs(crop[::-1].astype(int) - upright)[20:130, 20:130].mean() > 20  # upside down would differ


def test_the_eyes_are_where_the_template_has_them():
    photo = np.full((300, 300, 3), 255, np.uint8)
    landmarks = alignment.TEMPLATE * 120 + (90, 80)
    for x, y in landmarks:
        cv2.circle(photo, (round(x), round(y)), 4, (0, 0, 0), -1)
    crop = alignment.align(photo, landmarks, 150, 0.25)
    for x, y in (alignment.TEMPLATE + 0.25) / 1.5 * 150:
        assert crop[round(y), round(x)].max() < 80


def test_a_face_at_the_border_is_filled_up_with_black():
    photo = np.full((200, 200, 3), 255, np.uint8)
    crop = alignment.align(photo, alignment.TEMPLATE * 100 - (60, 20), 150, 0.25)
    assert crop[75, 5].max() == 0
    assert crop[75, 145].min() == 255


def test_auto_says_when_it_has_to_do_without_yunet(tmp_path, monkeypatch, capsys):
    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(yunet, "load", partial(yunet.load, folder=tmp_path))
    monkeypatch.setattr(downloads.urllib.request, "urlopen", unreachable)
    assert detection.load_detector("auto").name == "hog"
    assert "--detector hog" in capsys.readouterr().err
    with pytest.raises(UserError, match="not found and not downloaded"):
        detection.load_detector("yunet")


def test_another_file_in_yunets_place_is_not_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(yunet, "load", partial(yunet.load, folder=tmp_path))
    (tmp_path / yunet_conversion.NETWORK.file).write_bytes(b"something else")
    with pytest.raises(UserError, match="not the file expected"):
        detection.load_detector("yunet")


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
def test_thorough_looks_find_faces_of_16_pixels(detectors, lfw):
    quick, found = detection.load_detector("yunet", "quick"), [0, 0]
    for photo in sorted(lfw.glob("*/*_0001.jpg"))[:12]:
        frame = np.full((480, 640, 3), 110, np.uint8)
        frame[200:231, 300:331] = cv2.resize(cv2.imread(str(photo)), (31, 31), interpolation=cv2.INTER_AREA)
        for k, detector in enumerate((detectors["yunet"], quick)):
            found[k] += bool(detector.detect(frame))
    assert found[0] == 12
    assert found[1] < 12


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
def test_the_main_face_alone_is_the_same_and_small_ones_count_where_none_is_large(detectors, lfw):
    for photo in sorted(lfw.glob("*/*_0001.jpg"))[:20]:
        frame = cv2.imread(str(photo))
        one, other = (detection.main_face(frame, detectors["yunet"].detect(frame, main)) for main in (False, True))
        assert one.box == other.box and np.array_equal(one.landmarks, other.landmarks)
    frame[:] = 110
    frame[100:131, 100:131] = cv2.resize(cv2.imread(str(photo)), (31, 31), interpolation=cv2.INTER_AREA)
    assert len(detectors["yunet"].detect(frame, main=True)) == 1


@pytest.mark.parametrize("name", [kind for kind in KINDS if kind != "cnn"])
def test_several_threads_may_detect(detectors, lfw, name):
    frames = [cv2.imread(str(photo)) for photo in sorted(lfw.glob("*/*_0001.jpg"))[:24]]
    frames = [cv2.resize(frame, None, fx=0.8 + 0.02 * k, fy=0.8 + 0.02 * k) for k, frame in enumerate(frames)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(detectors[name].detect, frames))
    for frame, there in zip(frames, found, strict=True):
        assert [face.box for face in there] == [face.box for face in detectors[name].detect(frame)]


@pytest.mark.skipif("yunet" not in KINDS, reason="data/models has no YuNet")
def test_no_photo_of_orl_is_without_a_face(detectors, orl_faces):
    photos = sorted(orl_faces.glob("s*/1.pgm"))
    found = [detectors["yunet"].detect(cv2.imread(str(photo))) for photo in photos]
    assert len(photos) == 40
    assert all(len(people) == 1 for people in found)


def test_nothing_of_keras_is_imported():
    code = "import sys; from recognition.people import recognizers; print({'keras', 'tensorflow'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "set()\n", done.stderr


def test_small_and_blurred_faces_are_not_clear(lfw):
    photo = cv2.imread(str(sorted(lfw.glob("*/*_0001.jpg"))[0]))
    face = detection.load_detector("hog").detect(photo)[0]
    assert quality.is_clear(photo, face)
    eyes = np.linalg.norm(face.landmarks[1] - face.landmarks[0])
    assert not quality.is_clear(cv2.GaussianBlur(photo, (0, 0), 0.12 * eyes), face)
    assert quality.is_clear(cv2.GaussianBlur(photo, (0, 0), 0.03 * eyes), face)
    for size, clear in ((40, True), (20, False)):
        scale = size / face.size
        small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        box = tuple(round(scale * edge) for edge in face.box)
        assert quality.is_clear(small, detection.Face(box, face.landmarks * scale, 1.0)) is clear
