"""Training on objects as a user runs it, on shapes that the tests draw: the ladder, its files, kills, mistakes."""

import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from coloured_shapes import draw_dataset
from conftest import copy_project, script_environment

from recognition.models import store
from recognition.objects.classes import CIFAR10

SCRIPT = "cifar_recognition/train.py"
STEPS = ("dense", "conv", "conv_pool", "cnn", "fast")
SMALL = ("--epochs", "2", "--batch-size", "16", "--validation", "64", "--precision", "float32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Return a small dataset in the form in which Keras has CIFAR-10: labels in a column."""
    path = tmp_path_factory.mktemp("dataset") / "tiny.npz"
    (x_train, y_train), (x_test, y_test) = draw_dataset(224, 0), draw_dataset(60, 1)
    np.savez(path, x_train=x_train, y_train=y_train[:, None], x_test=x_test, y_test=y_test[:, None])
    return path


@pytest.fixture
def clone(tmp_path) -> Path:
    """Return a copy of the project as a clone has it, without datasets, and here without models too."""
    return copy_project(tmp_path / "clone", "cifar_recognition")


def start(clone: Path, dataset: Path, *arguments: str) -> subprocess.Popen:
    """Start training into models/ of a copy of the project."""
    command = [sys.executable, str(clone / SCRIPT), "--dataset", str(dataset), *SMALL, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen(command, cwd=clone.parent, env=script_environment(clone), **pipes)


def train(clone: Path, dataset: Path, *arguments: str) -> tuple[str, str]:
    """Train to the end; return what was printed to stdout and stderr."""
    with start(clone, dataset, *arguments) as process:
        stdout, stderr = process.communicate(timeout=900)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    return stdout, stderr


@pytest.fixture(scope="module")
def ladder(dataset, tmp_path_factory) -> tuple[Path, str, str]:
    """Return the copy of the project in which all five networks were trained, and what training printed."""
    clone = copy_project(tmp_path_factory.mktemp("trained") / "clone", "cifar_recognition")
    return clone, *train(clone, dataset, "--ladder")


def names_of(step: str) -> str:
    return "cifar10" if step == "fast" else f"cifar10_{step}"


def rows(table: str) -> list[list[str]]:
    return [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in table.splitlines()[2:]
        if line.startswith("|")
    ]


def test_the_ladder_is_a_table_and_a_picture(ladder):
    clone, stdout, _ = ladder
    table = rows(stdout)
    assert tuple(row[0] for row in table) == STEPS
    assert [row[3] for row in table] == ["2"] * 5
    parameters = {row[0]: int(row[2].replace(",", "")) for row in table}
    assert parameters["dense"] == 3072 * 512 + 512 + 512 * 10 + 10
    assert parameters["conv_pool"] == (27 * 32 + 32) + (288 * 64 + 64) + (576 * 64 + 64) + (16 * 64 * 10 + 10)
    for row in table:
        card = json.loads((clone / "models" / f"{names_of(row[0])}.json").read_text())
        assert row[5:] == [f"{card['measured'][key]:.2%}" for key in ("test_accuracy_plain", "test_accuracy")]
    assert (clone.parent / "output" / "ladder.png").read_bytes().startswith(b"\x89PNG")


def test_every_step_has_its_files_and_no_checkpoint_is_left(ladder):
    clone, _, _ = ladder
    suffixes = (".json", ".tflite", ".weights.h5", "_confusion.png", "_history.png")
    expected = {names_of(step) + suffix for step in STEPS for suffix in suffixes}
    assert {path.name for path in (clone / "models").iterdir()} == expected


def test_a_ladder_leaves_out_what_was_trained_with_the_same_settings(ladder, dataset):
    clone, stdout, _ = ladder
    before = {path: path.stat().st_mtime_ns for path in (clone / "models").iterdir()}
    again, stderr = train(clone, dataset, "--ladder")
    assert again == stdout
    assert stderr.count("trained with these settings before") == 5
    assert {path: path.stat().st_mtime_ns for path in (clone / "models").iterdir()} == before


def test_recipes_are_the_textbooks_for_all_but_the_last(ladder):
    clone, _, _ = ladder
    for step in STEPS:
        used = json.loads((clone / "models" / f"{names_of(step)}.json").read_text())["settings"]
        textbook = (used["schedule"], used["learning_rate"], used["mirror"], used["shift"], used["label_smoothing"])
        assert (textbook == ("constant", 0.001, False, 0, 0)) == (step != "fast")
        assert (used["epochs"], used["batch_size"], used["architecture"]) == (2, 16, step)  # what the user said holds


def test_card_describes_the_files_and_what_was_measured(ladder, dataset):
    clone, _, _ = ladder
    model = store.load("cifar10_dense", clone / "models")
    card = model.card
    with np.load(dataset) as archive:
        parts = [archive[name] for name in ("x_train", "y_train", "x_test", "y_test")]
    content = b"".join(part.tobytes() for part in parts)
    assert card["dataset"] == {"name": "tiny.npz", "sha256": hashlib.sha256(content).hexdigest()}
    assert tuple(card["class_names"]) == CIFAR10
    assert card["precision"] == "float32" and card["seconds"] > 0 and "keras" in card["versions"]
    images, labels = parts[2], parts[3][:, 0]
    plain, mirrored = model.predict(images), model.predict(np.flip(images, 2))
    assert card["measured"]["test_accuracy_plain"] == pytest.approx((plain.argmax(1) == labels).mean(), abs=1e-5)
    mean = (plain + mirrored) / 2
    assert card["measured"]["test_accuracy"] == pytest.approx((mean.argmax(1) == labels).mean(), abs=1e-5)
    assert card["measured"]["test_accuracy"] > 0.4  # a tenth would be guessing
    validation = parts[0][np.random.default_rng(0).permutation(224)[:64]]
    best = (model.predict(validation) + model.predict(np.flip(validation, 2))).max(1) / 2
    assert (best < card["threshold"]).mean() == pytest.approx(0.05, abs=0.02)  # so many are refused
    assert card["measured"]["test_refused"] == pytest.approx((mean.max(1) < card["threshold"]).mean(), abs=1e-5)


def weights(path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if hasattr(item, "shape") else None)
    return arrays


def test_killed_training_goes_on_to_the_same_weights(ladder, dataset, clone):
    folder = clone / "models"
    with start(clone, dataset) as process:
        deadline = time.monotonic() + 240
        while not (folder / "cifar10.checkpoint.json").exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    assert process.returncode not in (0, 1, 2)  # it was killed, neither finished nor failed
    stdout, stderr = train(clone, dataset)
    assert re.search(r"continuing after epoch [12] ", stderr) and "epoch 1/2" not in stderr
    assert re.fullmatch(r".*cifar10: \d+\.\d\d% of the test set \(\d+\.\d\d% without mirror images\), .* s\n", stdout)
    expected, found = weights(ladder[0] / "models" / "cifar10.weights.h5"), weights(folder / "cifar10.weights.h5")
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


def errors(done: subprocess.CompletedProcess) -> list[str]:
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--epochs", "0"], 2, "--epochs"),
        (["--shift", "17"], 2, "--shift"),
        (["--cutout", "33"], 2, "--cutout"),
        (["--refuse", "nan"], 2, "--refuse"),
        (["--name", "../cifar10"], 2, "../cifar10"),
        (["--dataset", "none.npz"], 1, "none.npz not found"),
        (["--dataset", "GRAY"], 1, "needs images uint8 (N, 32, 32, 3), has uint8 (2, 28, 28)"),
        (["--dataset", "TINY", "--validation", "224"], 2, "--validation"),
        (["--dataset", "TINY", "--validation", "64", "--batch-size", "100000"], 2, "--batch-size"),
        (["--dataset", "TINY", "--validation", "64", "--ladder", "--output", "file.txt"], 2, "file.txt"),
    ],
)
def test_mistakes_are_one_line(script, clone, dataset, tmp_path, arguments, code, named):
    (tmp_path / "file.txt").write_text("no folder")
    images, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    np.savez(tmp_path / "gray.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    names = {"TINY": str(dataset), "GRAY": "gray.npz"}
    done = script(SCRIPT, *(names.get(value, value) for value in arguments), root=clone)
    assert (len(errors(done)), done.returncode) == (1, code), done.stderr[-2000:]
    assert named in errors(done)[0]
    assert not (clone / "models").exists() or not list((clone / "models").iterdir())


def test_without_a_network_the_file_to_fetch_is_named(script, clone, tmp_path):
    where = {"https_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path / "keras"), "HOME": str(tmp_path)}
    done = script(SCRIPT, root=clone, no_proxy="", NO_PROXY="", HTTPS_PROXY=where["https_proxy"], **where)
    assert (len(errors(done)), done.returncode, done.stdout) == (1, 1, "")
    assert f"error: {clone / 'data' / 'cifar10.npz'} not found" in errors(done)[0]
    assert "cifar-10-python.tar.gz" in errors(done)[0] and str(tmp_path / "keras" / "datasets") in errors(done)[0]
    assert not list((clone / "data").glob("*.npz")) and not (clone / "models").exists()


def test_another_dataset_under_the_name_of_cifar10_is_refused_and_kept(script, clone, dataset):
    (clone / "data").mkdir(exist_ok=True)
    path = clone / "data" / "cifar10.npz"
    for content in (dataset.read_bytes(), dataset.read_bytes()[:1000]):
        path.write_bytes(content)
        done = script(SCRIPT, root=clone)
        assert (len(errors(done)), done.returncode) == (1, 1)
        assert str(path) in errors(done)[0]
        assert path.read_bytes() == content
