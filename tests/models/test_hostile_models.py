"""Model and data files made to do harm: each is refused in one line, soon, and with little memory."""

import json
import os
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile_files import doubled
from model_copies import FILES, copy_model, refusal

from recognition.files import sha256
from recognition.models import cards, converted, store
from recognition.models.weights import weight_shapes
from recognition.objects import classification, features
from recognition.settings import UserError
from recognition.training import datasets, labelled_digits

unix = pytest.mark.skipif(os.name == "nt", reason="pipes as Unix has them")
IDENTITY = {"name": "cifar10", "sha256": "ab", "size": 32, "version": 1}


@pytest.fixture
def folder(tmp_path) -> Path:
    return copy_model(tmp_path)


def change_card(folder: Path, **changes) -> None:
    path = folder / "digits.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def put_tflite(folder: Path, content: bytes) -> None:
    """Replace the .tflite, and its hash in the card."""
    (folder / "digits.tflite").write_bytes(content)
    change_card(folder, sha256={"weights.h5": sha256((folder / FILES[2]).read_bytes()), "tflite": sha256(content)})


def circle(file: h5py.File) -> None:
    file.create_group("a")["again"] = file


def same_array(file: h5py.File) -> None:
    file["x"] = np.zeros(3)
    file["y"] = file["x"]


def not_there(file: h5py.File) -> None:
    """Eight gigabytes of which not one byte was written."""
    file.create_dataset("x", (1_000_000_000,), "i8")


def packed(file: h5py.File) -> None:
    file.create_dataset("x", data=np.zeros(100_000_000, np.uint8), compression="gzip", chunks=(10_000_000,))


def large_piece(file: h5py.File) -> None:
    """A single number, for which a gigabyte has to be unpacked."""
    file.create_dataset("x", (1,), "u1", maxshape=(None,), chunks=(1_000_000_000,), compression="gzip")


@pytest.mark.parametrize("fill", [doubled, circle, same_array, not_there, packed, large_piece])
def test_numbers_that_are_more_than_their_file_are_refused_soon(tmp_path, fill):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    assert path.stat().st_size < 200_000
    start = time.monotonic()
    with pytest.raises(UserError, match=r"a\.h5 is damaged") as caught:
        weight_shapes(path, "how")
    assert time.monotonic() - start < 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize("what", ["labels", "files"])
def test_features_with_more_labels_or_names_than_images_are_refused(tmp_path, what):
    path = tmp_path / "a.h5"
    names, hashes = [f"{k}.jpg" for k in range(8)], ["ab"] * 8
    content = features.Features(
        np.ones((8, 4), np.float32), np.arange(8) % 2, ["a", "b"], names, hashes, IDENTITY, "folder"
    )
    features.write(path, content)
    assert features.read(path).files == names
    with h5py.File(path, "r+") as file:
        if what == "labels":
            del file["labels"]
            file.create_dataset("labels", (100_000,), "i8")  # small enough for its file, but not for its images
        else:
            del file["files"]
            file.create_dataset("files", (10_000,), h5py.string_dtype())
    with pytest.raises(UserError, match=r"a\.h5 is (damaged|no features file)"):
        features.read(path)


def test_texts_that_are_all_the_same_bytes_of_a_file_are_not_read():
    assert features._read_texts(SameText(100, "abc"), 300) == ["abc"] * 100
    with pytest.raises(ValueError, match="longer than the file"):
        features._read_texts(SameText(100, "y" * 3_000_000), 3_100_000)


class SameText:
    """A dataset of texts which are all the same bytes of a file; h5py writes none, but others can."""

    def __init__(self, count: int, text: str):
        self._texts = np.array([text] * count, object)

    def __len__(self) -> int:
        return len(self._texts)

    def asstr(self) -> np.ndarray:
        return self._texts


@pytest.mark.parametrize(
    ("read", "names"), [(datasets.load_split, datasets.PARTS), (labelled_digits.load_labelled, ("x", "y"))]
)
def test_a_gigabyte_of_zeros_in_a_megabyte_is_not_unpacked(tmp_path, read, names):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": (1000, 500, 500)}
                )
                for _ in range(100):
                    file.write(bytes(2_500_000))
    with pytest.raises(UserError, match=r"a\.npz is damaged .* MB in "):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("damage", ["cut", "garbage", "another network", "not finite"])
