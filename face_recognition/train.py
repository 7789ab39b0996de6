"""Train a network that recognises your people, for `--recognizer cnn` of the other scripts, in four steps.

    python face_recognition/train.py                              # the people in data/faces, into models/faces.*
    python face_recognition/train.py --faces data/orl_faces       # any folder with a subfolder of photos a person
    python face_recognition/train.py --strangers data/strangers   # with photos of people whom it must refuse
    python face_recognition/train.py --epochs 3                   # a quick try
    python face_recognition/train.py --architecture embedding             # dlib's descriptor with a head for them
    python face_recognition/train.py --architecture embedding --unfreeze  # its last block learns to know them, too

Reads the photos FOLDER/NAME/*; writes models/NAME.weights.h5, .tflite, .json, _history.png and _confusion.png, which
stay on this machine (git ignores them) and can be read by your user alone. A run that was stopped goes on when it is
started again with the same settings and photos. Train again when people or photos were added.
It is a lesson: five ordinary photos are few to begin from nothing. Six people of LFW, five photos each: of 71 others
81.7 % are nearest to the right person, 62.0 % named, and 6.1 % of strangers; SFace names 98.6 and 0.4 % (faces_few.py).
"""

import math
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from recognition import files, settings
from recognition.embeddings import dlib_embedder, dlib_weights
from recognition.evaluation import open_set
from recognition.faces import detection
from recognition.faces.crops import FORMS
from recognition.models import cards
from recognition.shared import opening
from recognition.training import augment_faces
from recognition.training.face_photos import folds, load_photos, load_strangers

# Measured by benchmarks/faces_few.py
BETTER = (
    "learnt from nothing but your photos: with five ordinary ones of each of six people such a network found 62 % of "
    "their others and named 6 % of strangers; for daily use take --recognizer auto, which found 99 % and named 0.4 %"
)


@dataclass
class Config:
    faces: str = str(files.ROOT / "data" / "faces")  # folder with a subfolder of photos for every person
    strangers: str | None = None  # folder of photos of other people, in subfolders or not: fewer strangers get a name
    architecture: Literal["faces", "embedding"] = "faces"  # small and new; or dlib's descriptor, which knows faces
    unfreeze: bool = False  # embedding: train its last block, too
    name: str = "faces"  # the model's name in models/
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # auto is yunet, or hog where yunet cannot be had
    epochs: int = 24  # more helps little; embedding: 0, there is nothing to train, or 6 with --unfreeze
    views: int = 2000  # pictures an epoch, each a photo seen in another way; everybody is seen equally often
    batch_size: int = 32  # pictures a step; halve it, and the learning rate, if memory runs out
    learning_rate: float = 0.002  # the highest of the schedule; halve it if the loss jumps; embedding: 0.0001
    weight_decay: float = 0.02  # raise it if training accuracy runs away from validation
    label_smoothing: float = 0.05  # certainty taken from the right answer, 0 to 0.2
    scale: float = 16.0  # of the cosines before the softmax; lower it if the loss stays high
    margin: float = 0.2  # by how much the right person's cosine has to win; 0 is a plain softmax
    fill: int = 40  # fewer people are filled up to so many with invented ones: telling them apart teaches to refuse
    strength: float = 1.0  # how much views differ from their photo, 0 not at all
    validation: float = 0.2  # share of each person's photos held back in a fold; from three photos on
    folds: int = 3  # trainings that only find out how good it gets: each leaves other people and photos out
    threshold: float | None = None  # least likeness of a named face, 0 to 1, if not chosen on people left out
    accept: float = 0.05  # share of strangers that may get a name; less, and more known faces stay unknown
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"  # auto takes bfloat16 where it is faster
    seed: int = 0  # another seed, another model of the same kind
    verbose: bool = False  # show the layers of the network
    replace: bool = False  # also a model that is better, or was measured on other data; else this one gets another name
    output: str = str(cards.MODELS)  # folder for the model's files


HEAD = Config(epochs=0, threshold=0.65, accept=0.01, precision="float32")
LAST_BLOCK = replace(HEAD, epochs=6, learning_rate=0.0001, threshold=0.5)


