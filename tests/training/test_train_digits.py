"""Training as a user runs it, on digits that the tests write: files, kills, resuming, and mistakes in one line."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import copy_project, script_environment

from recognition.models import cards, store
from recognition.training import augment_digits

# Every training here runs in a copy of the project, so that none can write over the models of the real one.
SCRIPT = "digit_recognition/train.py"
SMALL = (
    *("--epochs", "3", "--no-digits", "64", "--written", "32", "--validation", "64"),
    *("--batch-size", "32", "--precision", "float32"),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Return a small dataset in MNIST's form."""
    path = tmp_path_factory.mktemp("dataset") / "tiny.npz"
    x_train, y_train = augment_digits.written_digits(640, np.random.default_rng(0))
    x_test, y_test = augment_digits.written_digits(100, np.random.default_rng(1))
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture
def clone(tmp_path) -> Path:
    """Return a copy of the project as a clone has it, without datasets, and here without models too."""
    return copy_project(tmp_path / "clone", "digit_recognition")


def start(clone: Path, dataset: Path, *more: str) -> subprocess.Popen:
    """Start training into models/ of a copy of the project."""
    return subprocess.Popen(
        [sys.executable, str(clone / SCRIPT), "--dataset", str(dataset), *SMALL, *more],
        cwd=clone.parent,
        env=script_environment(clone),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(clone: Path, dataset: Path, *more: str) -> tuple[str, str]:
    """Train to the end; return what was printed to stdout and stderr."""
    with start(clone, dataset, *more) as process:
        stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr
    return stdout, stderr


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory) -> tuple[Path, str, str]:
    """Return the folder of a model trained without interruption, and what training printed."""
    clone = copy_project(tmp_path_factory.mktemp("trained") / "clone", "digit_recognition")
    return clone / "models", *train(clone, dataset, "--verbose")


def weights(path: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if hasattr(item, "shape") else None)
    return arrays


