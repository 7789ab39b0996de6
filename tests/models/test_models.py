"""Model files are checked before use, rebuilt where that is possible, refused by name where not, and never run code."""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import copy_project
from model_copies import FILES, TRAIN, contents, copy_model, refusal, untrained

from recognition.models import cards, litert, store
from recognition.models.weights import load_weights, weight_shapes
from recognition.settings import UserError
from recognition.training import augment_digits, datasets, labelled_digits


@pytest.fixture
def folder(tmp_path) -> Path:
    return copy_model(tmp_path)


def written(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    return augment_digits.written_digits(count, np.random.default_rng(5))


def test_shipped_model_fits_its_card_and_is_small():
    card = json.loads((cards.MODELS / "digits.json").read_text())
    for suffix, digest in card["sha256"].items():
        content = (cards.MODELS / f"digits.{suffix}").read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert len(content) <= 2_000_000
    assert card["class_names"][:11] == [*"0123456789", "no digit"]
    assert 0 <= card["threshold"] <= 1


def test_loading_says_and_writes_nothing(folder, capsys):
    before = contents(folder)
    store.load("digits", folder)
    assert contents(folder) == before
    assert capsys.readouterr() == ("", "")


def test_any_batch_gives_what_single_images_give(shipped):
    images, labels = written(300)  # more than one batch of 256
    together = shipped.predict(images)
    classes = len(shipped.class_names)
    assert together.shape == (300, classes)
    assert np.allclose(together.sum(1), 1, atol=1e-4)
    assert (together.argmax(1) == labels).mean() > 0.95
    for k in (0, 255, 256, 299):
        assert np.allclose(shipped.predict(images[k : k + 1])[0], together[k], atol=0.02)
    assert shipped.predict(images[:0]).shape == (0, classes)


def test_the_tflite_computes_what_keras_computes(shipped):
    path, classes = cards.MODELS / "digits.weights.h5", len(shipped.class_names)
    keras_model = load_weights(path, shipped.card["architecture"], classes)
    images, _ = written()
    expected = keras_model.predict(images[..., None], verbose=0)
    assert np.abs(shipped.predict(images) - expected).max() < 0.1  # its weights are rounded to 8 bits
    assert np.abs(shipped.predict(images) - expected).mean() < 0.002


def test_the_network_of_objects_is_stored_in_16_bits_and_made_from_what_is_stored(tmp_path):
    from recognition.networks.architectures import OBJECTS

    names = [str(k) for k in range(10)]
    store.save(OBJECTS["fast"](10), {"architecture": "fast", "class_names": names, "threshold": 0.5}, "fast", tmp_path)
    path = tmp_path / "fast.weights.h5"
    with h5py.File(path) as file:
        kinds = []
        file.visititems(lambda _, item: kinds.append(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert set(kinds) == {np.dtype(np.float16)}
    assert path.stat().st_size < 9_000_000
    images, _ = written(20)
    images = np.repeat(np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None], 3, -1)
    now = store.load("fast", tmp_path).predict(images)
    (tmp_path / "fast.tflite").unlink()
    assert (store.load("fast", tmp_path).predict(images) == now).all()
    assert np.abs(load_weights(path, "fast", 10).predict(images, verbose=0) - now).max() < 0.1


def test_a_network_brought_from_size_to_size_gives_what_a_new_one_gives():
    """Sizes that come once, and again, and more of them than are kept ready."""
    content, rng = (cards.MODELS / "pages.tflite").read_bytes(), np.random.default_rng(0)
    images = {size: rng.normal(size=size).astype(np.float32) for size in ((160, 96), (32, 64), (96, 96), (64, 32))}
    wanted = {size: litert.Maps(content).run(image) for size, image in images.items()}
    model = litert.Maps(content, ready=12_000)
    for size in [*images, *images, (96, 96), (160, 96), (160, 96), (32, 64), *images, *images, (32, 64), *images]:
        assert (model.run(images[size]) == wanted[size]).all()
    with pytest.raises(litert.Damaged):
        model.run(np.zeros((33, 47), np.float32))  # no size of this network
    assert (model.run(images[160, 96]) == wanted[160, 96]).all()


@pytest.mark.parametrize("damage", ["one byte", "missing"])
def test_damaged_tflite_is_rebuilt_once(folder, capsys, shipped, damage):
    path = folder / "digits.tflite"
    if damage == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    images, _ = written()
    assert np.allclose(store.load("digits", folder).predict(images), shipped.predict(images), atol=1e-3)
    assert len(capsys.readouterr().err.splitlines()) == 1
    after = contents(folder)
    store.load("digits", folder)
    assert capsys.readouterr().err == ""
    assert contents(folder) == after
    assert sorted(after) == sorted(FILES)
    assert json.loads(after["digits.json"]).get("measured") == shipped.card.get("measured")  # the weights are the same


def test_weights_that_were_replaced_are_used(folder, capsys):
    card = cards.read_card("digits", folder)
    other = untrained(len(card["class_names"]))
    other.save_weights(folder / "digits.weights.h5")
    images, _ = written()
    model = store.load("digits", folder)
    assert "rebuilding" in capsys.readouterr().err
    assert np.abs(model.predict(images) - other.predict(images[..., None], verbose=0)).max() < 0.1
    card = json.loads((folder / "digits.json").read_text())
    assert card["measured"] == {}  # what was measured belongs to other weights
    assert card["sha256"]["weights.h5"] == hashlib.sha256((folder / "digits.weights.h5").read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"not a model", "half"])
def test_damaged_weights(folder, content):
    path = folder / "digits.weights.h5"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content == "half" else content)
    message = refusal(folder)
    assert str(path) in message
    assert f"run python {TRAIN}" in message


