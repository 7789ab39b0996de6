"""Compute features of your own images with a pre-trained network, for train_transfer.py to learn their classes from.

    python cifar_recognition/extract_features.py data/dogs                       # with EfficientNet-Lite0, of ImageNet
    python cifar_recognition/extract_features.py data/dogs --backbone cifar10    # with our own network: faster
    python cifar_recognition/extract_features.py data/dogs --backbone vgg16      # with VGG16, trained on ImageNet
    python cifar_recognition/extract_features.py data/dogs --backbone vgg16 --weights vgg16_weights.h5
    python cifar_recognition/extract_features.py data/dogs --name pets           # into data/features/pets.h5

    data/dogs/dog/*.jpg        a folder for each class, two or more, with or without folders in them;
    data/dogs/not_dog/*.jpg    one called "none of these" holds what belongs to no class

Writes data/features/NAME.h5. Run it again when images were added or changed: only those are computed.
Exit code: 0 all images were used, 1 some could not be, or lie in two classes (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from recognition import files, settings
from recognition.models import cards
from recognition.objects import backbones, class_folders, features


@dataclass
class Config:
    # folder with a subfolder of images for every class
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    backbone: Literal["efficientnet_lite0", "cifar10", "vgg16", "mobilenet_v2"] = "efficientnet_lite0"  # who looks
    weights: Path | None = None  # .h5 file of vgg16 or mobilenet_v2 from Keras, by default downloaded
    # pixels a side, a multiple of 32, by default 160, vgg16 and mobilenet_v2 64; cifar10 sees 32
    size: int | None = None
    name: str | None = None  # of the features and of the model trained on them, by default the folder's
    output: Path = features.FOLDER  # folder for NAME.h5


def main(config: Config) -> int:
    if config.backbone == "cifar10" and config.size:
        raise settings.UserError(f"--size {config.size}: cifar10 sees 32 pixels a side: choose another --backbone", 2)
    name = config.name or config.folder.resolve().name
    cards.check_name(name)
    head = backbones.head_card(name)
    classes = class_folders.scan(config.folder)
    class_folders.check_classes(config.folder, classes.class_names)
    files.make_folder(config.output)
    path = config.output / f"{name}.h5"
    backbone = backbones.load_or_small(config.backbone, config.weights, config.size)
    extraction = features.Extraction(backbone, path)
    paths = [file for own in classes.files.values() for file in own]
    extraction.extract(config.folder, paths)
    chosen = class_folders.choose(classes, extraction.hashes)
    hashes = [extraction.hashes[file] for file in chosen.files]
    rows = np.stack([extraction.rows[digest] for digest in hashes])
    folder = str(config.folder.resolve())
    content = features.Features(
        rows, np.array(chosen.labels), chosen.class_names, chosen.files, hashes, backbone.identity, folder
    )
    features.write(path, content)
    extraction.checkpoint.unlink(missing_ok=True)
    if extraction.failed or chosen.ambiguous:
        left = [f"{len(extraction.failed)} that cannot be read", f"{len(chosen.ambiguous)} in more than one class"]
        settings.say(f"{len(paths):,} images, left out of them: {', '.join(left)}")
    print(
        f"{path}: {len(rows):,} images of {len(chosen.class_names):,} classes, {rows.shape[1]} numbers each "
        f"by {backbone.name}, {extraction.computed:,} computed now"
    )
    if head and head["class_names"] != chosen.class_names:
        settings.say(f"the model {name} was trained for other classes: run {backbones.TRAIN} {name}")
    return 1 if extraction.failed or chosen.ambiguous else 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
