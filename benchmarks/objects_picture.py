"""Draw the picture of the README for objects: drawn scenes, named by predict_static.py's own functions.

    python benchmarks/objects_picture.py              # after every training of models/photos.*, into docs/objects.jpg
    python benchmarks/objects_picture.py --output /tmp/objects.jpg

The scenes are those of scenes.py, so no photo is published.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import scenes

from recognition import files, settings
from recognition.objects import classification, drawing, occlusion


@dataclass
class Config:
    output: Path = files.ROOT / "docs" / "objects.jpg"  # the picture


def main(config: Config) -> None:
    classifier = classification.load("photos")
    pictures = []
    for scene, explained in ((scenes.ship(), False), (scenes.airplane(), False), (scenes.truck(), True)):
        seen = classification.classify(scene, classifier, classifier.threshold(None), 3)
        print(classification.text_of(seen))
        heat = occlusion.explain(scene, classifier, seen.top[0].label) if explained else None
        pictures.append(drawing.picture(scene, seen, heat))
    files.write_atomically(config.output, lambda path: cv2.imwrite(str(path), np.hstack(pictures)), ".jpg")


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
