"""YuNet run by LiteRT compared with OpenCV's own FaceDetectorYN; skipped where its file is not there."""

import sys

import cv2
import numpy as np
import pytest

from recognition.detectors import yunet, yunet_conversion
from recognition.files import PUBLISHED
from recognition.synthetic.portraits import draw_face

FILE = PUBLISHED / yunet_conversion.NETWORK.file
needs_file = pytest.mark.skipif(not FILE.exists(), reason="data/models has no YuNet")


def frames() -> list[np.ndarray]:
    """Return frames of sides that 32 does not divide, with none to six drawn faces of 30 to 400 pixels, and noise."""
    rng = np.random.default_rng(0)
    found = [np.full((77, 501, 3), 90, np.uint8), rng.integers(0, 256, (190, 333, 3), np.uint8)]
    for k, size in enumerate((45, 90, 200, 560)):
        frame = np.full((599 - 10 * k, 801 + 7 * k, 3), 100 + 20 * k, np.uint8)
        for n in range(6 if size < 250 else 1):
            face = cv2.resize(draw_face(n), (size, size), interpolation=cv2.INTER_AREA)
            y, x = 10 + (n // 3) * 250, 5 + (n % 3) * 250
            frame[y : y + size, x : x + size] = face[: frame.shape[0] - y]
        found.append(frame)
    return found


@needs_file
def test_faces_are_those_of_opencv():
    ours, theirs = yunet.load(threads=1)(), yunet.opencv(FILE.read_bytes())
    counts = []
    for frame in frames():
        expected, found = theirs(frame), ours(frame)
        assert np.abs(found - expected[np.argsort(-expected[:, 14])]).max(initial=0) < 0.01  # pixels
        counts.append(len(found))
    assert counts[:2] == [0, 0] and min(counts[3:]) >= 1 and max(counts) == 6


def test_maps_mean_boxes_and_points_in_strides():
    maps = [np.full((8 // k, 12 // k, 16), -20, np.float32) for k in (1, 2, 4)]
    maps[1][2, 3] = [4, 3, 0.5, -0.25, np.log(2), np.log(3), *np.arange(10)]  # stride 16
    maps[1][2, 4] = [3, 3, -0.5, -0.25, np.log(2), np.log(3), *np.arange(10)]  # the same face, less surely
    maps[2][0, 0] = [0, 0.2, 0, 0, 0, 0, *np.zeros(10)]  # less than 0.6
    maps[0][7, 11] = [500, 500, np.nan, 0, 0, 0, *np.zeros(10)]
    ((*box, x0, y0, x1, _, _, _, _, _, _, y4, confidence),) = yunet.decode(maps)
    middle, size = np.array([3.5, 1.75]) * 16, np.array([2, 3]) * 16
    assert np.allclose(box, [*(middle - size / 2), *size])
    assert np.allclose([x0, y0, x1, y4], [3 * 16, 3 * 16, 5 * 16, 11 * 16])
    assert np.isclose(confidence, np.sqrt(1 / (1 + np.exp(-4)) / (1 + np.exp(-3))))
    assert yunet.decode([one * 0 - 20 for one in maps[:2]]).shape == (0, 15)


@needs_file
def test_where_it_cannot_be_converted_opencv_runs_it(tmp_path, monkeypatch, capsys):
    (tmp_path / FILE.name).write_bytes(FILE.read_bytes())
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    run = yunet.load(1, tmp_path)()
    assert len(run(frames()[3])) == 6
    assert "pip install tensorflow; going on with OpenCV" in capsys.readouterr().err


@needs_file
def test_a_damaged_conversion_is_made_again(tmp_path):
    (tmp_path / FILE.name).write_bytes(FILE.read_bytes())
    yunet_conversion.convert(tmp_path / FILE.name, tmp_path)
    made = tmp_path / f"{yunet_conversion.NETWORK.name}.tflite"
    content = made.read_bytes()
    assert yunet_conversion.NETWORK.read(tmp_path) == content and len(content) < 300_000
    made.write_bytes(content[:-9])
    assert yunet_conversion.NETWORK.read(tmp_path) is None
    again = yunet_conversion.NETWORK.fetch(tmp_path / FILE.name, tmp_path)
    assert again == made.read_bytes() == yunet_conversion.NETWORK.read(tmp_path)
    assert len(again) == pytest.approx(len(content), abs=1000)  # Keras may call layers otherwise