def test_a_network_that_cannot_run_is_one_line_though_its_hash_fits(folder, damage):
    content = (folder / "digits.tflite").read_bytes()
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "garbage":
        content = b"\x1c\0\0\0TFL3" + bytes(1000)
    elif damage == "another network":
        content = (cards.MODELS / "cifar10.tflite").read_bytes()
    else:
        content = not_finite(content)
    put_tflite(folder, content)
    assert "digits.tflite: " in refusal(folder) or damage == "another network"


def not_finite(content: bytes) -> bytes:
    """Return a .tflite file of digits with a NaN in each of its float biases and scales."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    changed = content
    for tensor in interpreter.get_tensor_details():
        if tensor["dtype"] == np.float32:
            try:
                values = interpreter.tensor(tensor["index"])().copy()
            except ValueError:
                continue
            if values.size >= 8 and values.tobytes() in changed:
                changed = changed.replace(values.tobytes(), np.full_like(values, np.nan).tobytes())
    assert changed != content
    return changed


def test_weights_that_are_not_finite_are_refused_when_they_are_read(folder):
    with h5py.File(folder / "digits.weights.h5", "r+") as file:
        found = []
        file.visititems(lambda name, item: found.append(item) if hasattr(item, "shape") and item.ndim == 2 else None)
        found[-1][0, 0] = np.nan
    assert "not finite" in refusal(folder)


@unix
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_model_of_pipes_devices_and_folders_is_refused_and_never_opened(folder, name, kind):
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "device":
        (folder / name).symlink_to("/dev/zero")
    else:
        (folder / name).mkdir()
    with pytest.raises(UserError, match=f"{name}: a (pipe or device|folder)"):
        store.load("digits", folder)


@unix
def test_what_was_converted_and_is_a_pipe_now_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(UserError, match="a pipe"):
        converted.read("a", {}, tmp_path)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"architecture": ' * 10_000 + "1" + "}" * 10_000, "9" * 10_000, "NaN", '"a', "\ufeff{}", "[]"],
    ids=range(7),
)
def test_json_that_is_deep_or_no_card_is_one_line(folder, text):
    (folder / "digits.json").write_text(text, encoding="utf-8")
    assert "digits.json is damaged" in refusal(folder)


BAD = [None, -1, float("nan"), 1e999, "x\n\x1b[31m", [], {}, [None], "\ud800", 10**30, [[]], True]


def places(value: object, before: tuple = ()) -> list[tuple]:
    """Return where something is in a card: keys and indices, one after the other."""
    found = [before]
    if isinstance(value, dict):
        found += [place for key in value for place in places(value[key], (*before, key))]
    elif isinstance(value, list):
        found += [place for k in range(min(2, len(value))) for place in places(value[k], (*before, k))]
    return found


def put(card: object, place: tuple, value: object) -> object:
    if not place:
        return value
    card = json.loads(json.dumps(card))
    inner = card
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return card


@pytest.mark.parametrize("name", ["digits", "cifar10", "pages", "photos"])
def test_whatever_is_in_a_card_it_is_used_or_refused_in_a_line(tmp_path, monkeypatch, name):
    whole = json.loads((cards.MODELS / f"{name}.json").read_text())
    for ending in (".weights.h5", ".tflite"):
        (tmp_path / f"{name}{ending}").symlink_to(cards.MODELS / f"{name}{ending}")
    monkeypatch.setattr(store, "load_weights", refuse)  # another hash: it would be made again
    monkeypatch.setattr(classification, "say", print)
    refused = 0
    for place in places(whole):
        for value in BAD:
            (tmp_path / f"{name}.json").write_text(json.dumps(put(whole, place, value)))
            try:
                card = cards.read_card(name, tmp_path)
                if place[:1] in (("class_names",), ("line",), ("near",), ("shape",), ("calibration",)) or not place:
                    store.load(name, tmp_path)
                assert 0 <= card["threshold"] <= 1 and all(isinstance(one, str) for one in card["class_names"])
            except UserError as error:
                refused += 1
                assert "\n" not in str(error) and "\x1b" not in str(error)
    assert refused > 100


def refuse(*_) -> None:
    raise UserError("other weights")