def test_missing_weights(folder):
    (folder / "digits.weights.h5").unlink()
    message = refusal(folder)
    assert f"{folder / 'digits.weights.h5'} not found" in message
    assert f"run python {TRAIN}" in message


def test_weights_of_another_shape(folder):
    path = folder / "digits.weights.h5"
    with h5py.File(path, "r+") as file:
        needed = str(file["layers/dense/vars/1"].shape)
        del file["layers/dense/vars/1"]
        file["layers/dense/vars/1"] = np.zeros(7, np.float32)
    message = refusal(folder)
    assert str(path) in message
    assert needed in message
    assert "(7,)" in message  # what was found
    assert f"run python {TRAIN}" in message


def test_weights_of_the_right_shapes_in_the_wrong_places(folder):
    path = folder / "digits.weights.h5"
    shapes = weight_shapes(path, "")
    with h5py.File(path, "w") as file:
        for k, shape in enumerate(shapes):
            file[f"weights/{k}"] = np.zeros(shape, np.float32)
    assert str(path) in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"sha256": 3}', b"\xff\xfe\x00", None])
def test_damaged_or_missing_card(folder, content):
    path = folder / "digits.json"
    path.unlink() if content is None else path.write_bytes(content)
    message = refusal(folder)
    assert str(path) in message
    assert "train" in message


def test_card_without_a_threshold(folder):
    card = json.loads((folder / "digits.json").read_text())
    del card["threshold"]
    (folder / "digits.json").write_text(json.dumps(card))
    assert "threshold" in refusal(folder)


def test_card_of_an_unknown_architecture(folder):
    card = json.loads((folder / "digits.json").read_text())
    card["architecture"] = "os.system"
    (folder / "digits.json").write_text(json.dumps(card))
    (folder / "digits.tflite").unlink()
    assert "'os.system' is unknown (known: compact" in refusal(folder)


def soft_link(file: h5py.File, other: Path) -> None:
    file["evil"] = h5py.SoftLink("/layers")


def external_link(file: h5py.File, other: Path) -> None:
    file["evil"] = h5py.ExternalLink(str(other), "/x")


