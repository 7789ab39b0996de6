"""Networks of OpenCV's model zoo: each is fetched once, and converted once on this computer for LiteRT to run.

File and conversion lie in data/models. TensorFlow, which converts, is started as a program of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.files import PUBLISHED
from recognition.models import converted, onnx_weights
from recognition.settings import UserError, say

URL = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"


@dataclass(frozen=True)
class Network:
    """A network of the zoo. `place`, `sha256`: of its file there; `name`: of the conversion; `version`: of the network
    that is written, another number, and it is converted again; `title`: what it is called, `cost` what converting
    takes; `instead`: what else to take where it cannot be had; `slower`: how much longer OpenCV takes; `module`: whose
    function `convert`, given the file and the folder, converts; `download`: see downloads.fetch."""

    place: str
    sha256: str
    name: str
    version: int
    title: str
    cost: str
    instead: str
    slower: str
    module: str
    download: Callable[[Path, str, str, str], Path]

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.place.rpartition("/")[2]

    @property
    def _kept(self) -> dict[str, object]:
        """What the card of the conversion must say."""
        return {"sha256": self.sha256, "version": self.version}

    def is_here(self, folder: Path = PUBLISHED) -> bool:
        """Tell whether it can be loaded without a download."""
        return any((folder / name).exists() for name in (self.file, f"{self.name}.tflite"))

    def fetch_file(self, folder: Path = PUBLISHED) -> Path:
        """Return the path of its own file, downloaded if it is not there; raise UserError for any other file."""
        return self.download(folder / self.file, f"{URL}/{self.place}", self.sha256, f"or take {self.instead}")

    def read(self, folder: Path = PUBLISHED) -> bytes | None:
        """Return the conversion as the bytes of a .tflite file; None where there is none, or it is damaged."""
        found = converted.read(self.name, self._kept, folder)
        return found and found[1]

    def fetch(self, source: Path, folder: Path = PUBLISHED) -> bytes:
        """Return the conversion, made now if it was not; raises UserError where that cannot be done.

        `source`: its own file, as fetch_file returns it.
        """
        return converted.fetch(self.name, self._kept, folder, self.module, lambda: source, self.title, self.cost)

    def load(self, folder: Path = PUBLISHED) -> bytes | Path:
        """Return the conversion, or, where it cannot be made, which is said, the path of the file for OpenCV to run.

        Raises UserError where the file cannot be had.
        """
        if content := self.read(folder):
            return content
        path = self.fetch_file(folder)
        try:
            return self.fetch(path, folder)
        except UserError as error:
            say(f"{error}; going on with OpenCV, which takes {self.slower}")
            return path

    def convert(self, source: Path, folder: Path, trained: Callable[[dict[str, np.ndarray]], object]) -> None:
        """Write the conversion and its card, unless that was done. Imports TensorFlow.

        `trained`: makes a Keras model of the arrays in the file.
        """
        converted.convert(
            source,
            self.name,
            lambda path: (trained(onnx_weights.read(path.read_bytes())), {"version": self.version}),
            self._kept,
            self.title,
            self.cost,
            folder,
        )
