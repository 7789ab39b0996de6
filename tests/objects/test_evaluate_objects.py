"""The script that measures models of objects, compared with counting by hand; the network is one the test makes."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from coloured_shapes import draw_object
from conftest import copy_project

from recognition.evaluation import calibration
from recognition.models import litert, store
from recognition.objects.classes import CIFAR10
from recognition.objects.crops import crop_views

SCRIPT = "cifar_recognition/evaluate.py"


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Return a copy of the project with a model `cifar10` whose weights are chance."""
    from recognition.networks.backend import keras
    from recognition.networks.objects import conv

    clone = copy_project(tmp_path_factory.mktemp("evaluate") / "clone", "cifar_recognition")
    keras.utils.set_random_seed(0)
    model = conv(10)
    sharper = model.layers[-2]  # by chance alone all classes are equally probable
    sharper.set_weights([10 * sharper.get_weights()[0], sharper.get_weights()[1]])
    card = {"architecture": "conv", "class_names": [*CIFAR10], "threshold": 0.3, "measured": {}}
    for name in ("cifar10", "photos"):  # what photos are read with by default
        store.save(model, card, name, clone / "models")
    return clone


@pytest.fixture(scope="module")
def model(clone) -> litert.Model:
    return store.load("cifar10", clone / "models")


@pytest.fixture
def photos(tmp_path) -> Path:
    """Return a folder of photos of many sizes, 6 to 9 of each of four classes."""
    rng = np.random.default_rng(0)
    for kind in (2, 3, 5, 8):
        folder = tmp_path / "photos" / CIFAR10[kind]
        folder.mkdir(parents=True)
        for k in range(rng.integers(6, 10)):
            width, height = rng.integers(20, 150, 2).tolist()
            cv2.imwrite(str(folder / f"ü {k}.png"), draw_object(kind, rng, width, height)[..., ::-1])
    return tmp_path / "photos"


def errors(done: subprocess.CompletedProcess) -> list[str]:
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


def count_by_hand(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """Return accuracy, top_3, loss and calibration_error, counted one by one."""
    right, among, loss, bins = 0, 0, 0.0, {}
    for row, label in zip(probabilities.astype(float), labels, strict=True):
        right += max(row) == row[label]
        among += sum(value > row[label] for value in row) < 3
        loss -= np.log(row[label])
        bins.setdefault(min(int(max(row) * 15), 14), []).append((max(row), max(row) == row[label]))
    gaps = [abs(sum(sure for sure, _ in one) - sum(good for _, good in one)) for one in bins.values()]
    n = len(labels)
    return {"accuracy": right / n, "top_3": among / n, "loss": loss / n, "calibration_error": sum(gaps) / n}


def test_photos_are_measured_as_counted_by_hand(script, clone, model, photos, tmp_path):
    (photos / "bird" / "broken.jpg").write_text("no picture")
    done = script(SCRIPT, photos, "--json", "--output", "figures", root=clone)
    result = json.loads(done.stdout)
    assert done.returncode == 1 and len(errors(done)) == 1 and "broken.jpg" in errors(done)[0]
    assert result["failed"] == [str(photos / "bird" / "broken.jpg")]
    files = sorted(photos.glob("*/*.png"))
    labels = np.array([CIFAR10.index(path.parent.name) for path in files])
    frames = [cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) for path in files]
    probabilities = np.stack([model.predict(crop_views(frame, 32)).mean(0) for frame in frames])
    assert result["images"] == len(files)
    assert result["accuracy_without_mirror_images"] is None  # several crops, too: there is no such number
    for key, value in count_by_hand(probabilities, labels).items():
        assert result[key] == pytest.approx(value, abs=1e-5), key
    assert result["refused"] == pytest.approx((probabilities.max(1) < 0.3).mean())
    matrix = np.array(result["matrix"])
    assert matrix.sum() == len(files)
    for name, row in result["classes"].items():
        k = CIFAR10.index(name)
        assert row["count"] == (labels == k).sum() == matrix[k].sum()
        if row["count"]:
            assert row["recall"] == pytest.approx((probabilities[labels == k].argmax(1) == k).mean())
    wrong = [i for i in np.argsort(-probabilities.max(1), kind="stable") if probabilities[i].argmax() != labels[i]]
    assert result["most_confidently_wrong"] == [str(files[i]) for i in wrong][:50]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"confusion.png", "reliability.png", "wrong.png"}


def test_the_table_says_the_same(script, clone, photos):
    numbers = json.loads(script(SCRIPT, photos, "--json", root=clone).stdout)
    done = script(SCRIPT, photos, "--threshold", "1", root=clone)
    assert done.returncode == 0 and not errors(done)
    assert f"accuracy {numbers['accuracy']:.2%} (crops and mirror images averaged)" in done.stdout
    assert f"calibration error {numbers['calibration_error']:.2%}" in done.stdout
    assert 'refused as "none of these" 100.00%   accuracy where that counts as wrong 0.00%' in done.stdout
    assert "bird" in done.stdout and "horse" not in done.stdout  # classes of which there is no photo have no line
    assert done.stderr.startswith("figures: ")


