"""Train a network that tells airplanes, automobiles, birds, cats, deer, dogs, frogs, horses, ships and trucks apart.

    python cifar_recognition/train.py                       # the shipped model, models/cifar10.*, in one or two hours
    python cifar_recognition/train.py --architecture cnn    # a step of the ladder, models/cifar10_cnn.*
    python cifar_recognition/train.py --ladder              # all five steps, with their table and output/ladder.png
    python cifar_recognition/train.py --epochs 2 --name try # a quick try, models/try.*

Reads data/cifar10.npz (downloaded if absent). Writes models/NAME.weights.h5, .tflite, .json and two pictures. A run
that was stopped goes on when it is started again; a ladder leaves out the steps that were trained before.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from recognition import files, settings
from recognition.models import cards
from recognition.objects.classes import CIFAR10
from recognition.training import augment_objects, datasets

Architecture = Literal["dense", "conv", "conv_pool", "cnn", "fast"]


@dataclass
class Config:
    architecture: Architecture = "fast"  # each adds an idea to the one before
    ladder: bool = False  # train all of them, one after the other
    name: str = "cifar10"  # the model's name in models/; all but fast add their own: cifar10_dense, ...
    epochs: int = 48  # times through the training set; all but fast: 20
    batch_size: int = 500  # images a step; all but fast: 64
    optimizer: Literal["muon", "adam"] = "muon"  # muon: for fast only, whose kernels keep their length; others: adam
    learning_rate: float = 0.1  # the highest of the schedule; halve it if the loss jumps; all but fast: 0.001
    adam_share: float = 0.1  # muon: the learning rate of all that is no convolution, as a share of that
    schedule: Literal["linear", "one_cycle", "constant"] = "linear"  # of the learning rate; all but fast: constant
    weight_decay: float = 0.0  # adam: raise it if training accuracy runs away from validation
    label_smoothing: float = 0.2  # certainty taken from the right answer, 0 to 1; all but fast: 0
    mirror: bool = True  # show every image mirrored in every other epoch; all but fast: not
    shift: int = 3  # pixels by which images are shifted at most, 0 to 16; all but fast: 0
    zoom: float = 1.5  # half of the images are seen up to so many times nearer; 1 and all but fast: not
    cutout: int = 10  # side of a grey square that hides part of each image, 0 to 32 pixels; all but fast: 0
    dataset: str = "cifar10"  # or an .npz with x_train y_train x_test y_test, RGB uint8 (N, 32, 32, 3), 0 airplane ...
    validation: int = 2000  # images of the training set kept for choosing; the test set chooses nothing
    refuse: float = 0.05  # share of validation images that the threshold of "none of these" may refuse
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    verbose: bool = False  # show the layers of the network
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: str = str(cards.MODELS)  # folder for the model's files


TEXTBOOK = Config(
    epochs=20, batch_size=64, optimizer="adam", learning_rate=0.001, schedule="constant", label_smoothing=0,
    mirror=False, shift=0, zoom=1, cutout=0,
)  # fmt: skip


def recipe(config: Config) -> list[Config]:
    """Return the defaults of the architecture that is wanted, or of each step of the ladder."""
    steps = get_args(Architecture) if config.ladder else [config.architecture]
    return [replace(Config() if one == "fast" else TEXTBOOK, architecture=one, ladder=config.ladder) for one in steps]


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 1, math.inf, "epochs", "batch_size", "validation")
    settings.check_range(config, 0, math.inf, "learning_rate", "adam_share", "weight_decay")
    for high, name in ((16, "shift"), (32, "cutout"), (1, "refuse"), (1, "label_smoothing")):
        settings.check_range(config, 0, high, name)
    settings.check_range(config, 1, 4, "zoom")
    cards.check_name(config.name)


def make_batch(config: Config, images: np.ndarray, targets: np.ndarray, epoch: int, step: int) -> tuple:
    """Return one batch, uint8 (B, 32, 32, 3) and float32 (B, classes), the same for the same seed, epoch and step."""
    chosen, rng = datasets.draw(config.seed, epoch, step, len(images), config.batch_size)
    batch = images[chosen]
    if config.mirror:  # each image as it is in one epoch and mirrored in the next: half of them begin mirrored
        first = np.random.default_rng(config.seed).random(len(images)) < 0.5
        batch = augment_objects.mirror(batch, first[chosen] ^ bool(epoch % 2))
    return augment_objects.augment(batch, rng, config.shift, config.zoom, config.cutout), targets[chosen]


def train(config: Config, arrays: tuple[np.ndarray, ...]) -> tuple[Path, dict]:
    """Train one network on x_train, y_train, x_test, y_test, write its files; return where they are, and its card."""
    x, y, *test = arrays
    kept, held_back = datasets.hold_back(len(x), config.validation)
    steps = datasets.steps_of(len(kept), config.batch_size)

    from recognition.networks.architectures import OBJECTS  # only now: Keras takes seconds, mistakes should not
    from recognition.networks.backend import keras
    from recognition.networks.objects import whiten
    from recognition.training import finish, loop, muon, object_scores

    precision = loop.begin(config.precision, config.seed)
    model = OBJECTS[config.architecture](len(CIFAR10))
    if config.architecture == "fast":
        whiten(model, x[kept[:5000]])
    rate = loop.learning_rate(config.schedule, config.learning_rate, steps * config.epochs)
    optimizer = muon.optimizer(config.optimizer, rate, config.adam_share, config.weight_decay)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
    settings.say(f"{len(kept):,} training images, {len(held_back):,} for validation, {precision}")
    sha256 = datasets.sha256(arrays)
    checkpoint = loop.Checkpoint(config, sha256)
    targets = np.eye(len(CIFAR10), dtype=np.float32)[y]
    make = partial(make_batch, config, x[kept], targets[kept])
    loop.fit(model, optimizer, loss, checkpoint, make, steps, config.epochs, (x[held_back], targets[held_back]))
    object_scores.calibrate(model, x[held_back], y[held_back])
    card = {
        "class_names": [*CIFAR10],
        "input": "RGB uint8 (N, 32, 32, 3), as recognition.objects.crops makes them",
        "parameters": model.count_params(),
        "script": "cifar_recognition/train.py",
        "dataset": {"name": Path(config.dataset).name, "sha256": sha256},
    }
    measure = partial(object_scores.measure, x[kept[:2000]], (x[held_back], y[held_back]), test, config.refuse)
    return finish.save(config, model, checkpoint, card, measure)


def main(chosen: list[Config]) -> None:
    ladder = chosen[0].ladder
    if ladder and len({step.architecture for step in chosen}) == 1:
        raise settings.UserError("--architecture has no effect: --ladder trains all of them", 2)
    for step in chosen:
        step.name += "" if step.architecture == "fast" else f"_{step.architecture}"
        step.ladder = False
        check(step)
    arrays = datasets.load(chosen[0].dataset, (32, 32, 3))
    for step in chosen:
        files.make_folder(step.output)
    if not ladder:
        saved, card = train(chosen[0], arrays)
        accuracy = "{test_accuracy:.2%} of the test set ({test_accuracy_plain:.2%} without mirror images)"
        print(f"{saved}: {accuracy.format(**card['measured'])}, {card['seconds']} s")
        return
    picture = files.make_folder("output") / "ladder.png"

    from recognition.evaluation import ladder_report
    from recognition.training import finish

    results = [finish.trained_before(step, datasets.sha256(arrays)) or train(step, arrays)[1] for step in chosen]
    print(ladder_report.table(results))
    ladder_report.plot(results, picture)


if __name__ == "__main__":
    settings.run(main, Config, __doc__, recipe)
