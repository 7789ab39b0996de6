"""The shipped model keeps the accuracy that the README promises, on real data where that is there."""

import json

import numpy as np
import pytest
from test_digits import edit_distance

from recognition.digits import numbers, reader
from recognition.digits.scoring import only_digits
from recognition.files import ROOT
from recognition.media import frames
from recognition.training import datasets, labelled_digits


@pytest.fixture(scope="module")
def mnist_test(mnist, shipped) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of the ten digits for MNIST's test images, and their labels."""
    _, _, images, labels = datasets.load_mnist(mnist)
    return shipped.predict(images)[:, :10], labels


def test_mnist(mnist_test):
    probabilities, labels = mnist_test
    assert (probabilities.argmax(1) == labels).mean() >= 0.996


def test_few_digits_are_refused(mnist_test, shipped):
    probabilities, _ = mnist_test
    assert (probabilities.max(1) < shipped.card["threshold"]).mean() <= 0.01


def test_usps_which_was_never_trained_on(usps_train, shipped):
    images, labels, *_ = labelled_digits.load_labelled(usps_train)
    assert len(images) == 7291
    assert (shipped.predict(images)[:, :10].argmax(1) == labels).mean() >= 0.975


def test_letters_are_refused(letters, shipped):
    with np.load(letters, allow_pickle=False) as archive:
        images = archive["x"]
    taken = shipped.predict(images)[:, :10].max(1) >= shipped.card["threshold"]
    assert taken.mean() <= 0.15


def score(folder, labels, model) -> float:
    """Return 1 - edit distance / digits of the photos in labels.json of a folder."""
    errors = total = 0
    for name, label in labels.items():
        lines, _ = reader.read_page(frames.read_image(folder / name), model, model.card["threshold"])
        errors += edit_distance(only_digits(numbers.text_of(lines)), only_digits(label["digits"]))
        total += len(only_digits(label["digits"]))
    assert total > 50
    return 1 - errors / total


def test_photos_are_read(digit_photos, pages_model):
    labels = json.loads((digit_photos / "labels.json").read_text(encoding="utf-8"))
    assert score(digit_photos, labels, pages_model) >= 0.95


def test_sample_photos_of_the_first_command_are_read(pages_model):
    """These are in the repository, so this test never skips."""
    photos = list(frames.FrameSource([str(ROOT / "data" / "samples" / "digits")]))
    assert photos
    for photo in photos:
        assert reader.read_page(photo.image, pages_model, pages_model.card["threshold"])[0], photo.source
