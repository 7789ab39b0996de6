"""Train a small dense network, the head, to tell your own classes apart by the features of a pre-trained network.

    python cifar_recognition/extract_features.py data/dogs         # first: writes data/features/dogs.h5
    python cifar_recognition/train_transfer.py dogs                # seconds
    python cifar_recognition/predict_static.py --model dogs photo.jpg      # video.py and webcam.py take --model, too
    python cifar_recognition/train_transfer.py dogs --unfreeze     # the backbone's last block learns, too: minutes
    python cifar_recognition/train_transfer.py dogs --hidden 128   # with a hidden layer, for some thousands of images

Reads data/features/NAME.h5; writes models/NAME.weights.h5, .tflite, .json, _history.png and _confusion.png.
Few images are measured by cross-validation: each is read by a head that was trained on the others, and the head that
is saved is trained on all. Of many a part is held back, and what is saved is trained on the rest. Images that were read
surely as another class than their folder says are shown in output/suspects.png and listed in output/suspects.csv.
"""

import json
import math
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from recognition import files, settings
from recognition.evaluation import copies
from recognition.evaluation.metrics import trust_text
from recognition.evaluation.suspects import show_suspects
from recognition.models import cards
from recognition.objects import backbones, class_folders, features, lite0
from recognition.objects.class_folders import HASHED
from recognition.training import datasets

FEW, SMALL = 500, 10  # images in all, or of a class in the mean, below which "auto" takes cross-validation
MANY = 300  # images, from which on the last block of the backbone can learn
FOLDS = 5
RELIABLE = 10  # images of a class, below which accuracy says little


@dataclass
class Config:
    # name of the features in data/features/, and of the model
    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    unfreeze: bool = False  # let the last block of the backbone learn, too: for hundreds of images; takes minutes
    hidden: int = 0  # units of a hidden layer; 0, none, is best for up to some hundred images a class
    dropout: float = 0.5  # share of the hidden units that a step leaves out
    epochs: int = 30  # more helps little
    batch_size: int = 64  # images a step
    learning_rate: float = 0.01  # the highest of the schedule; lower it if the loss jumps
    weight_decay: float = 0.1  # raise it if training accuracy runs away from validation
    class_weights: bool = True  # small classes count as much as large ones
    folds: int | Literal["auto"] = "auto"  # parts of the cross-validation; 0 holds one part back instead
    validation: float = 0.2  # share of each class's images held back where there is no cross-validation
    refuse: float = 0.03  # share of the images that may be called "none of these"; more refuses more of other things
    seed: int = 0  # another seed, another model of the same kind
    features: Path = features.FOLDER  # folder of NAME.h5
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: Path = cards.MODELS  # folder for the model's files
    json: bool = False  # print what was measured as one JSON object


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    settings.check_range(config, 1, math.inf, "epochs", "batch_size")
    settings.check_range(config, 0, 10_000, "hidden")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay")
    settings.check_range(config, 0, 0.95, "dropout")
    settings.check_range(config, 0.01, 0.9, "validation")
    settings.check_range(config, 0, 1, "refuse")
    if config.folds != "auto" and config.folds != 0 and config.folds < 2:
        raise settings.UserError(f"--folds {config.folds}: must be 0, or at least 2", 2)
    cards.check_name(config.name)
    backbones.head_card(config.name, config.output)


def parts(config: Config, labels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the indices to train on and to validate on, one pair for each fold; one pair alone if one part is held
    back."""
    are_few = len(labels) < FEW or np.bincount(labels).mean() < SMALL
    folds = (FOLDS if are_few else 0) if config.folds == "auto" else config.folds
    if folds:
        return datasets.folds(labels, folds, config.seed)
    return [datasets.split(labels, config.validation)]


def main(config: Config) -> int:
    check(config)
    content = features.read(config.features / f"{config.name}.h5")
    x, y, names = content.features, content.labels, content.class_names
    if len(names) < 2:
        raise settings.UserError(f"{config.name}: features of one class only: run {backbones.EXTRACT} FOLDER", 2)
    backbone = backbones.load_same(content.backbone, str(config.features / f"{config.name}.h5"))
    class_folders.compare(content.folder, names)
    fewest, count = names[np.bincount(y).argmin()], np.bincount(y).min()
    if count < RELIABLE:
        settings.say(f"{fewest}: only {settings.counted(count, 'image')}: what is measured below may be luck")
    files.make_folder(config.output)
    split = copies.apart(parts(config, y), copies.of_features(content, f"run {backbones.EXTRACT} again"))
    if not len(split[0][1]):
        raise settings.UserError(f"--validation {config.validation}: too few images to hold some back: --folds 5", 2)
    measured_on = np.concatenate([held_back for _, held_back in split])
    if left := [name for k, name in enumerate(names) if k not in y[measured_on]]:
        settings.say(f"{class_folders.shorten(left)}: too few images to measure with some of them: --folds 5")
    config.batch_size = min(config.batch_size, max(len(x), Config.batch_size))  # more takes memory alone
    trunk = features.before_last_block(content, backbone) if config.unfreeze else None

    from recognition.training import finish, loop  # only now: Keras takes seconds, mistakes should not
    from recognition.training.transfer import fine_tuning, head

    loop.begin("float32", config.seed)
    start = time.monotonic()
    settings.say(f"{len(x):,} images of {len(names):,} classes, {x.shape[1]} numbers each by {backbone.name}")
    if trunk is not None:
        learned = fine_tuning.learn(config, x, y, names, split, trunk, backbone)
    else:
        learned = head.learn(config, x, y, names, split)
    by = f"{len(split)}-fold cross-validation" if len(split) > 1 else f"{len(measured_on)} images held back"
    card = {
        "architecture": learned.model.name,
        "shape": learned.shape,
        "class_names": names,
        "backbone": content.backbone,
        "input": f"float32 (N, {x.shape[1]}), features as recognition.objects.backbones makes them",
        "script": "cifar_recognition/train_transfer.py",
        "settings": loop.settings_of(config) | {"features": "data/features"},
        "dataset": {"name": Path(content.folder).name, "images": len(x), "sha256": content.sha256}
        | {"hashes": [digest[:HASHED] for digest in content.hashes]},
        "seconds": round(time.monotonic() - start, 1),
        "versions": finish.versions(),
    }
    measure = partial(head.measure, learned, measured_on, y, by, config.refuse)
    mean = {key: np.mean([one[key] for one in learned.curves], axis=0).tolist() for key in learned.curves[0]}
    saved = finish.write(config, learned.model, card, measure, mean)
    spread = f" +- {np.std(learned.accuracies):.2%} between folds" if len(split) > 1 else ""
    line = f"{saved}: {card['measured']['validation_accuracy']:.2%}{spread}, {by}, {card['seconds']} s"
    print(json.dumps(card["measured"]) if config.json else f"{line}\n{trust_text(card['measured'])}")
    if learned.frozen is not None:
        settings.say(f"without --unfreeze {learned.frozen:.2%} of the same images: take what is better")
    elif len(x) >= MANY and backbone.name == lite0.NAME:
        settings.say(f"with {len(x):,} images --unfreeze may do better, in minutes")
    try:
        show_suspects(content, learned.read, measured_on, names)
    except (settings.UserError, OSError) as error:  # the model is saved all the same
        settings.say(f"no sheet of suspects: {error}")
    return 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
