"""Run a model with LiteRT, which starts in a tenth of a second and needs no Keras."""

import contextlib
import os
import warnings
from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np

from recognition.settings import UserError, quiet, reason_of

most_threads = os.cpu_count() or 1  # that a network works in; a worker that has one core says so, see bulk.engine
OFTEN = 3  # times that a size came, from which on it gets a network of its own: a photo has some of them twice


class Damaged(UserError):
    """What is in a .tflite file cannot be run, though it may be what its card says."""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Have what LiteRT cannot do raise Damaged."""
    try:
        yield
    except (ValueError, RuntimeError, IndexError) as error:
        raise Damaged(f"a network cannot be run ({reason_of(error)}): delete it: it is made again") from None


def _checked(output: np.ndarray) -> np.ndarray:
    """Return what a network says; Damaged where that is no number, and would be told as one."""
    if not np.isfinite(output).all():
        raise Damaged("a network answers with numbers that are not finite: train it again")
    return output


class Model:
    """A model that LiteRT runs: `predict` maps uint8 images (N, H, W) or (N, H, W, C) to float32 (N, classes).

    Some have features, too: what the last layer but one says of an image, for classes that it was not trained on.
    `shape`: of one image, (H, W, C).
    """

    def __init__(self, content: bytes, card: dict | None = None, threads: int = 2):
        """`content`: of a .tflite file; `card`: what is known of it, where it is a model of ours."""
        from ai_edge_litert.interpreter import Interpreter

        self._content, self.card = content, card or {}
        self.class_names: list[str] = self.card.get("class_names", [])
        with _told(), quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=min(threads, most_threads))
            self._interpreter.allocate_tensors()
            details = self._interpreter.get_input_details()[0]
            self._input, self.shape = details["index"], tuple(details["shape"][1:])
            outputs = {"probabilities": self._interpreter.get_output_details()[0]}
            if len(self._interpreter.get_output_details()) > 1:
                outputs = self._interpreter.get_signature_runner().get_output_details()  # only these have names
            self._outputs = {name: (details["index"], int(details["shape"][-1])) for name, details in outputs.items()}
            if "probabilities" not in self._outputs:
                raise ValueError("it has no output 'probabilities'")
        self._width = self._outputs["probabilities"][1]
        self._batch = 0
        if self.class_names and len(self.class_names) != self._width:
            named = len(self.class_names)
            raise UserError(f"the card names {named} classes, the network has {self._width}: train again")

    def threshold(self, wanted: float | None) -> float:
        """Return the least confidence to believe, 0 to 1: what the user wants, or what the model was measured with."""
        threshold = self.card["threshold"] if wanted is None else wanted
        if not 0 <= threshold <= 1:
            raise UserError(f"--threshold {threshold}: must be 0 to 1", 2)
        return threshold

    @property
    def has_features(self) -> bool:
        return "features" in self._outputs

    def predict(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the probabilities of every image, float32 (N, classes); all images go through in batches."""
        return self.run(images, batch_size)["probabilities"]

    def features(self, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
        """Return the features of every image, float32 (N, D), of a model that `has_features`."""
        return self.run(images, batch_size)["features"]

    def run(self, images: np.ndarray, batch_size: int = 256, names: Collection[str] | None = None) -> dict:
        """Return what the network says of every image in one pass, by name, each float32 (N, ...).

        That is "probabilities" and, where it has them, "features", "near" and "trunk", see networks.efficientnet;
        `names`: those that are wanted, by default all.
        """
        images = images.reshape(len(images), *self.shape)
        wanted = {name: told for name, told in self._outputs.items() if names is None or name in names}
        indices = [index for index, _ in wanted.values()]
        parts = [self._run(images[i : i + batch_size], indices) for i in range(0, len(images), batch_size)]
        return {
            name: np.concatenate([part[index] for part in parts]) if parts else np.zeros((0, width), np.float32)
            for name, (index, width) in wanted.items()
        }

    def layers(self, image: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Return what convolutions and poolings make of one image, (H, W) or (H, W, C), one after the other.

        Each its kind and its maps, float32 (h, w, C). An interpreter of its own keeps them, which is slower.
        """
        from ai_edge_litert.interpreter import Interpreter

        with quiet(), warnings.catch_warnings(action="ignore"):
            interpreter = Interpreter(model_content=self._content, experimental_preserve_all_tensors=True)
            interpreter.allocate_tensors()
        interpreter.set_tensor(self._input, image.reshape(1, *self.shape).astype(np.float32))
        interpreter.invoke()
        kinds = {"Relu": "convolution", "MaxPool": "max-pooling"}  # by the names that Keras gives
        found = [
            (kind, tensor["index"])
            for tensor in interpreter.get_tensor_details()
            for word, kind in kinds.items()
            if word in tensor["name"] and len(tensor["shape"]) == 4 and tensor["shape"][0] == 1
        ]
        return [(kind, interpreter.get_tensor(index)[0]) for kind, index in found]

    def _run(self, images: np.ndarray, indices: list[int]) -> dict[int, np.ndarray]:
        with _told():
            if len(images) != self._batch:
                self._batch = 0  # till it has the new size
                self._interpreter.resize_tensor_input(self._input, [len(images), *self.shape])
                self._interpreter.allocate_tensors()
                self._batch = len(images)
            self._interpreter.set_tensor(self._input, images.astype(np.float32))
            self._interpreter.invoke()
            return {index: _checked(self._interpreter.get_tensor(index)) for index in indices}


class Maps:
    """A fully convolutional model that LiteRT runs: `run` maps an image, (H, W) or (H, W, C), to float32 (h, w, C).

    Sizes that come again, as those of live frames do, have an interpreter each, the last few of them; one serves all
    others: to bring it to another size takes a tenth of the time.
    """

    threshold = Model.threshold

    def __init__(self, content: bytes, card: dict | None = None, threads: int = 2, ready: int = 400_000):
        """`content`, `card`: as for Model. `ready`: pixels of all the sizes that are kept ready, at most."""
        self.card = card or {}
        self.class_names: list[str] = self.card.get("class_names", [])
        self._content, self._threads, self._most = content, min(threads, most_threads), ready
        self._ready: dict[tuple[int, int, int], object] = {}
        self._seen: Counter[tuple[int, int, int]] = Counter()
        self._other, self._other_shape = None, None

    def run(self, image: np.ndarray) -> np.ndarray:
        return self.run_all(image)[0]

    def run_all(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the maps of all outputs, float32 (h, w, C), in the order in which the file has them."""
        image = image.reshape(*image.shape[:2], -1)
        with _told():
            interpreter = self._of_size(image.shape)
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None].astype(np.float32))
            interpreter.invoke()
            outputs = [output["index"] for output in interpreter.get_output_details()]
            return [_checked(interpreter.get_tensor(index))[0] for index in outputs]

    def _of_size(self, shape: tuple[int, int, int]):
        if shape in self._ready:
            self._ready[shape] = self._ready.pop(shape)  # the last one of the dictionary was used last
            return self._ready[shape]
        if shape != self._other_shape:
            self._seen[shape] += 1
            own = self._seen[shape] > OFTEN and shape[0] * shape[1] <= self._most
            if own:
                self._ready[shape] = self._load(shape)
                while sum(height * width for height, width, _ in self._ready) > self._most:
                    del self._ready[next(iter(self._ready))]
                return self._ready[shape]
            self._other_shape = None  # till it has the new size
            self._other, self._other_shape = self._load(shape, self._other), shape
        return self._other

    def _load(self, shape: tuple[int, int, int], interpreter=None):
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            interpreter = interpreter or Interpreter(model_content=self._content, num_threads=self._threads)
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [1, *shape])
            interpreter.allocate_tensors()
        return interpreter


class Network:
    """A network of others that LiteRT runs as it is, one input at a time. `shape`: of the input, with the leading 1."""

    def __init__(self, content: bytes, threads: int = 2):
        """`content`: of a .tflite file; ValueError or RuntimeError where it is none."""
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=min(threads, most_threads))
            self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()[0]
        self._input, self.shape = details["index"], tuple(map(int, details["shape"]))
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def run(self, values: np.ndarray) -> list[np.ndarray]:
        """Return all that the network says of an input, float32 of its shape, each float32 (1, ...)."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return [_checked(self._interpreter.get_tensor(index)) for index in self._outputs]