def test_training_writes_the_model_its_card_and_its_figures(trained):
    folder, stdout, stderr = trained
    names = ["confusion.png", "history.png"]
    expected = ["digits.json", "digits.tflite", "digits.weights.h5", *(f"digits_{name}" for name in names)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(expected)  # and no checkpoint is left
    for name in names:
        assert (folder / f"digits_{name}").read_bytes().startswith(b"\x89PNG")
    assert len(stdout.splitlines()) == 1
    assert "Traceback" not in stderr
    for text in ("Total params", "validation", "epoch 1/3", "epoch 3/3", "val_accuracy"):
        assert text in stderr


def test_card_describes_the_files(trained, dataset):
    folder, _, _ = trained
    card = json.loads((folder / "digits.json").read_text())
    for suffix, digest in card["sha256"].items():
        assert hashlib.sha256((folder / f"digits.{suffix}").read_bytes()).hexdigest() == digest
    with np.load(dataset) as archive:
        content = b"".join(archive[name].tobytes() for name in ("x_train", "y_train", "x_test", "y_test"))
    assert card["dataset"] == {"name": "tiny.npz", "sha256": hashlib.sha256(content).hexdigest()}
    assert card["settings"]["epochs"] == 3
    assert card["seconds"] > 0
    assert {"keras", "tensorflow", "numpy", "python"} <= card["versions"].keys()


def test_saved_model_loads_and_reads_what_its_card_says(trained, dataset):
    folder, stdout, _ = trained
    model = store.load("digits", folder)
    with np.load(dataset) as archive:
        images, labels = archive["x_test"], archive["y_test"]
    right = (model.predict(images)[:, :10].argmax(1) == labels).mean()
    assert right == pytest.approx(model.card["measured"]["test_accuracy"], abs=1e-5)
    assert right > 0.5  # a tenth would be guessing
    assert f"{right:.2%} of the test set" in stdout


def test_killed_training_leaves_the_old_model_and_goes_on_to_the_same_weights(trained, dataset, clone):
    folder = clone / "models"
    folder.mkdir()
    old = {}
    for path in cards.MODELS.glob("digits.*"):
        old[path.name] = path.read_bytes()
        (folder / path.name).write_bytes(old[path.name])
    checkpoint = folder / "digits.checkpoint.json"
    with start(clone, dataset) as process:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    assert process.returncode not in (0, 1, 2)  # it was killed, neither finished nor failed
    assert checkpoint.exists()
    for name, content in old.items():
        assert (folder / name).read_bytes() == content
    store.load("digits", folder)

    _, stderr = train(clone, dataset)
    epoch = int(stderr.split("continuing after epoch ")[1].split()[0])
    assert 1 <= epoch <= 2
    assert "epoch 1/3" not in stderr
    assert "epoch 3/3" in stderr
    expected, found = weights(trained[0] / "digits.weights.h5"), weights(folder / "digits_new.weights.h5")
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    for name, content in old.items():  # it was measured on other data
        assert (folder / name).read_bytes() == content
    for text in ("models/digits has 99.", "on other data, mnist", "--model digits_new", "--replace"):
        assert text in stderr

    before = (folder / "digits_new.weights.h5").read_bytes()
    _, stderr = train(clone, dataset, "--epochs", "1")  # worse than that one
    assert "--model digits_new-2" in stderr
    assert (folder / "digits_new.weights.h5").read_bytes() == before
    train(clone, dataset)
    _, stderr = train(clone, dataset, "--replace")
    assert "epoch 3/3" not in stderr  # nothing has to be trained again for that
    for name, array in weights(folder / "digits.weights.h5").items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    card = store.load("digits", folder).card
    assert card["dataset"]["name"] == "tiny.npz"
    assert "replace" not in card["settings"]
    assert not list(folder.glob("*checkpoint*"))


def errors(done: subprocess.CompletedProcess) -> list[str]:
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


def test_no_dataset_and_no_network(script, clone, tmp_path):
    proxy = "http://127.0.0.1:9"  # nothing listens there
    where = {"https_proxy": proxy, "HTTPS_PROXY": proxy, "KERAS_HOME": str(tmp_path / "keras"), "HOME": str(tmp_path)}
    done = script(SCRIPT, root=clone, no_proxy="", NO_PROXY="", **where)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(errors(done)) == 1
    assert f"error: {clone / 'data' / 'mnist.npz'} not found" in errors(done)[0]
    assert "put mnist.npz from https://" in errors(done)[0]
    assert not (clone / "data").exists()
    assert not (clone / "models").exists()


def test_damaged_mnist_is_named_and_kept(script, clone):
    (clone / "data").mkdir()
    path = clone / "data" / "mnist.npz"
    images, labels = np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)
    for content in (b"PK\x03\x04 damaged", b"a text, and not a pickle", None):
        if content:
            path.write_bytes(content)
        else:  # another dataset
            np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
        before = path.read_bytes()
        done = script(SCRIPT, root=clone)
        assert done.returncode == 1
        assert len(errors(done)) == 1
        assert str(path) in errors(done)[0] and "allow_pickle" not in errors(done)[0]
        assert path.read_bytes() == before


