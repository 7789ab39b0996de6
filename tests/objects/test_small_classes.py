"""Heads of few images, of many classes, and of classes too small to be measured."""

import json
import runpy

import cv2
import numpy as np
from conftest import write

from recognition.files import ROOT
from recognition.objects.classes import NONE

EXTRACT, TRAIN = "cifar_recognition/extract_features.py", "cifar_recognition/train_transfer.py"


def test_parts_of_the_cross_validation_and_weights():
    from recognition.training.transfer import head as object_head

    train = runpy.run_path(str(ROOT / TRAIN))
    labels = np.repeat([0, 1, 2], [20, 9, 1])
    pairs = train["parts"](train["Config"]("x"), labels)
    assert len(pairs) == 5
    assert sorted(np.concatenate([held_back for _, held_back in pairs])) == list(range(30))
    for kept, held_back in pairs:
        assert not set(kept) & set(held_back)
        assert (labels[held_back] == 0).sum() == 4
    weights = object_head.weights_of(labels, True)
    assert np.allclose([weights[labels == k].sum() for k in range(3)], 10)
    assert len(train["parts"](train["Config"]("x"), np.repeat([0, 1], 300))) == 1
    assert len(train["parts"](train["Config"]("x"), np.repeat(np.arange(300), 2))) == 5  # none could be held back


def make(folder, **counts: int):
    """Write drawn images, so many of each class, and return their folder."""
    for number, (name, count) in enumerate(counts.items()):
        (folder / name.replace("_", " ")).mkdir(parents=True)
        for k in range(count):
            image = write([[str(number)], ["7"]], seed=100 * number + k)
            cv2.imwrite(str(folder / name.replace("_", " ") / f"{k}.png"), image)
    return folder


def test_a_class_of_one_image_is_measured_or_said_not_to_be(script, tmp_path):
    folder, place = make(tmp_path / "cards", one=12, two=1), ("--output", tmp_path)
    assert script(EXTRACT, folder, "--backbone", "cifar10", *place).returncode == 0
    quick = ("cards", "--features", tmp_path, *place, "--epochs", "2", "--replace", "--json")
    done = script(TRAIN, *quick)
    assert done.returncode == 0 and "two: only 1 image: what is measured below" in done.stderr
    assert sum(one["count"] for one in json.loads(done.stdout)["per_class"]) == 13
    assert "too few images to measure" not in done.stderr
    done = script(TRAIN, *quick, "--folds", "0", "--batch-size", "99999999999")
    assert done.returncode == 0 and "two: too few images to measure with some of them: --folds 5" in done.stderr
    assert [one["count"] for one in json.loads(done.stdout)["per_class"]] == [2, 0]


def test_the_last_block_learns_from_one_image_of_a_class(script, tmp_path):
    folder, place = make(tmp_path / "cards", one=1, **{NONE.replace(" ", "_"): 3}), ("--output", tmp_path)
    assert script(EXTRACT, folder, *place).returncode == 0
    done = script(TRAIN, "cards", "--features", tmp_path, *place, "--epochs", "1", "--folds", "2", "--unfreeze")
    assert done.returncode == 0, done.stderr
