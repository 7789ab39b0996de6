"""Write a model of your own classes as one .tflite file that runs without this collection, on a phone, say.

    python cifar_recognition/export.py fruit                         # writes output/fruit.tflite
    python cifar_recognition/export.py own --output ~/app/own.tflite
    python docs/run_exported.py output/fruit.tflite photo.jpg        # a few lines that use it: copy them

Reads models/NAME.* of train_transfer.py or collect.py. In: RGB pixels 0 to 255, float32 (3, 160, 160, 3), three
looks at a photo: all of it, the square in its middle and a closer one; or three times the same. Out: float32
(1, classes + 1), the probabilities of the classes, then that of "none of these": above 0.5 the photo shows no class.
Their names are in the same file as labels.txt, one a line, as TensorFlow Lite keeps them: a .tflite is a zip archive,
too (unzip -p FILE). Of a model made with --backbone cifar10 it is one look, float32 (1, 32, 32, 3): the square around
the middle as large as the photo, or, of a long one, one and a half times as wide as that is short.
Exit code: 0 written, 1 the model cannot be used, 2 wrong usage.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from recognition import files, settings
from recognition.models import cards, store, weights
from recognition.objects import backbones, lite0
from recognition.objects.classes import NONE, known_classes

LABELS = "labels.txt"  # in the file
BITS = 16  # of its weights: half as large, and the answers are the same


@dataclass
class Config:
    # a model in models/, made by train_transfer.py or collect.py
    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    output: Path | None = None  # .tflite file, by default output/NAME.tflite


def check(card: dict, path: Path) -> backbones.Backbone:
    """Return the backbone of a model, given its card; raise UserError for what cannot be exported."""
    if "backbone" not in card:
        raise settings.UserError(f"{path.with_suffix('.tflite')} is one file already: what is exported is a head", 2)
    backbone = backbones.load_same(card["backbone"], str(path))
    if backbone.name not in (lite0.NAME, "cifar10"):
        again = f"run {backbones.EXTRACT} FOLDER --backbone {lite0.NAME} and {backbones.TRAIN} {path.stem}"
        raise settings.UserError(f"{path}: made with {backbone.name}, which cannot be exported: {again}", 2)
    if "words" in card:
        raise settings.UserError(
            f"{path}: asks ImageNet's kinds, too, which is not exported: export one of your own", 2
        )
    return backbone


def build(card: dict, path: Path, backbone: backbones.Backbone):
    """Return the whole network in Keras. Imports TensorFlow."""
    from recognition.networks import efficientnet, exported
    from recognition.networks.backend import keras
    from recognition.networks.objects import SMALLEST

    how, names = f"run {backbones.TRAIN} {path.stem}", card["class_names"]
    model = weights.load_weights(path.with_suffix(".weights.h5"), card["architecture"], len(names), how, card["shape"])
    if backbone.name == lite0.NAME:
        network = lite0.in_keras(backbone.size)
    else:
        own = cards.read_card(backbone.name)
        network = weights.load_weights(
            cards.MODELS / f"{backbone.name}.weights.h5", own["architecture"], len(own["class_names"])
        )
    head, least = model, 0.0
    if card["architecture"] == backbones.FINE_TUNED:
        numbers, head, least = network.get_weights(), model.get_layer("head"), SMALLEST
        numbers[efficientnet.BEHIND] = model.get_layer("tail").get_weights()
        network.set_weights(numbers)
    to_features = keras.Model(network.input, network.get_layer("features").output)
    return exported.whole(to_features, head, card["threshold"], card.get("near"), names[-1] == NONE, least)


def labelled(content: bytes, labels: list[str]) -> bytes:
    """Return a .tflite file with names in it: an archive behind the network, which LiteRT does not look at."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LABELS, "".join(f"{label}\n" for label in labels))
    return file.getvalue()


def main(config: Config) -> int:
    path = cards.card_path(config.name)
    output = config.output or Path("output", f"{path.stem}.tflite")
    if output.suffix.lower() != ".tflite":
        raise settings.UserError(f"--output {output}: name a .tflite file", 2)
    store.load(config.name)  # checks its files, and makes up for weights that were replaced
    card = cards.read_card(config.name)
    backbone = check(card, path)
    files.make_folder(output.parent)
    settings.say(f"exporting {path.stem} (this takes half a minute)")
    labels = [*known_classes(card["class_names"]), NONE]
    content = labelled(store.export(build(card, path, backbone), BITS), labels)
    files.write_atomically(output, lambda temporary: temporary.write_bytes(content))
    size = f"{backbone.size}x{backbone.size}"
    print(f"{output}: {len(labels) - 1} classes and '{NONE}', {size} pixels, {len(content) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
