"""Tell whether two photos show one person or two.

    python face_recognition/verify.py a.jpg b.jpg           # one person, perhaps one, or two, and how sure that is
    python face_recognition/verify.py a.jpg b.jpg --json    # one JSON object on stdout, nothing else

Nobody needs to be enrolled. It is decided as for people who are: of a hundred pairs of strangers, about one is taken
for one person (--accept). A likeness is no proof.
Exit code: 0 there is an answer, 1 a photo has no face that could be compared, 2 wrong usage.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from recognition import settings
from recognition.faces import detection, gallery, quality
from recognition.people import embed_photos, recognizers


@dataclass
class Config:
    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTO")]  # a photo of one person
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTO")]  # another one
    recognizer: Literal["auto", "sface", "dlib"] = "auto"  # compares the faces
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds them
    accept: float = 0.01  # share of pairs of strangers that may be taken for one person, 0 to 1
    json: bool = False  # print JSON instead of text


def refusal(frame: np.ndarray, faces: list[detection.Face]) -> str | None:
    """Return why the face that a BGR frame is of cannot be compared; None if it can."""
    reason = embed_photos.no_face(frame, faces)
    if reason or quality.is_clear(frame, detection.main_face(frame, faces)):
        return reason
    return "its face is too small or too blurred to be compared"


def main(config: Config) -> int:
    recognizers.check(config.recognizer, config.accept)
    photos = config.first, config.second
    detector, embedder = detection.load_detector(config.detector), recognizers.load_embedder(config.recognizer)
    found = list(embed_photos.embed_photos(((photo, None) for photo in photos), detector, embedder, refusal))
    for photo, (_, reason) in zip(photos, found, strict=True):
        if reason:
            settings.say(f"error: {photo}: {reason}")
    if any(reason for _, reason in found):
        return 1
    (one, _), (other, _) = found
    known = gallery.Gallery(["the first"], one[None], np.zeros(1, int), embedder.statistics, config.accept)
    match = known.match(other[None])[0]
    sure = match.confidence if match.name or match.perhaps else 1 - match.confidence
    answer = "one person" if match.name else "perhaps one person" if match.perhaps else "two people"
    line = {"photos": [str(photo) for photo in photos], "answer": answer, "confidence": round(match.confidence, 4)}
    line |= {"distance": round(match.distance, 4), "recognizer": embedder.name}
    print(json.dumps(line) if config.json else f"{answer} ({sure:.0%} sure)")
    return 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
