"""Train a network that tells airplanes, automobiles, birds, cats, deer, dogs, frogs, horses, ships and trucks apart.

    python cifar_recognition/train.py                       # the shipped model, models/cifar10.*, in half an hour
    python cifar_recognition/train.py --architecture cnn    # a step of the ladder, models/cifar10_cnn.*
    python cifar_recognition/train.py --ladder              # all five steps, with their table and output/ladder.png
    python cifar_recognition/train.py --epochs 2 --name try # a quick try, models/try.*

Reads data/cifar10.npz (downloaded if absent). Writes models/NAME.weights.h5, .tflite, .json, _history.png and
_confusion.png. A run that was stopped goes on where it was when it is started again with the same settings; a ladder
leaves out the steps that were trained with the same settings before.
"""

import math
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from recognition import files, settings
from recognition.models import cards, store
from recognition.objects.classes import CIFAR10
from recognition.training import augment_objects, datasets, object_scores

Architecture = Literal["dense", "conv", "conv_pool", "cnn", "fast"]


@dataclass
class Config:
    architecture: Architecture = "fast"  # each adds an idea to the one before
    ladder: bool = False  # train all of them, one after the other
    name: str = "cifar10"  # the model's name in models/; all but fast add their own: cifar10_dense, ...
    epochs: int = 20  # times through the training set
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
    output: str = str(cards.MODELS)  # folder for the model's files


TEXTBOOK = Config(
    epochs=20, batch_size=64, optimizer="adam", learning_rate=0.001, schedule="constant", label_smoothing=0,
    mirror=False, shift=0, zoom=1, cutout=0,
)  # fmt: skip


def recipe(config: Config) -> Config:
    """Return the settings with the textbook's values, for all but fast, wherever the user left the default."""
    if config.architecture == "fast":
        return config
    return settings.apply_recipe(replace(config, name=f"{config.name}_{config.architecture}"), TEXTBOOK)


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 0, 1, "refuse", "label_smoothing")
    settings.check_range(config, 1, math.inf, "epochs", "batch_size", "validation")
    settings.check_range(config, 0, math.inf, "learning_rate", "adam_share", "weight_decay", "seed")
    settings.check_range(config, 0, 16, "shift")
    settings.check_range(config, 1, 4, "zoom")
    settings.check_range(config, 0, 32, "cutout")
    cards.check_name(config.name)


