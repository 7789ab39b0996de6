"""A copy of the shipped model to damage, and what the tests of it share."""

import shutil
from pathlib import Path

import pytest

from recognition.models import cards, store
from recognition.settings import UserError

FILES = ("digits.json", "digits.tflite", "digits.weights.h5")
TRAIN = "digit_recognition/train.py"


def copy_model(parent: Path) -> Path:
    """Return a folder with a copy of the shipped model."""
    (parent / "models").mkdir()
    for name in FILES:
        shutil.copy(cards.MODELS / name, parent / "models")
    return parent / "models"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refusal(folder: Path) -> str:
    """Return the line with which a model is refused; nothing in the folder may have changed by that."""
    before = contents(folder)
    with pytest.raises(UserError) as caught:
        store.load("digits", folder)
    assert contents(folder) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def untrained(classes: int):
    """Return a network of digits that nobody has trained."""
    from recognition.networks import digits

    return digits.compact(classes)
