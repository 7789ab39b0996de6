"""Own models know what is near their images: the cosine to the nearest, and what is far is none of these."""

import json

import numpy as np

from recognition.files import ROOT
from recognition.objects import classification
from recognition.objects.classes import NONE

EXTRACT, TRAIN = "cifar_recognition/extract_features.py", "cifar_recognition/train_transfer.py"
PREDICT = "cifar_recognition/predict_static.py"


def test_near_is_the_cosine_to_the_nearest_other_image_of_a_class():
    from recognition.training.transfer import head as object_head

    rng = np.random.default_rng(0)
    x = rng.random((30, 8)).astype(np.float32)
    known = np.arange(30) < 25  # the others show none of the classes
    references, near = object_head.nearest(x, known)
    roots = np.sqrt(x)
    cosines = roots @ roots.T / np.outer(np.linalg.norm(roots, axis=1), np.linalg.norm(roots, axis=1))
    np.fill_diagonal(cosines, 0)
    assert np.abs(near - cosines[:, :25].max(1)).max() < 1e-5
    assert np.abs(references - roots[:25] / np.linalg.norm(roots[:25], axis=1, keepdims=True)).max() < 1e-5


def test_what_is_far_from_all_images_is_none_of_these():
    told = {"middle": 0.8, "width": 0.02}
    near = np.array([0.9, 0.8, 0.5])
    found, names = classification.with_near(np.full((3, 2), 0.5), near, told, ["a", "b"])
    assert names == ["a", "b", NONE]
    assert np.allclose(found[:, 2], 1 / (1 + np.exp((near - 0.8) / 0.02)))
    own, names = classification.with_near(np.tile([0.2, 0.8], (3, 1)), near, told, ["a", NONE])
    assert names == ["a", NONE] and np.allclose(own[:, 1], np.maximum(0.8, found[:, 2]))


def test_a_head_with_references_says_the_same_and_how_near_they_are():
    from recognition.networks import architectures
    from recognition.training.transfer import head as object_head

    rng = np.random.default_rng(0)
    model = architectures.ARCHITECTURES["head"](3, 8, 4, 0.5)
    model.set_weights([rng.random(weight.shape) for weight in model.get_weights()])
    x = rng.random((5, 8)).astype(np.float32)
    references, _ = object_head.nearest(rng.random((7, 8)).astype(np.float32), np.ones(7, bool))
    larger, shape = object_head.with_references(model, {"inputs": 8, "hidden": 4, "dropout": 0.5}, references)
    found = larger.predict(x, verbose=0)
    assert shape["references"] == 7
    assert np.allclose(found["probabilities"], model.predict(x, verbose=0), atol=1e-6)
    unit = np.sqrt(x) / np.linalg.norm(np.sqrt(x), axis=1, keepdims=True)
    assert np.abs(found["near"][:, 0] - (unit @ references.T).max(1)).max() < 1e-5


def test_the_default_backbone_names_own_things_and_refuses_others(script, tmp_path):
    sample = ROOT / "data" / "samples"
    place = ("--output", tmp_path)
    done = script(EXTRACT, sample / "fruit", *place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3840 numbers each by efficientnet_lite0" in done.stdout
    quick = ("--epochs", "4", "--folds", "2", "--json")
    done = script(TRAIN, "fruit", "--features", tmp_path, *place, *quick)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["baseline"] == 0.5 and measured["interval"][0] < measured["validation_accuracy"]
    photos = [sample / "banana.jpg", sample / "apple.jpg", *sorted((sample / "objects").glob("*.jpg"))]
    done = script(PREDICT, "--model", tmp_path / "fruit", "--json", *photos)
    assert (done.returncode, done.stderr) == (0, "")
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["top"][0]["label"] for one in seen[:2]] == ["banana", "apple"]
    assert [one["known"] for one in seen] == [True, True, False, False, False]
