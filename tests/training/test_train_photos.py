"""The head for photos: images made to look like photos, what a backbone says of them kept, an output of nothing."""

import runpy

import numpy as np

from recognition.files import ROOT
from recognition.objects import classification
from recognition.objects.classes import CIFAR10, NONE
from recognition.training.photos import augment, features

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8).repeat(4, 0).repeat(4, 1)


class Backbone:
    """Says the mean of each channel; counts the images that it saw."""

    def __init__(self, name="a"):
        self.identity, self.seen = {"name": name}, 0

    def run(self, images):
        self.seen += len(images)
        return {"features": images.mean((1, 2)), "probabilities": images[:, 0, 0] / 255}


def test_images_are_varied_and_the_same_for_the_same_seed():
    made = [augment.augment(IMAGE, 96, np.random.default_rng(seed)) for seed in range(200)]
    assert {one.shape for one in made} == {(96, 96, 3)} and {one.dtype for one in made} == {np.dtype(np.uint8)}
    assert np.array_equal(made[7], augment.augment(IMAGE, 96, np.random.default_rng(7)))
    assert len({one.tobytes() for one in made}) > 140  # the others are whole, in one of few ways
    gray = np.mean([(one == one[..., :1]).all() for one in made])
    assert 0.08 < gray < 0.3  # some of them stand before a colour
    framed = np.mean([(one[:, :3] == one[:1, :1]).all() or (one[:, -3:] == one[-1:, -1:]).all() for one in made])
    assert 0.1 < framed < 0.35
    assert np.abs(augment.enlarge(IMAGE, 96)[4::12, 4::12].astype(int) - IMAGE[1::4, 1::4]).mean() < 20


def test_what_was_seen_is_kept_and_a_stopped_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "PART", 4)
    images = np.random.default_rng(0).integers(0, 256, (10, 2, 2, 3), np.uint8)

    def seen(backbone, told="version 1", make=lambda image, rng: image, images=images):
        return features.compute(backbone, images, make, tmp_path, "train", told)

    first = Backbone()
    found = seen(first)
    assert first.seen == 10
    assert np.abs(found["features"] - images.mean((1, 2))).max() < 0.1  # kept in 16 bits
    assert np.abs(found["probabilities"] - images[:, 0, 0] / 255).max() < 1e-3
    (tmp_path / "train_001.npz").write_bytes(b"cut short")
    second = Backbone()
    assert np.array_equal(seen(second)["features"], found["features"])
    assert second.seen == 4
    for backbone, told in ((Backbone("b"), "version 1"), (Backbone(), "version 2")):
        seen(backbone, told)
        assert backbone.seen == 10
    third, others = Backbone(), np.concatenate([images[:4], 255 - images[4:]])  # as many, but not the same
    assert np.abs(seen(third, "version 2", images=others)["features"] - others.mean((1, 2))).max() < 0.1
    assert third.seen == 6
    (tmp_path / "train_000.npz").unlink()
    varied = seen(Backbone(), "version 2", lambda image, rng: image + rng.integers(0, 2, image.shape, np.uint8))
    assert not np.array_equal(varied["features"][:4], found["features"][:4])


def test_the_output_of_nothing_tells_how_strong_the_others_are():
    from recognition.networks import architectures

    rng = np.random.default_rng(0)
    shape = {"inputs": 8, "hidden": 0, "dropout": 0.0}
    model = architectures.ARCHITECTURES["head"](10, **shape)
    model.set_weights([rng.random(weight.shape) for weight in model.get_weights()])
    x = rng.random((5, 8)).astype(np.float32)
    larger = runpy.run_path(str(ROOT / "cifar_recognition" / "train_photos.py"))["with_none"](model, shape)
    before, after = model.predict(x, verbose=0), larger.predict(x, verbose=0)
    assert after.shape == (5, 11)
    assert np.allclose(after[:, :10] / after[:, :10].sum(1, keepdims=True), before, atol=1e-6)
    mean, variance, kernel, bias = (
        model.get_layer("standardised").get_weights() + model.get_layer("logits").get_weights()
    )
    logits = (np.sqrt(x) - mean) / np.sqrt(variance + 1e-6) @ kernel + bias
    assert np.allclose(after[:, 10], 1 / (1 + np.exp(logits).sum(1)), rtol=1e-3)


def test_a_whole_run_writes_a_model_that_is_read(tmp_path, monkeypatch, capsys):
    from recognition.training import datasets

    rng = np.random.default_rng(0)
    labels = np.arange(200) % 10
    colours = rng.integers(0, 256, (10, 4, 4, 3), np.uint8).repeat(8, 1).repeat(8, 2)  # a class is a pattern
    images = np.clip(colours[labels] + rng.integers(-20, 21, (200, 32, 32, 3)), 0, 255).astype(np.uint8)
    monkeypatch.setattr(datasets, "load_cifar10", lambda: (images[:160], labels[:160], images[160:], labels[160:]))
    script = runpy.run_path(str(ROOT / "cifar_recognition" / "train_photos.py"))
    folders = {"features": tmp_path / "features", "output": tmp_path / "models"}
    config = script["Config"]("try", 120, size=64, epochs=3, batch_size=32, validation=40, **folders)
    script["main"](config)
    said = capsys.readouterr().out
    classifier = classification.load("try", tmp_path / "models")
    card = classifier.card
    assert said.startswith(f"{tmp_path / 'models' / 'try'}: validation accuracy")
    assert card["class_names"] == [*CIFAR10, NONE] and card["settings"]["images"] == 120
    assert card["measured"]["validation_accuracy_of_the_head"] > 0.9
    assert card["measured"]["test_accuracy_of_the_head"] > 0.9
    assert classifier.size == 64 and classifier.predict(classifier.crops(images[0, :, :, ::-1])).shape[1] == 11
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [
        f"try{suffix}" for suffix in (".json", ".tflite", ".weights.h5", "_confusion.png", "_history.png")
    ]
