"""Read the handwritten numbers in very many photos, on all cores of this machine or of a cluster.

    python digit_recognition/bulk.py photos/                              # JSON Lines and Parquet into results/
    python digit_recognition/bulk.py --paths-from list.txt --resume       # goes on with what is in results/
    python digit_recognition/bulk.py s3://bucket/photos --output read/    # from a store
    python digit_recognition/bulk.py /nas/photos --address 10.0.0.5:6379  # on the machines of a Ray cluster

Needs requirements-bulk.txt. Reads models/pages.*.
Writes results/part-*.jsonl, with the lines that predict_static.py --json prints and one for each file that could not be
read, the same as part-*.parquet, and summary.json. docs/scale.md tells of clusters, and what photos cost.
Exit code: 0 all photos were read, 1 some could not be used (the others were), 2 wrong usage.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from recognition import settings
from recognition.bulk import engine
from recognition.digits import numbers, reader
from recognition.media.frames import Frame
from recognition.models import cards


@dataclass
class Config:
    # images, folders, patterns such as "photos/*.jpg", or addresses such as s3://bucket/photos
    paths: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH...")] = ()
    paths_from: str | None = None  # file with more of them, one a line; - is the standard input
    model: str = "pages"  # name of a model in models/ that reads pages
    threshold: float | None = None  # least confidence of a digit, 0 to 1, default the model's own; higher errs less
    digits_only: bool = False  # text without spaces between numbers and without signs
    handwritten: bool = False  # leave printed digits out
    output: Path = Path("results")  # folder for the results
    resume: bool = False  # go on with what is in that folder
    address: str | None = None  # of a Ray cluster's head node, such as 10.0.0.5:6379; by default this machine alone
    workers: int | None = None  # photos at a time, each by a core with networks of its own; by default one a core


class Digits:
    """Reads photos, in a worker."""

    def __init__(self, config: Config):
        self._config, self._model = config, reader.load(config.model)
        self._threshold = self._model.threshold(config.threshold)

    def __call__(self, frame: Frame) -> str:
        """Return what predict_static.py --json prints of a photo."""
        lines, rotated = reader.read_page(frame.image, self._model, self._threshold, self._config.handwritten)
        return numbers.json_line(frame.source, frame.index, lines, self._config.digits_only, rotated, frame.scale)


def schema():
    """Return what a line holds, for Parquet."""
    import pyarrow as pa

    box = pa.list_(pa.int64())
    digit = {"digit": pa.int64(), "confidence": pa.float64(), "box": box, "printed": pa.bool_()}
    number = {"text": pa.string(), "confidence": pa.float64(), "box": box}
    lists = {"digits": pa.list_(pa.struct(digit)), "numbers": pa.list_(pa.struct(number))}
    return pa.schema({"source": pa.string(), "frame": pa.int64(), "text": pa.string(), **lists, "rotated": pa.int64()})


def main(config: Config) -> int:
    return engine.run(config, Digits, schema, map(cards.card_path, (config.model, reader.ONE)))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
