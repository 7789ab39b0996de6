"""Features and heads as a user makes them, on drawn shapes of two colours: files, refusals, one line a mistake."""

import json
import shutil
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from conftest import copy_project

from recognition.files import ROOT
from recognition.models import cards, store
from recognition.objects import backbones, class_folders, features
from recognition.objects.classes import CIFAR10
from recognition.settings import UserError

EXTRACT, TRAIN = "cifar_recognition/extract_features.py", "cifar_recognition/train_transfer.py"
PREDICT = "cifar_recognition/predict_static.py"
SHORT = ("--epochs", "8", "--learning-rate", "0.03")
EACH = 12


def shape(kind: str, seed: int) -> np.ndarray:
    """Return a photo of a red ball or of a blue box, BGR."""
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 160, (72, 96, 3), np.uint8)
    x, y = map(int, rng.integers(36, 44, 2))
    if kind == "ball":
        cv2.circle(image, (x + 8, y - 4), 22, (30, 30, 220), -1)
    else:
        cv2.rectangle(image, (x - 14, y - 24), (x + 26, y + 18), (220, 60, 30), -1)
    return image


def draw(folder: Path, count: int = EACH) -> Path:
    for number, kind in enumerate(("ball", "box")):
        (folder / kind).mkdir(parents=True)
        for k in range(count):
            cv2.imwrite(str(folder / kind / f"{k:02}.png"), shape(kind, 1000 * number + k))
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Return a copy of the project with an untrained model cifar10: its numbers tell colours apart, too."""
    from recognition.networks import architectures
    from recognition.networks.backend import keras

    clone = copy_project(tmp_path_factory.mktemp("transfer") / "clone", "cifar_recognition")
    keras.utils.set_random_seed(0)
    card = {"architecture": "fast", "class_names": list(CIFAR10), "threshold": 0.0}
    network = architectures.ARCHITECTURES["fast"](10)
    for _ in range(20):  # batch normalisation has to see something: else the numbers vanish from layer to layer
        network(np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3)).astype(np.float32), training=True)
    store.save(network, card, "cifar10", clone / "models")
    return clone


@pytest.fixture
def run(script, clone):
    backbone = ("--backbone", "cifar10")  # the small one, which is quick
    return lambda name, *arguments: script(name, *arguments, *(backbone if name == EXTRACT else ()), root=clone)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return drawn photos among which something of everything is wrong."""
    folder = draw(tmp_path_factory.mktemp("photos") / "shapes")
    (folder / "ball" / "broken.jpg").write_bytes(b"no photo")
    (folder / "box" / "more").mkdir()
    cv2.imwrite(str(folder / "box" / "more" / "deep.png"), shape("box", 77))
    shutil.copy(folder / "ball" / "00.png", folder / "box" / "stray.png")
    shutil.copy(folder / "ball" / "01.png", folder / "ball" / "copy.png")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def extracted(clone, run, folder) -> Path:
    """Return the features of these photos, extracted once."""
    path = clone / "data" / "features" / "shapes.h5"
    if not path.exists():
        run(EXTRACT, folder)
    return path


def test_features_are_those_of_the_photos_and_what_cannot_be_used_is_named(clone, run, folder, extracted):
    before = features.read(extracted)
    done = run(EXTRACT, folder)
    assert done.returncode == 1  # some could not be used
    # Computed again is the image in two classes, which is not kept
    assert "24 images of 2 classes, 256 numbers each by cifar10, 1 computed now" in done.stdout
    lines = done.stderr.splitlines()
    assert "empty: no images in this class: left out" in lines
    assert any(line.startswith(f"error: {folder / 'ball' / 'broken.jpg'}: no image") for line in lines)
    assert "ball/copy.png: the same image is in its class already: used once" in lines
    assert "error: ball/00.png and box/stray.png: one image in 2 classes, used in none: keep one" in lines
    assert lines[-1] == "28 images, left out of them: 1 that cannot be read, 2 in more than one class"
    content = features.read(extracted)
    assert np.array_equal(content.features, before.features)
    assert content.class_names == ["ball", "box"]
    assert content.files == [f"ball/{k:02}.png" for k in range(1, EACH)] + [
        *(f"box/{k:02}.png" for k in range(EACH)),
        "box/more/deep.png",
    ]
    assert content.labels.tolist() == [0] * 11 + [1] * 13
    backbone = backbones.load("cifar10", folder=clone / "models")
    assert content.backbone == backbone.identity
    expected = backbone.features_of([backbone.crops(shape("ball", 3)), backbone.crops(shape("box", 77))])
    assert np.allclose(content.features[[2, -1]], expected, atol=0.05 * np.abs(expected).max())
    assert [path.name for path in extracted.parent.iterdir()] == ["shapes.h5"]


