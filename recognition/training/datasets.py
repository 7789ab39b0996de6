"""Datasets on disk: MNIST, CIFAR-10, labelled archives and labelled folders, checked before use.

MNIST: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist (60,000 + 10,000 handwritten digits).
CIFAR-10: A. Krizhevsky, "Learning multiple layers of features from tiny images" (2009; 50,000 + 10,000 photos).
"""

import contextlib
import hashlib
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from recognition.files import DATA, LARGEST_DATA, check_file, write_atomically
from recognition.settings import UserError, reason_of, say

PARTS = ("x_train", "y_train", "x_test", "y_test")
UNPACKED = 40  # times as large as the file, at most, may arrays be: MNIST's are five times, the digits of one pen 20
MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
CIFAR10_SHA256 = "80387ddb9a0edf3fc4a964ee3770296169bb26a651050df20035579673099660"


def load_mnist(path: Path = DATA / "mnist.npz") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x_train (60000, 28, 28), y_train (60000,), x_test (10000, 28, 28), y_test (10000,), all uint8.

    Images are white on black. Downloaded with Keras and kept at `path` if absent; checked against MNIST's checksum.
    """
    if not path.exists():
        url = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
        _download(path, "mnist", "MNIST (11 MB)", f"put mnist.npz from {url} there")
    arrays = load_split(path)
    if sha256(arrays) != MNIST_SHA256:
        raise UserError(f"{path} is not MNIST as published (checksum differs): delete it to download it again")
    return arrays


def load_cifar10(path: Path = DATA / "cifar10.npz") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x_train (50000, 32, 32, 3), y_train (50000,), x_test (10000, 32, 32, 3), y_test (10000,), all uint8.

    Images are RGB. Downloaded with Keras and kept at `path` if absent; checked against CIFAR-10's checksum.
    """
    if not path.exists():
        url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
        kept = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "datasets" / "cifar-10-batches-py-target_archive"
        _download(path, "cifar10", "CIFAR-10 (170 MB)", f"put {url} at {kept}, under that name, and run this again")
    arrays = load_split(path, (32, 32, 3))
    if sha256(arrays) != CIFAR10_SHA256:
        raise UserError(f"{path} is not CIFAR-10 as published (checksum differs): delete it to download it again")
    return arrays


def load(dataset: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays of a dataset of images of that shape: "mnist" or "cifar10", or an .npz as for `load_split`.

    Of digits there have to be all ten in both parts: others are made of them.
    """
    name, published = ("mnist", load_mnist) if shape == (28, 28) else ("cifar10", load_cifar10)
    arrays = published() if dataset == name else load_split(Path(dataset), shape)
    if shape == (28, 28) and min(len(np.unique(labels)) for labels in arrays[1::2]) < 10:
        raise UserError(f"{dataset}: needs all ten digits, to learn from and to test with")
    return arrays


def load_split(path: Path, shape: tuple[int, ...] = (28, 28)) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays x_train, y_train, x_test, y_test of an .npz: uint8 images of that shape, labels 0 to 9.

    Labels may lie in a column, (N, 1), as Keras has those of CIFAR-10.
    """
    x_train, y_train, x_test, y_test = _read_npz(path, PARTS)
    arrays = x_train, _flat(y_train), x_test, _flat(y_test)
    for images, labels in (arrays[:2], arrays[2:]):
        if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
            needed = ", ".join(map(str, ("N", *shape)))
            raise UserError(f"{path}: needs images uint8 ({needed}), has {images.dtype} {images.shape}")
        _check_labels(path, labels, len(images))
    return arrays


def _flat(labels: np.ndarray) -> np.ndarray:
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def hold_back(count: int, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which of `count` images to train on and which to choose by, int: the same for every seed."""
    order = np.random.default_rng(0).permutation(count)
    if validation >= count:
        raise UserError(f"--validation {validation}: the training set has only {count:,} images", 2)
    return order[validation:], order[:validation]


def steps_of(images: int, batch_size: int) -> int:
    """Return the number of whole batches in so many images. Raises UserError if there is none."""
    if images < batch_size:
        raise UserError(f"--batch-size {batch_size}: there are only {images:,} images to train on", 2)
    return images // batch_size


def draw(seed: int, epoch: int, step: int, count: int, batch_size: int) -> tuple[np.ndarray, np.random.Generator]:
    """Return which of `count` images are in a batch, int (B,), and what to vary them by: the same for the same seed."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[step * batch_size : (step + 1) * batch_size], np.random.default_rng([seed, epoch, step])


def _check_labels(path: Path, labels: np.ndarray, count: int) -> None:
    if labels.shape != (count,) or labels.dtype.kind not in "iu" or not np.isin(labels, range(10)).all():
        raise UserError(f"{path}: needs a label, a whole number 0 to 9, for each of its {count} images")


def sha256(arrays: tuple[np.ndarray, ...]) -> str:
    """Return the SHA-256 of the arrays' bytes, one after the other."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _download(path: Path, name: str, title: str, hint: str) -> None:
    """Write Keras's dataset `name` to `path`; without a network raise UserError, which ends with `hint`."""
    from recognition.networks.backend import keras

    say(f"{path} not found: downloading {title}")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras announces downloads where only results belong
            (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # whatever the network, the proxy or the disk came up with
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} not found and not downloaded ({reason}): {hint}") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = dict(zip(PARTS, (x_train, y_train, x_test, y_test), strict=True))
    write_atomically(path, lambda file: np.savez_compressed(file, **arrays), suffix=".npz")


def _read_npz(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Return the named arrays of an .npz file; nothing in it can run code."""
    try:
        size = check_file(path, LARGEST_DATA)
        if not zipfile.is_zipfile(path):  # NumPy would take it for a pickle, and says how to run that
            raise ValueError("no zip archive")
        with np.load(path, allow_pickle=False) as archive:
            wanted = [f"{name}.npy" for name in names]
            unpacked = sum(file.file_size for file in archive.zip.filelist if file.filename in wanted)
            if unpacked > max(UNPACKED * size, 50_000_000):
                raise ValueError(f"{unpacked / 1e6:,.0f} MB in {size / 1e6:,.1f} MB")
            return tuple(archive[name] for name in names)
    except FileNotFoundError:
        raise UserError(f"{path} not found") from None
    except UserError:
        raise
    except KeyError as error:
        raise UserError(f"{path}: needs the arrays {', '.join(names)} ({error.args[0]})") from None
    except (Exception, MemoryError) as error:  # zipfile, zlib and numpy each have their own
        raise UserError(f"{path} is damaged or no .npz file ({reason_of(error)})") from None


def split(labels: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices to train on and those to validate on, int; every class keeps at least one to train on.

    `share` of each class's images, rounded, is held back, spread evenly over them in the order of their names.
    """
    held_back = []
    order = np.argsort(labels, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        count = min(round(share * len(own)), len(own) - 1)
        held_back += own[((np.arange(count) + 0.5) * len(own) / max(count, 1)).astype(int)].tolist()
    return np.setdiff1d(np.arange(len(labels)), held_back), np.array(sorted(held_back), int)


def folds(labels: np.ndarray, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the indices to train on and to validate on, int, for each part of a cross-validation.

    Images are dealt out class by class, so that each of `count` parts has its share of all.
    """
    order = np.lexsort((np.random.default_rng(seed).random(len(labels)), labels))
    dealt = np.empty(len(labels), int)
    dealt[order] = np.arange(len(labels)) % min(count, len(labels))
    return [(np.flatnonzero(dealt != fold), np.flatnonzero(dealt == fold)) for fold in range(dealt.max() + 1)]
