"""The shipped network for objects keeps what the README says of it, on real data where that is there."""

import numpy as np
import pytest

from recognition.files import ROOT
from recognition.media import frames
from recognition.objects import classification
from recognition.training import datasets


@pytest.fixture(scope="module")
def classifier() -> classification.Classifier:
    return classification.load("cifar10")


@pytest.fixture(scope="module")
def test_part(cifar10, classifier) -> tuple[np.ndarray, np.ndarray]:
    """Return all probabilities of 4,000 images of CIFAR-10's test part, mirror images averaged, and their classes."""
    images, labels = datasets.load_cifar10(cifar10)[2:]
    return classification.predict_both(classifier, images[:4000]).mean(0), labels[:4000]


def refused(classifier: classification.Classifier, paths: list) -> float:
    """Return the share of photos that are called "none of these"."""
    least = classifier.threshold(None)
    photos = [frames.read_image(path) for path in paths]
    return np.mean([not classification.classify(photo, classifier, least).known for photo in photos])


def test_cifar10(test_part):
    probabilities, labels = test_part
    assert (probabilities[:, :10].argmax(1) == labels).mean() >= 0.93


def test_few_images_of_its_classes_are_refused(test_part, classifier):
    fits = classification.fit(test_part[0], classifier.class_names)
    assert 0.03 < (fits < classifier.threshold(None)).mean() <= 0.1


def test_ordinary_photos_are_named(classifier):
    folder = ROOT / "data" / "object_photos"
    if not folder.exists():
        pytest.skip("data/object_photos is not there")
    paths = sorted(folder.glob("*/*"))
    tops = [classification.classify(frames.read_image(path), classifier, 0.0).top for path in paths]
    assert np.mean([top[0].label == path.parent.name for top, path in zip(tops, paths, strict=True)]) >= 0.88
    assert (
        np.mean([path.parent.name in {one.label for one in top[:3]} for top, path in zip(tops, paths, strict=True)])
        >= 0.96
    )


def test_faces_are_none_of_these(lfw, orl_faces, classifier):
    assert refused(classifier, sorted(lfw.glob("*/*.jpg"))[::10]) >= 0.8
    assert refused(classifier, sorted(orl_faces.glob("*/*.pgm"))[::5]) >= 0.8


def test_photos_of_digits_are_none_of_these(digit_photos, classifier):
    assert refused(classifier, sorted(digit_photos.glob("*.[jp][pn]g"))) >= 0.8


def test_sample_photos_of_digits_are_none_of_these(classifier):
    """These are in the repository, so this test never skips."""
    assert refused(classifier, sorted((ROOT / "data" / "samples" / "digits").glob("*.jpg"))) >= 0.8


@pytest.mark.parametrize(("folder", "least"), [("object_photos", 0.95), ("object_photos_more", 0.93)])
def test_photos_are_named_by_the_model_for_photos(folder, least):
    folder = ROOT / "data" / folder
    if not folder.exists():
        pytest.skip(f"data/{folder.name} is not there")
    model = classification.load("photos")
    seen = {path: classification.classify(frames.read_image(path), model, 0.5) for path in sorted(folder.glob("*/*"))}
    assert np.mean([one.top[0].label == path.parent.name for path, one in seen.items()]) >= least
    assert np.mean([not one.known for one in seen.values()]) <= 0.08


def test_photos_of_other_things_are_none_of_these():
    folder = ROOT / "data" / "object_others"
    if not folder.exists():
        pytest.skip("data/object_others is not there")
    assert refused(classification.load("photos"), sorted(folder.glob("*/*"))) >= 0.93


def test_sample_pictures_by_the_model_for_photos():
    model, samples = classification.load("photos"), ROOT / "data" / "samples"
    for name in ("airplane", "ship", "truck"):
        seen = classification.classify(frames.read_image(samples / "objects" / f"{name}.jpg"), model, 0.0)
        assert seen.top[0].label == name
    assert refused(model, sorted((samples / "digits").glob("*.jpg"))) >= 0.8
    assert refused(model, [samples / "apple.jpg", samples / "party.jpg"]) == 1