def make_batch(
    config: Config, images: np.ndarray, targets: np.ndarray, epoch: int, step: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return one batch, uint8 (B, 32, 32, 3) and float32 (B, classes), the same for the same seed, epoch and step."""
    order = np.random.default_rng([config.seed, epoch]).permutation(len(images))
    chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
    rng = np.random.default_rng([config.seed, epoch, step])
    batch = images[chosen]
    if config.mirror:  # each image as it is in one epoch and mirrored in the next: half of them begin mirrored
        first = np.random.default_rng(config.seed).random(len(images)) < 0.5
        batch = augment_objects.mirror(batch, first[chosen] ^ bool(epoch % 2))
    if config.shift:
        batch = augment_objects.shift(batch, rng, config.shift)
    if config.zoom > 1:
        batch = augment_objects.zoom(batch, rng, config.zoom)
    if config.cutout:
        batch = augment_objects.cut_out(batch, rng, config.cutout)
    return batch, targets[chosen]


def optimizer(config: Config, steps: int):
    """Return the Keras optimizer for a training of so many steps in all."""
    from recognition.networks.backend import keras
    from recognition.training import loop, muon

    peak = rate = config.learning_rate
    if config.schedule == "linear":
        rate = keras.optimizers.schedules.PolynomialDecay(peak, steps, 0.0)
    elif config.schedule == "one_cycle":
        rate = loop.one_cycle(peak, steps)
    if config.optimizer == "adam":
        return keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    return muon.for_short_trainings(rate, config.adam_share, config.weight_decay)


def train(config: Config, arrays: tuple[np.ndarray, ...]) -> dict:
    """Train one network on x_train, y_train, x_test, y_test, write its files and return its card."""
    x, y, x_test, y_test = arrays
    kept, held_back = datasets.hold_back(len(x), config.validation)
    steps = len(kept) // config.batch_size
    if not steps:
        left = f"{len(x):,} images without the {len(held_back):,} of --validation"
        raise settings.UserError(f"--batch-size {config.batch_size}: more than there are to train on, {left}", 2)
    folder = Path(config.output)

    from recognition.evaluation import metrics, plots
    from recognition.networks import architectures
    from recognition.networks.backend import keras
    from recognition.networks.objects import whiten
    from recognition.training import loop  # only now: Keras takes seconds, mistakes should not

    keras.backend.clear_session()  # of a ladder's step before
    precision = loop.choose_precision(config.precision)
    keras.utils.set_random_seed(config.seed)
    class_names = [*CIFAR10]
    model = architectures.OBJECTS[config.architecture](len(class_names))
    if config.architecture == "fast":
        whiten(model, x[kept[:5000]])
    model.summary(print_fn=settings.say)
    settings.say(f"{len(kept):,} training images, {len(held_back):,} for validation, {precision}")
    model.compile(
        optimizer(config, steps * config.epochs),
        keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,  # XLA is six times slower on processors
    )
    checkpoint = loop.Checkpoint(folder, config.name, asdict(config))
    targets = np.eye(len(class_names), dtype=np.float32)
    make = partial(make_batch, config, x[kept], targets[y[kept]])
    loop.fit(model, checkpoint, make, steps, config.epochs, (x[held_back], targets[y[held_back]]))
    object_scores.calibrate(model, x[held_back], y[held_back])

    card = {
        "architecture": config.architecture,
        "class_names": class_names,
        "input": "RGB uint8 (N, 32, 32, 3), as recognition.objects.crops makes them",
        "parameters": model.count_params(),
        "threshold": 0.0,
        "script": "cifar_recognition/train.py",
        "dataset": {"name": Path(config.dataset).name, "sha256": datasets.sha256(arrays)},
        **loop.provenance(config, checkpoint, precision),
    }
    store.save(model, card, config.name, folder)
    saved = store.load(config.name, folder)  # what is measured is the file that everyone uses
    if saved.has_features:
        line = object_scores.line_to_others(saved, x[kept[:2000]])
        card["line"] = saved.card["line"] = [float(f"{number:.5g}") for number in line]
    card["threshold"], card["measured"], read = object_scores.measure(
        saved, (x[held_back], y[held_back]), (x_test, y_test), config.refuse
    )
    cards.write_card(card, config.name, folder)
    plots.plot_history(checkpoint.history, folder / f"{config.name}_history.png")
    matrix = metrics.confusion_matrix(y_test, read, len(CIFAR10))
    plots.plot_confusion(matrix, [*CIFAR10], folder / f"{config.name}_confusion.png")
    checkpoint.remove()
    return card


def trained_before(config: Config, sha256: str) -> dict | None:
    """Return the card of a model that was trained with these settings on these images, or None."""
    try:
        card = store.load(config.name, Path(config.output)).card
    except settings.UserError:
        return None
    same = card.get("settings") == asdict(config) | {"output": "models"} and card["dataset"]["sha256"] == sha256
    return card if same and card.get("measured") else None


def main(config: Config) -> None:
    steps = get_args(Architecture) if config.ladder else [config.architecture]
    chosen = [recipe(replace(config, ladder=False, architecture=step)) for step in steps]
    for step in chosen:
        check(step)
    own = config.dataset != "cifar10"
    arrays = datasets.load_split(Path(config.dataset), (32, 32, 3)) if own else datasets.load_cifar10()
    files.make_folder(Path(config.output))
    if not config.ladder:
        card = train(chosen[0], arrays)
        measured, name = card["measured"], Path(config.output) / chosen[0].name
        mirrored, plain = measured["test_accuracy"], measured["test_accuracy_plain"]
        print(f"{name}: {mirrored:.2%} of the test set ({plain:.2%} without mirror images), {card['seconds']} s")
        return
    sha256, trained = datasets.sha256(arrays), []
    for step in chosen:
        card = trained_before(step, sha256)
        if card:
            settings.say(f"{step.name}: trained with these settings before")
        trained.append(card or train(step, arrays))

    from recognition.evaluation import ladder_report

    print(ladder_report.table(trained))
    picture = Path("output/ladder.png")
    ladder_report.plot(trained, picture)
    settings.say(f"picture: {picture}")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