def test_test_set_is_measured_with_and_without_mirror_images(script, clone, model, cifar10):
    (clone / "data").mkdir(exist_ok=True)
    if not (clone / "data" / "cifar10.npz").exists():
        shutil.copy(cifar10, clone / "data" / "cifar10.npz")
    done = script(SCRIPT, "--json", root=clone)
    result = json.loads(done.stdout)
    with np.load(cifar10) as archive:
        images, labels = archive["x_test"], archive["y_test"].ravel()
    plain, mirrored = model.predict(images), model.predict(np.ascontiguousarray(images[:, :, ::-1]))
    assert result["accuracy_without_mirror_images"] == pytest.approx((plain.argmax(1) == labels).mean())
    for key, value in count_by_hand((plain + mirrored) / 2, labels).items():
        assert result[key] == pytest.approx(value, abs=1e-4), key
    assert all(name.startswith("test[") for name in result["most_confidently_wrong"])


def test_mistakes_are_one_line(script, clone, photos, tmp_path):
    (tmp_path / "zoo" / "zebra").mkdir(parents=True)
    (tmp_path / "zoo" / "cat").mkdir()
    for kind in ("zebra", "cat"):
        cv2.imwrite(str(tmp_path / "zoo" / kind / "a.png"), np.zeros((40, 40, 3), np.uint8))
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "cat").mkdir(parents=True)
    cases = [
        (["zoo"], 2, ["zebra", "airplane", "truck"]),
        (["empty"], 2, ["empty: no images in subfolders"]),
        (["nowhere"], 2, ["nowhere", "cannot be listed"]),
        ([str(photos), "--model", "nosuch"], 1, ["nosuch.json not found"]),
        ([str(photos), "--threshold", "2"], 2, ["--threshold"]),
    ]
    for arguments, code, named in cases:
        done = script(SCRIPT, *arguments, root=clone)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
        assert done.stderr.startswith("error: ") and all(word in done.stderr for word in named), done.stderr
    (tmp_path / "hollow" / "cat" / "a.png").write_text("no picture")
    done = script(SCRIPT, "hollow", root=clone)
    assert done.returncode == 1 and len(errors(done)) == 2
    assert "no image of a class that can be used" in errors(done)[1]


def test_one_image_in_two_classes_is_left_out_and_a_folder_too_high_told(script, clone, photos):
    whole = json.loads(script(SCRIPT, photos, "--json", root=clone).stdout)
    twice = photos / "ship" / "twice.png"
    twice.write_bytes((photos / "bird" / "ü 0.png").read_bytes())
    done = script(SCRIPT, photos, "--json", root=clone)
    result = json.loads(done.stdout)
    assert (done.returncode, result["images"]) == (1, whole["images"] - 1)
    assert result["failed"] == [str(photos / "bird" / "ü 0.png"), str(twice)]
    assert f"{photos / 'bird' / 'ü 0.png'} and {twice}: one image in 2 classes" in done.stderr
    (photos.parent / "parts").mkdir()
    photos.rename(photos.parent / "parts" / "test")
    done = script(SCRIPT, photos.parent / "parts", root=clone)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert f"which are no classes: did you mean {photos.parent / 'parts' / 'test'}?" in done.stderr


def test_photos_of_nothing_are_to_be_refused_and_count_apart(script, clone, photos):
    alone = json.loads(script(SCRIPT, photos, "--json", "--threshold", "0", root=clone).stdout)
    assert alone["none_of_these"] is None and alone["accuracy_if_refusing_is_wrong"] == alone["accuracy"]
    (photos / "bird" / "more").mkdir()
    (photos / "bird" / "ü 0.png").rename(photos / "bird" / "more" / "ü 0.png")  # a folder in a class belongs to it
    (photos / "none of these").mkdir()
    for k, level in enumerate((0, 128, 255)):
        cv2.imwrite(str(photos / "none of these" / f"{k}.png"), np.full((40, 40, 3), level, np.uint8))
    for threshold, refused in ((0, 0), (1, 1)):
        result = json.loads(script(SCRIPT, photos, "--json", "--threshold", threshold, root=clone).stdout)
        assert result["none_of_these"] == {"images": 3, "refused": refused}
        assert result["refused"] == refused
        assert result["accuracy_if_refusing_is_wrong"] == (0 if refused else result["accuracy"])
        for key in ("images", "accuracy", "matrix", "loss", "calibration_error"):
            assert result[key] == alone[key], key
    done = script(SCRIPT, photos, "--threshold", "1", root=clone)
    assert "of 3 images of nothing that the model knows 100.00% refused" in done.stdout


def test_reliability_by_hand():
    confidence = np.array([0.95, 0.97, 1.0, 0.99, 0.5, 0.5, 0.0])
    right = np.array([True, True, True, False, True, False, False])
    rows = calibration.reliability(confidence, right)
    assert rows == pytest.approx(np.array([[0, 0, 1], [0.5, 0.5, 2], [0.9775, 0.75, 4]]))
    assert calibration.error(confidence, right) == pytest.approx((4 * 0.2275 + 2 * 0 + 1 * 0) / 7)
    assert calibration.error(np.ones(3), np.ones(3, bool)) == 0


def test_the_best_power_undoes_what_made_probabilities_unsure():
    rng = np.random.default_rng(4)
    true = rng.dirichlet(np.full(5, 0.3), 4000).clip(1e-6)
    true /= true.sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in true])
    unsure = true**0.5 / (true**0.5).sum(1, keepdims=True)
    assert calibration.sharpen(unsure, 2) == pytest.approx(true)
    assert calibration.best_power(unsure[None], labels) == pytest.approx(2, rel=0.06)
    assert calibration.best_power(true[None], labels) == pytest.approx(1, rel=0.06)
