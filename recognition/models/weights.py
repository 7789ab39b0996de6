"""Read .h5 files of weights into Keras models, and write them. No file can run code: they are only numbers."""

import io
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recognition.files import LARGEST_DATA, check_file, write_atomically
from recognition.settings import UserError, reason_of


def write_hdf5(path: Path, fill: Callable) -> None:
    """Let `fill` write into an h5py.File in memory, then write that: HDF5 itself crashes where a disk gets full."""
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    write_atomically(path, lambda temporary: temporary.write_bytes(content.getbuffer()))


def save_weights(model, path: Path) -> None:
    """Write the weights of a Keras model, as its own save_weights does, but whole or not at all; see write_hdf5."""
    from keras.src.saving import saving_lib  # of what is public, nothing writes into memory

    content = io.BytesIO()
    store = saving_lib.H5IOStore(content, mode="w")
    saving_lib._save_state(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()
    write_atomically(path, lambda temporary: temporary.write_bytes(content.getbuffer()))


def load_weights(
    path: Path, architecture: str, classes: int, how: str = "run the train.py that made it", shape: dict | None = None
):
    """Return a Keras model of `architecture` with the weights of an .h5 file. Raises UserError if they do not fit.

    `shape`: what else the architecture is told, from the card of a model that has it.
    """
    weight_shapes(path, how)  # first: it is quick, and Keras is not

    from recognition.networks import architectures

    if architecture not in architectures.ARCHITECTURES:
        known = ", ".join(architectures.ARCHITECTURES)
        raise UserError(f"{path}: architecture '{architecture}' is unknown (known: {known}): {how}")
    try:
        model = architectures.ARCHITECTURES[architecture](classes, **(shape or {}))
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: its card does not describe architecture '{architecture}' ({error}): {how}") from error
    fill(model, path, f"architecture '{architecture}' with {classes} classes", how)
    return model


def fill(model, path: Path, what: str, how: str) -> None:
    """Load the weights of an .h5 file into a Keras model, which is `what`. Raises UserError if they do not fit."""
    found = weight_shapes(path, how)
    expected = [tuple(weight.shape) for weight in model.weights]
    missing, foreign = _difference(expected, found), _difference(found, expected)
    if missing or foreign:
        raise UserError(
            f"{path} does not fit {what}: needs weights of shape {_first(missing) or 'none more'}, "
            f"has {_first(foreign) or 'none'}: {how}"
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # the error says it in one line
            model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(f"{path} cannot be read as weights ({reason_of(error)}): {how}") from error
    if not all(np.isfinite(array).all() for array in model.get_weights()):
        raise UserError(f"{path}: holds numbers that are not finite: {how}")


def _first(shapes: list) -> str:
    return ", ".join(map(str, shapes[:8])) + (" ..." if len(shapes) > 8 else "")


def _difference(a: list, b: list) -> list:
    rest = list(b)
    return [item for item in a if not (item in rest and not rest.remove(item))]


def weight_shapes(path: Path, how: str) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays in an .h5 file, refusing any file that points outside itself, or in circles.

    Nor can a small file hold large numbers: whoever reads it needs about as much memory as it has bytes.
    """
    import h5py

    try:
        size = check_file(path, LARGEST_DATA)
        with h5py.File(path, "r") as file:
            items = list(_walk(file, path, how))
            for item in items:
                _check_size(item, size)
            names = ("seed_generator", "optimizer")
            return [item.shape for item in items if not any(name in item.name for name in names)]
    except UserError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is damaged or no HDF5 file ({reason_of(error)}): {how}") from error


def _walk(file, path: Path, how: str) -> Iterator:
    """Yield the datasets of an h5py.File. Raises UserError for links, ValueError for what has two names."""
    import h5py

    groups, known = [file], {h5py.h5o.get_info(file.id).addr}
    while groups:
        group = groups.pop()
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise UserError(f"{path} refused: '{group.name}/{key}' is a link ({type(link).__name__}): {how}")
            item = group[key]
            place = h5py.h5o.get_info(item.id).addr
            if place in known:  # forty groups, each twice in the next, are reached in 2^40 ways
                raise ValueError(f"'{item.name[:50]}' is there under another name, too")
            known.add(place)
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                raise UserError(f"{path} refused: '{item.name}' does not keep its numbers in this file: {how}")
            else:
                yield item


def _check_size(item, size: int) -> None:
    """Raise ValueError for a dataset that is much larger than its file, or is kept in larger pieces than that."""
    most = max(20 * size, 1_000_000)
    piece = math.prod(item.chunks or (0,)) * item.dtype.itemsize
    if item.shape is None or max(item.nbytes, piece) > most:
        raise ValueError(f"'{item.name[:50]}' is {max(item.nbytes or 0, piece) / 1e6:,.0f} MB in {size / 1e6:,.1f} MB")