def recipe(config: Config) -> Config:
    """Return the defaults of what is wanted."""
    embedding = LAST_BLOCK if config.unfreeze else HEAD
    return embedding if config.architecture == "embedding" else Config()


def check(config: Config) -> None:
    """Raise UserError for a setting out of its range."""
    trains = config.architecture == "faces" or config.unfreeze
    if config.unfreeze and config.architecture != "embedding":
        raise settings.UserError("--unfreeze has no effect: it goes with --architecture embedding", 2)
    if config.architecture == "embedding" and config.epochs and not config.unfreeze:
        raise settings.UserError(f"--epochs {config.epochs} has no effect: only --unfreeze trains for some time", 2)
    settings.check_range(config, 0, 1, "validation", "accept", "label_smoothing", "margin")
    settings.check_range(config, 0, 1, *["threshold"] * (config.threshold is not None))
    settings.check_range(config, 1, math.inf, *["epochs"] * trains, "views", "batch_size", "scale")
    settings.check_range(config, 3, math.inf, "folds")
    settings.check_range(config, 0, math.inf, "learning_rate", "weight_decay", "fill", "strength")
    cards.check_name(config.name)


def main(config: Config) -> int:
    check(config)
    files.make_folder(config.output, private=True)

    # 1. Photos, and 2. the faces in them, upright, all of one size
    form = FORMS[config.architecture]
    if config.architecture == "embedding":
        dlib_weights.check(dlib_embedder.descriptor_file())
    detector = detection.load_detector(config.detector)
    photos = load_photos(opening.needed_folder(config.faces, "train.py"), detector, form, augment_faces.MARGIN)
    people = len(photos.names)
    if people < 2:
        raise settings.UserError(f"{config.faces}: only {photos.names[0]}: the cnn needs at least two people", 2)
    strangers = load_strangers(Path(config.strangers), detector, form) if config.strangers else None

    from recognition.training import face_head, finish, loop  # only now: Keras takes seconds, mistakes should not

    # 3. The network: some that leave people and photos out, to try it, then the one of all photos that is kept
    precision = loop.begin(config.precision, config.seed, private=True)
    settings.say(f"{people} people, {len(photos.labels)} photos, {precision}")
    begun, judged, checkpoints, network = time.monotonic(), [], [], None
    for fold, parts in enumerate(folds(photos.labels, config.folds, config.validation), 1):
        checkpoints.append(loop.Checkpoint(replace(config, name=f"{config.name}.fold-{fold}"), photos.sha256))
        network, one = face_head.try_fold(config, checkpoints[-1], photos, parts, network)
        judged.append(one)
    checkpoints.append(loop.Checkpoint(config, photos.sha256))
    network = face_head.learn(config, checkpoints[-1], photos.crops, photos.labels)
    classifier = face_head.finish(network, photos.crops, photos.labels)
    checkpoints[-1].seconds = max(time.monotonic() - begun, sum(one.seconds for one in checkpoints))

    # 4. Naming: how like a person a face must be, so that hardly a stranger gets a name
    card = {
        "class_names": photos.names,
        "input": "faces as recognition.faces.crops makes them",
        "output": "the likeness of the face and each person, to 1",
        "preprocessing": str(form),
        "script": "face_recognition/train.py",
        "dataset": {"name": Path(config.faces).name, "photos": len(photos.labels), "sha256": photos.sha256},
        "detector": detector.name,
    }
    tried = open_set.try_out(judged)
    measure = partial(face_head.measure, tried, strangers, config.threshold, config.accept)
    saved, card = finish.save(config, classifier, checkpoints[-1], card, measure)
    if saved.name == config.name:
        for checkpoint in checkpoints:
            checkpoint.remove()
    if config.architecture == "faces":
        settings.say(BETTER)
    print(f"{saved}: {open_set.describe(card['measured'], config.accept)}; {card['seconds']} s")
    return bool(photos.skipped)


if __name__ == "__main__":
    settings.run(main, Config, __doc__, recipe)
