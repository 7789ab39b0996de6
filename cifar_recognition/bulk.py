"""Say what very many photos show, on all cores of this machine or of a cluster.

    python cifar_recognition/bulk.py photos/                              # JSON Lines and Parquet into results/
    python cifar_recognition/bulk.py --paths-from list.txt --resume       # goes on with what is in results/
    python cifar_recognition/bulk.py s3://bucket/photos --output read/    # from a store
    python cifar_recognition/bulk.py /nas/photos --address 10.0.0.5:6379  # on the machines of a Ray cluster

Needs requirements-bulk.txt. Reads models/photos.* and EfficientNet-Lite0, or the model of --model.
Writes results/part-*.jsonl, with the lines that predict_static.py --json prints and one for each file that could not be
read, the same as part-*.parquet, and summary.json. docs/scale.md tells of clusters, and what photos cost.
Exit code: 0 all photos were looked at, 1 some could not be used (the others were), 2 wrong usage.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from recognition import settings
from recognition.bulk import engine
from recognition.media.frames import Frame
from recognition.models import cards
from recognition.objects import classification


@dataclass
class Config:
    # images, folders, patterns such as "photos/*.jpg", or addresses such as s3://bucket/photos
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    model: str = "photos"  # photos, imagenet (a thousand kinds), cifar10 (the 32x32 network), or one of your own
    threshold: float | None = None  # least fit of a class, 0 to 1, default the model's own; higher errs less
    top: int = 5  # classes listed, the most probable first
    output: Path = Path("results")  # folder for the results
    resume: bool = False  # go on with what is in that folder
    address: str | None = None  # of a Ray cluster's head node, such as 10.0.0.5:6379; by default this machine alone
    workers: int | None = None  # photos at a time, each by a core with networks of its own; by default one a core


class Objects:
    """Classifies photos, in a worker."""

    def __init__(self, config: Config):
        settings.check_range(config, 1, math.inf, "top")
        self._classifier, self._top = classification.load(config.model), config.top
        self._threshold = self._classifier.threshold(config.threshold)

    def __call__(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        seen = classification.classify(frame.image, self._classifier, self._threshold, self._top)
        return classification.json_line(frame.source, frame.index, seen)


def schema():
    """Return what a line holds, for Parquet."""
    import pyarrow as pa

    top = pa.struct({"label": pa.string(), "confidence": pa.float64()})
    return pa.schema({"source": pa.string(), "frame": pa.int64(), "known": pa.bool_(), "top": pa.list_(top)})


def main(config: Config) -> int:
    return engine.run(config, Objects, schema, [cards.card_path(config.model)])


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