def virtual_dataset(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(other), "x", (3,))
    file.create_virtual_dataset("evil", layout)


def external_storage(file: h5py.File, other: Path) -> None:
    file.create_dataset("evil", (3,), "f4", external=[(str(other), 0, 12)])


def named_type(file: h5py.File, other: Path) -> None:
    file["evil"] = np.dtype("f4")


@pytest.mark.parametrize("trick", [soft_link, external_link, virtual_dataset, external_storage, named_type])
def test_weights_that_point_outside_are_refused(folder, tmp_path, trick):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.ones(3, np.float32)
    with h5py.File(folder / "digits.weights.h5", "r+") as file:
        trick(file, tmp_path / "other.h5")
    message = refusal(folder)
    assert "refused" in message
    assert "evil" in message


class Evil:
    """Unpickling this writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("read", "names"), [(datasets.load_split, datasets.PARTS), (labelled_digits.load_labelled, ("x", "y"))]
)
def test_pickled_datasets_are_refused_and_run_nothing(tmp_path, read, names):
    proof = tmp_path / "code was run"
    np.savez(tmp_path / "data.npz", **{name: np.array([Evil(proof)], object) for name in names})
    with pytest.raises(UserError, match=r"data\.npz"):
        read(tmp_path / "data.npz")
    assert not proof.exists()
    with np.load(tmp_path / "data.npz", allow_pickle=True) as archive:
        assert archive[names[0]] is not None
    assert proof.exists()  # with pickles allowed it does run


@pytest.mark.parametrize("labels", [[0, 10], [-1, 0], [0.0, 1.0], [0], ["0", "1"]])
def test_labels_that_are_no_digits_are_refused(tmp_path, labels):
    images = np.zeros((2, 28, 28), np.uint8)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images, y_test=[0, 1])
    np.savez(tmp_path / "b.npz", x=images, y=labels)
    for read, name in ((datasets.load_split, "a.npz"), (labelled_digits.load_labelled, "b.npz")):
        with pytest.raises(UserError, match=f"{name}.* label"):
            read(tmp_path / name)


@pytest.mark.parametrize("name", [f"pages{ending}" for ending in cards.ENDINGS])
def test_script_with_a_bad_model_is_one_line_and_no_traceback(script, photo, tmp_path, name):
    """A fresh copy of the project with one model file gone wrong, the .h5 and .json beyond repair."""
    clone = copy_project(tmp_path / "clone", "digit_recognition")
    (clone / "models").mkdir()
    for ending in cards.ENDINGS:
        shutil.copy(cards.MODELS / f"pages{ending}", clone / "models")
    (clone / "models" / name).write_bytes(b"damaged")
    done = script("digit_recognition/predict_static.py", photo, "--json", root=clone)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    if name == "pages.tflite":
        assert done.returncode == 0
        assert "rebuilding" in lines[0]
        assert json.loads(done.stdout)["text"] == "407\n5"
    else:
        assert done.returncode == 1
        assert done.stdout == ""
        assert lines[0].startswith(f"error: {clone / 'models' / name} ")
        assert "train" in lines[0]


def test_a_card_holds_a_list_of_numbers_in_a_line_and_names_as_they_are(tmp_path):
    card = {"class_names": ["[1  2]", "a, [3,  4]"], "line": [1.5, -2e-05], "matrix": [[1, 2], [3, 4]], "none": []}
    cards.write_card(card, "x", tmp_path)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == card
    assert '"line": [ 1.5, -2e-05 ]' in text


def test_a_missing_model_is_refused_with_those_that_are_there(tmp_path):
    with pytest.raises(UserError, match=r"nope.json not found: train the model"):
        cards.read_card("nope", tmp_path)
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text("{}")
    with pytest.raises(UserError, match=r"nope.json not found: there are a, b"):
        cards.read_card("nope", tmp_path)