def test_only_new_and_changed_images_are_computed(run, tmp_path):
    folder = draw(tmp_path / "few", 3)
    output = ("--output", tmp_path / "features")
    assert "6 computed now" in run(EXTRACT, folder, *output).stdout
    cv2.imwrite(str(folder / "ball" / "new.png"), shape("ball", 50))
    cv2.imwrite(str(folder / "box" / "00.png"), shape("box", 51))
    (folder / "box" / "01.png").rename(folder / "box" / "renamed.png")
    done = run(EXTRACT, folder, *output)
    assert done.returncode == 0
    assert "7 images of 2 classes" in done.stdout
    assert ", 2 computed now" in done.stdout


def test_what_a_killed_run_computed_is_kept(clone, tmp_path, monkeypatch):
    folder = draw(tmp_path / "few", 3)
    classes = class_folders.scan(folder)
    backbone = backbones.load("cifar10", folder=clone / "models")
    monkeypatch.setattr(features, "SAVE", -1)
    path = tmp_path / "few.h5"
    features.Extraction(backbone, path).extract(folder, classes.files["ball"])
    assert not path.exists()
    second = features.Extraction(backbone, path)
    second.extract(folder, [*classes.files["ball"], *classes.files["box"]])
    assert second.computed == 3
    second.checkpoint.write_bytes(second.checkpoint.read_bytes()[:100])
    assert features.Extraction(backbone, path).rows == {}  # a damaged one costs no more than time


def test_an_image_without_any_feature_is_near_to_none():
    from recognition.networks.objects import head

    seen = head(2, inputs=8, hidden=0, dropout=0.0, references=3)(np.full((1, 8), -0.2, np.float32))
    assert abs(float(seen["near"][0, 0])) < 0.01
    assert np.allclose(seen["probabilities"], 0.5)


def test_head_is_trained_and_used(clone, run, extracted, folder, tmp_path):
    done = run(TRAIN, "shapes", *SHORT)
    assert done.returncode == 0, done.stderr
    assert "fold 5/5" in done.stderr
    assert "5-fold cross-validation" in done.stdout
    names = {path.name for path in (clone / "models").glob("shapes*")}
    assert names == {f"shapes{end}" for end in (".json", ".tflite", ".weights.h5", "_history.png", "_confusion.png")}
    card = cards.read_card("shapes", clone / "models")
    assert card["architecture"] == "head"
    assert card["class_names"] == ["ball", "box"]
    assert card["backbone"] == features.read(extracted).backbone
    assert card["measured"]["validation_accuracy"] > 0.9
    assert 0.5 <= card["threshold"] <= 1
    cv2.imwrite(str(tmp_path / "ball.png"), shape("ball", 500))
    cv2.imwrite(str(tmp_path / "box.png"), shape("box", 501))
    done = run(PREDICT, "--model", "shapes", "--json", tmp_path / "ball.png", tmp_path / "box.png")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    seen = [json.loads(line)["top"] for line in done.stdout.splitlines()]
    assert [top[0]["label"] for top in seen] == ["ball", "box"]
    assert [len(top) for top in seen] == [2, 2]
    done = run("cifar_recognition/evaluate.py", folder, "--model", "shapes", "--json")
    assert "one image in 2 classes: left out" in done.stderr
    assert "shapes was trained on 25 of these 26 images: they are left out" in done.stderr  # one cannot be read

    # The .tflite is made anew from the weights, and computes what the card's numbers describe
    before = store.load("shapes", clone / "models").predict(features.read(extracted).features)
    (clone / "models" / "shapes.tflite").write_bytes(b"damaged")
    after = store.load("shapes", clone / "models").predict(features.read(extracted).features)
    assert np.allclose(before, after, atol=1e-5)

    # A head for another version of its backbone is refused
    card["backbone"]["sha256"] = "0" * 64
    cards.write_card(card, "other", clone / "models")
    done = run(PREDICT, "--model", "other", "--json", tmp_path / "ball.png")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "another version of the backbone cifar10" in done.stderr


