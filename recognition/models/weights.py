"""Read .h5 files of weights into Keras models, and write them. No file can run code: they are only numbers."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path

from recognition.files import LARGEST_DATA, check_file, write_atomically
from recognition.settings import UserError


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
        raise UserError(f"{path} cannot be read as weights ({str(error).splitlines()[0]}): {how}") from error


def _first(shapes: list) -> str:
    return ", ".join(map(str, shapes[:8])) + (" ..." if len(shapes) > 8 else "")


def _difference(a: list, b: list) -> list:
    rest = list(b)
    return [item for item in a if not (item in rest and not rest.remove(item))]


def weight_shapes(path: Path, how: str) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays in an .h5 file, refusing any file that points outside itself."""
    import h5py

    shapes: list[tuple[int, ...]] = []

    def walk(group: h5py.Group) -> None:
        for key in group:
            link = group.get(key, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise UserError(f"{path} refused: '{group.name}/{key}' is a link ({type(link).__name__}): {how}")
            item = group[key]
            if isinstance(item, h5py.Group):
                walk(item)
            elif not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                raise UserError(f"{path} refused: '{item.name}' does not keep its numbers in this file: {how}")
            elif "seed_generator" not in item.name and "optimizer" not in item.name:
                shapes.append(item.shape)

    try:
        check_file(path, LARGEST_DATA)
        with h5py.File(path, "r") as file:
            walk(file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise UserError(f"{path} is damaged or no HDF5 file ({str(error).splitlines()[0]}): {how}") from error
    return shapes
