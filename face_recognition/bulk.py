"""Recognise the people in very many photos, on all cores of this machine or of a cluster.

    python face_recognition/bulk.py photos/                              # JSON Lines and Parquet into results/
    python face_recognition/bulk.py --paths-from list.txt --resume       # goes on with what is in results/
    python face_recognition/bulk.py s3://bucket/photos --output read/    # from a store
    python face_recognition/bulk.py /nas/photos --address 10.0.0.5:6379  # on the machines of a Ray cluster

Needs requirements-bulk.txt. Reads the people of --faces (see enroll.py), which all machines have to see.
Writes results/part-*.jsonl, with the lines that predict_static.py --json prints and one for each file that could not be
read, the same as part-*.parquet, and summary.json. docs/scale.md tells of clusters, and what photos cost.
Exit code: 0 all photos were looked at, 1 some could not be used (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from recognition import settings
from recognition.bulk import engine
from recognition.faces import detection, live
from recognition.media.frames import Frame
from recognition.models import cards
from recognition.people.database import FACES
from recognition.shared import opening


@dataclass
class Config:
    # images, folders, patterns such as "photos/*.jpg", or addresses such as s3://bucket/photos
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    faces: str = str(FACES)  # folder of people, each a folder of photos; or the address of a shared gallery
    recognizer: Literal["auto", "sface", "dlib", "cnn", "vggface"] = "auto"  # names faces; cnn: trained by train.py
    model: str = "faces"  # of the cnn, its name in models/
    weights: Path | None = None  # of vggface, an .h5 file
    detector: Literal["auto", "yunet", "hog", "cnn"] = "auto"  # finds faces; yunet is best and fastest, cnn is slow
    accept: float = 0.01  # share of strangers that may be given a name, 0 to 1; lower names fewer of both
    output: Path = Path("results")  # folder for the results
    resume: bool = False  # go on with what is in that folder
    address: str | None = None  # of a Ray cluster's head node, such as 10.0.0.5:6379; by default this machine alone
    workers: int | None = None  # photos at a time, each by a core with networks of its own; by default one a core


class Faces:
    """Names faces in photos, in a worker."""

    def __init__(self, config: Config):
        self._detector = detection.load_detector(config.detector)
        self._recognizer = opening.load(
            config.recognizer, config.faces, self._detector, config.accept, config.model, config.weights
        )

    def __call__(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        found = self._detector.detect(frame.image)
        matches = self._recognizer.identify(frame.image, found)
        seen = [live.Seen(face.box, match, face) for face, match in zip(found, matches, strict=True) if match.human]
        return live.json_line(frame.source, frame.index, seen, frame.scale)


def schema():
    """Return what a line holds, for Parquet."""
    import pyarrow as pa

    told = {"name": pa.string(), "perhaps": pa.string(), "confidence": pa.float64(), "distance": pa.float64()}
    face = pa.struct(told | {"box": pa.list_(pa.int64())})
    return pa.schema({"source": pa.string(), "frame": pa.int64(), "faces": pa.list_(face)})


def main(config: Config) -> int:
    trained = [cards.card_path(config.model)] if config.recognizer == "cnn" else []
    return engine.run(config, Faces, schema, trained + [config.weights] * bool(config.weights))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