def test_few_shapes_that_are_no_digit_need_no_several(dataset):
    images, labels = augment_digits.written_digits(100, np.random.default_rng(0))
    for shapes, several in ((2, 0), (3, 1)):
        _, classes = augment_digits.training_set(images, labels, None, 0, shapes, np.random.default_rng(0))
        assert [(classes == kind).sum() for kind in (augment_digits.NO_DIGIT, augment_digits.SEVERAL)] == [
            shapes,
            several,
        ]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["--epochs", "0"], 2, "--epochs"),
        (["--batch-size", "0"], 2, "--batch-size"),
        (["--learning-rate", "-1"], 2, "--learning-rate"),
        (["--dataset", "none.npz"], 1, "none.npz not found"),
        (["--dataset", "NINE"], 1, "nine.npz: needs all ten digits"),
        (["--dataset", "TINY", "--validation", "640"], 2, "--validation"),
        (["--dataset", "TINY", "--validation", "64", "--batch-size", "100000"], 2, "--batch-size"),
        (["--dataset", "TINY", "--validation", "64", "--extra", "nowhere"], 1, "nowhere"),
        (["--dataset", "TINY", "--validation", "64", "--output", "file.txt"], None, "file.txt"),
    ],
)
def test_mistakes_are_one_line(script, clone, dataset, tmp_path, arguments, code, named):
    (tmp_path / "file.txt").write_text("no folder")
    with np.load(dataset) as tiny:
        few = tiny["y_test"] < 9
        np.savez(tmp_path / "nine.npz", **dict(tiny) | {"x_test": tiny["x_test"][few], "y_test": tiny["y_test"][few]})
    small, places = ["--no-digits", "0", "--written", "0"], {"TINY": dataset, "NINE": tmp_path / "nine.npz"}
    done = script(SCRIPT, *small, *(str(places.get(value, value)) for value in arguments), root=clone)
    assert len(errors(done)) == 1, done.stderr[-2000:]
    assert named in errors(done)[0]
    assert done.returncode == code or (code is None and done.returncode in (1, 2))


def test_unknown_architecture_is_exit_code_2(script, clone):
    done = script(SCRIPT, "--architecture", "enormous", root=clone)
    assert done.returncode == 2
    assert "compact" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_of_pages_is_trained_and_read_with(clone, dataset, tmp_path):
    (clone / "data" / "lfw").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(clone / SCRIPT), "--dataset", str(dataset), "--architecture", "pages"]
    command += ["--pages", "6", "--steps", "2", "--epochs", "2", "--batch-size", "2", "--precision", "float32"]
    done = subprocess.run(command, env=script_environment(clone), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "% of the digits of made pages" in done.stdout
    card = cards.read_card("pages", clone / "models")
    assert (card["architecture"], card["dataset"]["pages"]) == ("pages", 6)
    assert set(card["measured"]) == {"test_accuracy", "false_per_page", "calibration_error"}
    model = store.load("pages", clone / "models")
    maps = model.run(np.zeros((96, 128), np.float32))
    assert maps.shape == (24, 32, len(card["class_names"]) + 5)
    assert np.array_equal(maps, model.run(np.zeros((96, 128), np.float32)))
    assert not list((clone / "models").glob("*checkpoint*"))
    pool = next((clone / "data" / "page_pool").glob("0-*"))
    assert sorted(path.name for path in pool.iterdir()) == ["0000-6.npy", "0000-6.npz"]


def test_training_goes_on_from_another_model(trained, clone, dataset):
    folder = trained[0]
    rate = ("--epochs", "1", "--learning-rate", "0")  # nothing is learned: the weights stay what they were
    stdout, _ = train(clone, dataset, "--start", str(folder / "digits"), *rate)
    before, after = (weights(path / "digits.weights.h5") for path in (folder, clone / "models"))
    kernels = [name for name in before if before[name].ndim == 4]
    assert kernels and all(np.array_equal(before[name], after[name]) for name in kernels)
    card, first = cards.read_card("digits", clone / "models"), cards.read_card("digits", folder)
    expected = {"model": str(folder / "digits"), "weights": first["sha256"]["weights.h5"], "seconds": first["seconds"]}
    assert card["start"] == expected and "models/digits" in stdout.replace("\\", "/")


@pytest.mark.parametrize(("model", "told"), [("nothing", "nothing.json not found"), ("pages", "does not fit")])
def test_a_model_that_cannot_be_begun_with_is_named_in_one_line(clone, dataset, model, told):
    with start(clone, dataset, "--start", str(cards.MODELS / model)) as process:
        stdout, stderr = process.communicate(timeout=240)
    *_, last = stderr.splitlines()
    assert (process.returncode, stdout) == (1, "") and last.startswith("error: ") and told in last
