"""Learn what is being collected: at once for the window, and in programs of their own a model that stays.

The programs are extract_features.py and train_transfer.py, as a user runs them: TensorFlow, which saves a model, would
stop the picture for seconds and stay in memory. What is told of an image when it is taken they need not compute again.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from recognition.files import ROOT
from recognition.objects import backbones, classification, features, lite0
from recognition.objects.classes import NONE
from recognition.objects.collecting import quick_head
from recognition.objects.collecting.collection import Collection
from recognition.settings import UserError, say

LEAST = 5  # images of each class: one for each part of the cross-validation


class Learner:
    """Knows the features of a collection's images, and learns from them when told."""

    def __init__(self, collection: Collection, name: str):
        """`name`: of the model. Looks at the images that are there already; some may take a while."""
        self.name, self._collection = name, collection
        self._backbone = backbones.load(lite0.NAME)
        self._extraction = features.Extraction(self._backbone, features.FOLDER / f"{name}.h5")
        for files in collection.files.values():
            self._extraction.extract(collection.folder, files)

    def look(self, file: str) -> None:
        """Compute the features of an image that was taken."""
        self._extraction.extract(self._collection.folder, [file])

    def missing(self) -> str:
        """Return in a line what lacks to learn from, "" if nothing does."""
        few = [f"{name} has {len(self._usable(name))}" for name in self._collection.files if self._lacks(name)]
        return f"{LEAST} images of each class are needed: {', '.join(few)}" if few else ""

    def learn(self) -> classification.Classifier:
        """Return what tells the classes apart from now on, learned in a moment."""
        names = sorted(self._collection.files, key=lambda name: (name == NONE, name))  # as class folders are read
        rows = {name: [self._extraction.rows[digest] for digest in self._usable(name)] for name in names}
        labels = np.repeat(np.arange(len(names)), [len(rows[name]) for name in names])
        x = np.stack([row for name in names for row in rows[name]])
        return classification.Classifier(quick_head.train(x, labels, names), self._backbone)

    def save(self) -> "Saving":
        """Start to train the model that stays, in programs of their own."""
        self._extraction.save()
        backbone = ["--backbone", self._backbone.name, "--size", str(self._backbone.size)]
        return Saving(
            [
                [
                    ROOT / "cifar_recognition" / "extract_features.py",
                    self._collection.folder,
                    "--name",
                    self.name,
                    *backbone,
                ],
                [ROOT / "cifar_recognition" / "train_transfer.py", self.name],
            ]
        )

    def _usable(self, name: str) -> list[str]:
        """Return the hashes of the images of a class that can be used, each once."""
        hashes = self._extraction.hashes
        return list(dict.fromkeys(hashes[file] for file in self._collection.files[name] if file in hashes))

    def _lacks(self, name: str) -> bool:
        return len(self._usable(name)) < LEAST


class Saving:
    """Scripts that run one after the other beside this program; as a context manager, they end with it."""

    def __init__(self, commands: list[list]):
        self._commands, self._printed = list(commands), ""
        self._start()

    def __enter__(self) -> "Saving":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        self._output, self._errors = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115 (pipes could fill up)
        self._process = subprocess.Popen(
            [sys.executable, *map(str, self._commands.pop(0))],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            env=os.environ | {"PYTHONUTF8": "1"},
        )

    def done(self, wait: bool = False) -> bool:
        """Tell whether all is done; `wait`: until it is. Raises UserError, with its own words, if a script failed."""
        while self._process is not None and (wait or self._process.poll() is not None):
            code = self._process.wait()
            self._printed, errors = map(_text, (self._output, self._errors))
            self._process = None
            if code not in (0, 1) or not self._printed:  # 1, but a result: some images could not be used
                lines = errors.splitlines() or [f"exit code {code}"]
                raise UserError(f"not saved: {lines[-1].removeprefix('error: ')}")
            if errors:
                say(errors)  # what the user should know of the images, and how each part was read
            if self._commands:
                self._start()
        return self._process is None

    def result(self) -> tuple[str, str]:
        """Return the path of the model, without a suffix, and all that was printed about it."""
        paths = [line.partition(": ")[0] for line in self._printed.splitlines()]
        found = [path for path in paths if Path(f"{path}.tflite").exists()]
        if not found:
            raise UserError(f"not saved: no model among what was printed: {self._printed}")
        return found[0], self._printed

    def stop(self, wait: bool = True) -> None:
        """End what still runs, which takes seconds while TensorFlow starts; `wait`: until it has ended."""
        self._commands = []
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.terminate()
            self._process.wait() if wait else None
            self._process = None


def _text(file) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace").strip()
