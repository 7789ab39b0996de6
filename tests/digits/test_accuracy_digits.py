"""The shipped model keeps the accuracy that the README promises, on real data where that is there."""

import json

import numpy as np
import pytest
from test_digits import edit_distance

from recognition.digits import numbers, reader
from recognition.digits.pages import reader as pages_reader
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


def test_photos_are_read(digit_photos, shipped):
    labels = json.loads((digit_photos / "labels.json").read_text(encoding="utf-8"))
    errors = total = 0
    for name, label in labels.items():
        photo = frames.read_image(digit_photos / name)
        found = reader.read_digits(photo, shipped.predict, shipped.card["threshold"])
        errors += edit_distance(only_digits(numbers.text_of(found)), label["digits"])
        total += len(label["digits"])
    assert total > 50
    assert errors <= 0.02 * total


def test_sample_photos_of_the_first_command_are_read(shipped):
    """These are in the repository, so this test never skips."""
    photos = list(frames.FrameSource([str(ROOT / "data" / "samples" / "digits")]))
    assert photos
    for photo in photos:
        assert reader.read_digits(photo.image, shipped.predict, shipped.card["threshold"]), photo.source


def test_pages_with_words_boxes_and_tables_are_read(digit_pages, pages_model):
    """Printed digits are labelled in the sudokus only."""
    labels = json.loads((digit_pages / "labels.json").read_text(encoding="utf-8"))
    errors = total = 0
    for name, label in labels.items():
        if label["digits"]:
            photo, handwritten = frames.read_image(digit_pages / name), not name.startswith("wichtounet")
            lines, _ = pages_reader.read(photo, pages_model, pages_model.card["threshold"], handwritten)
            errors += edit_distance(only_digits(numbers.text_of(lines)), only_digits(label["digits"]))
            total += len(only_digits(label["digits"]))
    assert total > 400
    assert errors <= 0.25 * total
