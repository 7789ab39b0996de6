"""What an accuracy is worth, compared with hand-worked cases; images in wrong folders are found."""

import csv
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from recognition.evaluation import copies, metrics, suspects
from recognition.files import sha256


def test_baseline_balanced_accuracy_and_interval():
    told = metrics.trust(np.array([[8, 2, 0], [5, 5, 0], [0, 0, 0]]))
    assert told["baseline"] == 0.5
    assert told["balanced_accuracy"] == pytest.approx((0.8 + 0.5) / 2)
    # Wilson's interval of 13 of 20, from a table
    assert told["interval"] == pytest.approx([0.4329, 0.8188], abs=2e-4)
    assert metrics.trust(np.array([[5, 0], [0, 0]]))["interval"][1] == 1


def test_an_accuracy_that_shows_nothing_is_told():
    assert "not shown to be better" in metrics.trust_text(metrics.trust(np.array([[8, 2], [5, 5]])))
    assert "not shown" not in metrics.trust_text(metrics.trust(np.array([[80, 20], [20, 80]])))
    assert "not shown to be better" in metrics.trust_text(metrics.trust(np.array([[95, 0], [5, 0]])))


def test_swapped_labels_are_suspects_and_shown(tmp_path, capsys):
    rng = np.random.default_rng(0)
    true = np.arange(40) % 2
    labels = true.copy()
    labels[[3, 8, 21]] = 1 - labels[[3, 8, 21]]
    read = np.where(np.arange(2) == true[:, None], 0.9, 0.1) + rng.uniform(-0.05, 0.05, (40, 2))
    read /= read.sum(1, keepdims=True)
    assert sorted(suspects.suspects(read, labels)) == [3, 8, 21]
    assert len(suspects.suspects(read, true)) == 0
    unsure = np.full((3, 4), 0.3) - 0.2 * np.eye(3, 4)  # another class is likelier than its own, but none is sure
    assert len(suspects.suspects(unsure, np.arange(3))) == 0

    for k in range(40):
        cv2.imwrite(str(tmp_path / f"{k}.png"), rng.integers(0, 256, (50, 60, 3), np.uint8))
    (tmp_path / "8.png").unlink()  # moved meanwhile
    content = SimpleNamespace(labels=labels, files=[f"{k}.png" for k in range(40)], folder=str(tmp_path))
    measured = np.array([k for k in range(40) if k != 21])  # the model was trained on that one
    output = tmp_path / "output"
    suspects.show_suspects(content, read, measured, ["cat, small", "dog"], output)
    rows = list(csv.reader((output / "suspects.csv").open(encoding="utf-8")))
    assert sorted(row[0] for row in rows[1:]) == ["3.png", "8.png"]
    assert rows[1][1:3] in (["cat, small", "dog"], ["dog", "cat, small"])
    assert cv2.imread(str(output / "suspects.png")) is not None
    assert "2 images look like another class" in capsys.readouterr().err

    suspects.show_suspects(content, read, np.flatnonzero(labels == true), ["cat", "dog"], output)
    assert list(output.iterdir()) == []  # those of before hold no more
    suspects.show_suspects(content, read, np.flatnonzero(labels == true), ["cat", "dog"], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def scene(seed: int) -> np.ndarray:
    """Return a picture of soft spots, BGR, as no other seed has it."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), np.uint8)
    return cv2.resize(small, (180, 140), interpolation=cv2.INTER_CUBIC)


def test_copies_are_found_saved_again_smaller_brighter_and_mirrored():
    images = [scene(seed) for seed in range(30)]
    again = cv2.imdecode(cv2.imencode(".jpg", images[3], [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
    images += [again, cv2.resize(images[7], (100, 80), interpolation=cv2.INTER_AREA), images[11][:, ::-1].copy()]
    images += [cv2.convertScaleAbs(images[20], alpha=0.8, beta=20)]
    found = copies.pairs(np.array([copies.look(image) for image in images]))
    assert sorted(map(tuple, found.tolist())) == [(3, 30), (7, 31), (11, 32), (20, 33)]


def test_nothing_is_measured_by_what_knows_its_copy(tmp_path, capsys):
    for k in range(20):
        cv2.imwrite(str(tmp_path / f"{k}.png"), scene(k))
    cv2.imwrite(str(tmp_path / "20.png"), scene(4)[:, ::-1])
    files = [f"{k}.png" for k in (*range(21), 99)]  # the last is not there

    def of_features(folder):
        hashes = [sha256((tmp_path / file).read_bytes()) if file != "99.png" else "" for file in files]
        return copies.of_features(SimpleNamespace(folder=str(folder), files=files, hashes=hashes), "extract again")

    found = of_features(tmp_path)
    assert found.tolist() == [[4, 20]]
    said = capsys.readouterr().err
    assert "2 images are near copies, such as 4.png and 20.png" in said
    assert f"{tmp_path}: 1 of 22 images changed, or are not there any more: extract again" in said
    split = [(np.arange(10), np.arange(10, 22)), (np.arange(10, 22), np.arange(10))]
    (first, held_back), (second, other) = copies.apart(split, found)
    assert first.tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9] and second.tolist() == [*range(10, 20), 21]
    assert held_back.tolist() == list(range(10, 22)) and other.tolist() == list(range(10))
    for k in range(20):
        cv2.imwrite(str(tmp_path / f"{k}.png"), scene(k // 2))
    assert len(of_features(tmp_path)) == 0  # all of one kind
    assert "look much like others" in capsys.readouterr().err
    assert len(of_features(tmp_path / "moved")) == 0
    assert "moved: 22 of 22 images changed, or are not there any more" in capsys.readouterr().err
