"""Train the head that tells the ten classes apart in ordinary photos, on what a network of ImageNet says of CIFAR-10.

    python cifar_recognition/train_photos.py              # the shipped model, models/photos.*, in twenty minutes
    python cifar_recognition/train_photos.py --images 5000 --name try    # a quick try, models/try.*

CIFAR-10's training images are enlarged, mirrored, made gray, cropped, or put small in front of something plain, and go
through EfficientNet-Lite0 once; its answers are kept in data/features/photos, so a run that was stopped goes on where
it was, and another one takes a minute. What else a photo may show the head need not learn: the thousand kinds of things
that the network knows tell it (recognition/objects/kinds.py).
Reads data/cifar10.npz (downloaded if absent). Writes models/NAME.weights.h5, .tflite, .json, _history.png and
_confusion.png.
"""

import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from recognition import files, settings
from recognition.evaluation.metrics import confusion_matrix
from recognition.models import cards, litert
from recognition.objects import backbones, features, kinds, lite0
from recognition.objects.classes import CIFAR10, NONE
from recognition.training import datasets


@dataclass
class Config:
    name: str = "photos"  # the model's name in models/
    images: int = 48_000  # of CIFAR-10's training part to learn from, 100 to 48,000
    size: int = lite0.SIZE  # pixels a side that EfficientNet-Lite0 sees, a multiple of 32
    epochs: int = 8  # times through the images; more helps little
    batch_size: int = 512  # images a step
    learning_rate: float = 0.003  # the highest of the schedule; lower it if the loss jumps
    weight_decay: float = 1.0  # raise it if training accuracy runs away from validation
    class_weights: bool = False  # small classes count as much as large ones; CIFAR-10's are equal
    validation: int = 2000  # images of the training set kept for choosing; the test set chooses nothing
    seed: int = 0  # another seed, another order of the images
    features: Path = features.FOLDER / "photos"  # folder for what the network says of the images
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: Path = cards.MODELS  # folder for the model's files


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 1, math.inf, "epochs", "batch_size", "validation")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay")
    settings.check_range(config, 100, 48_000, "images")
    cards.check_name(config.name)


def seen_by(backbone: backbones.Backbone, config: Config, name: str, images: np.ndarray, augmented: bool) -> dict:
    """Return what a backbone says of CIFAR-10's images, see `training.photos.features.compute`."""
    from recognition.training.photos import augment
    from recognition.training.photos import features as kept

    settings.say(f"looking at the {len(images):,} images to {name} with")

    def make(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return augment.augment(image, config.size, rng) if augmented else augment.enlarge(image, config.size)

    return kept.compute(backbone, images, make, config.features, name, f"version {augment.VERSION}")


def with_none(model, shape: dict):
    """Return a head with one more output, whose logit is 0 always: with it the others tell how strong they are."""
    from recognition.networks.objects import head

    *rest, kernel, bias = model.get_weights()
    larger = head(len(CIFAR10) + 1, **shape)
    larger.set_weights([*rest, np.pad(kernel, ((0, 0), (0, 1))), np.pad(bias, (0, 1))])
    return larger


def measure(parts: dict, model: litert.Model, card: dict) -> np.ndarray:
    """Set in a card the threshold and the numbers; return the confusion matrix of the last part.

    `parts`: what the network says of the images of each, and their labels.
    """
    second = kinds.SecondOpinion(card["words"], [*CIFAR10])
    card["threshold"], card["measured"] = 0.5, {}  # kinds.MIDDLE was set such that 0.5 is the threshold
    for name, (seen, labels) in parts.items():
        own = model.predict(seen["features"])
        read = second.weigh(own, seen["probabilities"])[:, : len(CIFAR10)].argmax(1)
        card["measured"][f"{name}_accuracy"] = round(float((read == labels).mean()), 5)
        card["measured"][f"{name}_accuracy_of_the_head"] = round(float((own[:, :-1].argmax(1) == labels).mean()), 5)
    return confusion_matrix(labels, read, len(CIFAR10))


def main(config: Config) -> None:
    check(config)
    backbone = backbones.load(lite0.NAME, size=config.size)
    x, y, x_test, y_test = datasets.load_cifar10()
    kept, held_back = datasets.hold_back(len(x), config.validation)
    kept = kept[: config.images]
    for folder in (config.output, config.features):
        files.make_folder(folder)
    start = time.monotonic()
    parts = {"validation": (seen_by(backbone, config, "validate", x[held_back], False), y[held_back])}
    parts["test"] = seen_by(backbone, config, "test", x_test, False), y_test
    train = seen_by(backbone, config, "train", x[kept], True)["features"]

    from recognition.training import finish, loop  # only now: Keras takes seconds, mistakes should not
    from recognition.training.transfer import head

    loop.begin("float32", config.seed)
    shape = {"inputs": train.shape[1], "hidden": 0, "dropout": 0.0}
    model = head.build(config, shape, len(CIFAR10), len(train), len(train))
    validation = parts["validation"][0]["features"], y[held_back]
    curves = head.train(config, model, model.get_weights(), train, y[kept].astype(int), validation)
    card = {
        "architecture": "head",
        "shape": shape,
        "class_names": [*CIFAR10, NONE],
        "words": kinds.CIFAR10_WORDS,
        "backbone": backbone.identity,
        "input": f"float32 (N, {train.shape[1]}), features as recognition.objects.backbones makes them",
        "script": "cifar_recognition/train_photos.py",
        "settings": loop.settings_of(config) | {"features": "data/features/photos"},
        "dataset": {"name": "cifar10", "sha256": datasets.CIFAR10_SHA256},
        "seconds": round(time.monotonic() - start, 1),
        "versions": finish.versions(),
    }
    saved = finish.write(config, with_none(model, shape), card, partial(measure, parts), curves)
    told = ", ".join(f"{name.replace('_', ' ')} {share:.2%}" for name, share in card["measured"].items())
    print(f"{saved}: {told}, {card['seconds']} s")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
