"""Measure how often animals are boxed as people in photos, and how often people are not boxed any more for that.

    python benchmarks/faces_animals.py    # two minutes on two cores

Uses data/object_photos, data/object_photos_more and data/lfw. What counts as a person's face was set by the photos of
people and by drawn ones, knowing those of the animals.
"""

from dataclasses import dataclass
from functools import partial

import cv2
import faces
import measuring
import numpy as np

from recognition import settings
from recognition.faces import detection
from recognition.faces.crops import crops_of
from recognition.faces.gallery import is_human
from recognition.files import DATA
from recognition.media.frames import read_image
from recognition.people import recognizers

KINDS = ("bird", "cat", "deer", "dog", "frog")  # nobody is in photos of these
EVERY = 4  # of so many photos of LFW one is taken
CHANGES = {
    "": lambda image: image,
    "blurred by 2.5 pixels": partial(cv2.GaussianBlur, ksize=(0, 0), sigmaX=2.5),
    "at 12 % of the light": partial(cv2.convertScaleAbs, alpha=0.12),
}


@dataclass
class Config:
    pass


def main(_: Config) -> None:
    if not faces.LFW.exists():
        raise settings.UserError(f"{faces.LFW} not found: these rows need it")
    detector, embedder = detection.load_detector("yunet"), recognizers.load_embedder("sface")

    def shown(frame: np.ndarray) -> list[bool]:
        """Tell of each face that the detector finds whether it is shown."""
        found = detector.detect(frame)
        rows = embedder.embed(crops_of(frame, found, embedder.size, embedder.padding))
        return [is_human(row, embedder.statistics, face.confidence) for row, face in zip(rows, found, strict=True)]

    animals = [path for kind in KINDS for path in sorted(DATA.glob(f"object_photos*/{kind}/*"))]
    boxed = [shown(read_image(path)) for path in animals]
    claim = f"{len(animals)} photos of birds, cats, deer, dogs, frogs: with a face in them"
    rows = [(claim, f"{sum(map(bool, boxed))}, YuNet alone", "0", str(sum(map(any, boxed))))]
    people, texts = [read_image(path) for path in sorted(faces.LFW.glob("*/*.jpg"))[::EVERY]], []
    for change, function in CHANGES.items():
        lost = sum(not any(shown(function(image))) for image in people)
        texts.append(f"{lost} {change}".strip())
    rows.append((f"{len(people)} photos of people: without a face", "", "", "; ".join(texts)))
    measuring.print_table(rows, faces.versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