def copy(extracted: Path, change) -> str:
    path = extracted.with_name("damaged.h5")
    shutil.copy(extracted, path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(UserError) as caught:
        features.read(path)
    path.unlink()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def replace(name: str, value) -> callable:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = value

    return change


def test_damaged_and_foreign_features_are_refused(extracted):
    content = features.read(extracted)
    assert "3 features" in copy(extracted, replace("features", np.zeros((3, 4), np.float32)))
    assert "none of its 2 classes" in copy(extracted, replace("labels", content.labels + 1))
    assert "not finite" in copy(extracted, replace("features", content.features * np.nan))
    assert "no features file" in copy(extracted, lambda file: file.pop("hashes"))
    assert "no features file" in copy(extracted, lambda file: file.attrs.pop("backbone"))
    assert "refused" in copy(extracted, replace("features", h5py.ExternalLink(str(extracted), "/features")))
    assert "without images" in copy(extracted, replace("labels", content.labels * 0))

    def endless(file: h5py.File) -> None:  # a hundred terabytes that lie nowhere
        del file["features"]
        file.create_dataset("features", (10**11, 256), np.float32, chunks=(64, 256))

    assert " MB in 0.0 MB" in copy(extracted, endless)
    half = extracted.with_name("half.h5")
    half.write_bytes(extracted.read_bytes()[: extracted.stat().st_size // 2])
    with pytest.raises(UserError, match=r"half\.h5 is damaged"):
        features.read(half)
    half.unlink()


def refused(done, code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in ("error: ", *parts))


def test_mistakes_are_one_line(clone, run, extracted, folder, tmp_path):
    refused(run(TRAIN, "nothing"), 1, "nothing.h5 not found: run python cifar_recognition/extract_features.py")
    refused(run(TRAIN, "../shapes"), 2, "model name")
    refused(run(TRAIN, "cifar10"), 2, "another kind of model")
    refused(run(TRAIN, "imagenet"), 2, "choose another --name")
    refused(run(TRAIN, "shapes", "--folds", "1"), 2, "--folds 1")
    refused(run(TRAIN, "shapes", "--epochs", "0"), 2, "--epochs 0: must be at least 1")
    refused(run(TRAIN, "shapes", "--learning-rate", "inf"), 2, "--learning-rate inf: must be at least 0")
    refused(run(TRAIN, "shapes", "--hidden", "100000000"), 2, "--hidden 100000000: must be 0 to 10000")
    astray = run(TRAIN, "shapes", "--learning-rate", "1e30", "--folds", "2", "--output", tmp_path)
    assert astray.returncode == 1 and "lower --learning-rate 1e+30" in astray.stderr.splitlines()[-1]
    assert list(tmp_path.glob("shapes*")) == []
    refused(run(EXTRACT, tmp_path / "nowhere"), 2, "nowhere: cannot be listed")
    refused(run(EXTRACT, folder, "--size", "96"), 2, "--size 96: cifar10 sees 32")
    refused(run(EXTRACT, folder, "--name", "a/b"), 2, "model name 'a/b'")
    (tmp_path / "single" / "dog").mkdir(parents=True)
    shutil.copy(folder / "ball" / "02.png", tmp_path / "single" / "dog")
    refused(run(EXTRACT, tmp_path / "single"), 2, "only one class")
    (extracted.parent / "foreign.h5").write_bytes(b"something else")
    done = run(EXTRACT, folder, "--name", "foreign")
    assert done.returncode == 1
    assert "delete it, or choose another --name" in done.stderr.splitlines()[-1]
    assert (extracted.parent / "foreign.h5").read_bytes() == b"something else"
    shutil.copy(extracted, extracted.with_name("old.h5"))
    with h5py.File(extracted.with_name("old.h5"), "r+") as file:
        file.attrs["backbone_sha256"] = "0" * 64
    refused(run(TRAIN, "old"), 1, "old.h5 was made with another version of the backbone cifar10")


def test_the_head_that_is_saved_has_seen_all_images(monkeypatch):
    import runpy

    from recognition.networks.backend import keras
    from recognition.training.transfer import head as object_head

    train, seen, fit = runpy.run_path(str(ROOT / TRAIN)), [], keras.Model.fit

    def watched(model, x, *rest, **settings):
        seen.append(len(np.unique(x, axis=0)))
        return fit(model, x, *rest, **settings)

    monkeypatch.setattr(keras.Model, "fit", watched)
    config, x, y = train["Config"]("x", epochs=1, batch_size=10), np.eye(250, dtype=np.float32), np.arange(250) % 2
    object_head.learn(config, x, y, ["a", "b"], train["parts"](config, y))
    assert seen == [200] * 5 + [250]
