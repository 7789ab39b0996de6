"""VGG-Face on files of its three layouts with few filters and random numbers; the real ones hold 145 million."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import script_environment

from recognition import files
from recognition.embeddings import vgg_face
from recognition.settings import UserError

BLOCKS = (4, 4), (4, 4), (4, 4, 4), (6, 6, 6), (6, 6, 6)
DENSE = 10, 8, 5
SMALL = {"blocks": BLOCKS, "dense": DENSE}
NAMES = [f"conv{block}_{k + 1}" for block, filters in enumerate(BLOCKS, 1) for k in range(len(filters))]


def numbers(top: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return kernels and biases of all layers, those of fc as (in, out)."""
    rng = np.random.default_rng(0)
    filters = [3, *(count for block in BLOCKS for count in block)]
    shapes = [(3, 3, *pair) for pair in pairwise(filters)]
    shapes += list(zip((49 * filters[-1], *DENSE), DENSE, strict=False)) if top else []
    return [
        (
            rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype("f4"),
            rng.normal(0, 0.1, shape[-1]).astype("f4"),
        )
        for shape in shapes
    ]


def write(path: Path, layout: str) -> Path:
    """Write a file as one of the publishers did, layers in the order in which HDF5 lists them: by the alphabet."""
    pairs = numbers(layout != "notop")
    with h5py.File(path, "w") as file:
        if layout == "convolutions":  # a Sequential of Keras 2: conv2d_1 to conv2d_16, the last three of them fc
            shapes = [None] * 13 + [(7, 7, BLOCKS[-1][-1], DENSE[0]), (1, 1, *DENSE[:2]), (1, 1, *DENSE[1:])]
            for k, ((kernel, bias), shape) in enumerate(zip(pairs, shapes, strict=True), 1):
                file[f"conv2d_{k}/conv2d_{k}/kernel:0"] = kernel.reshape(shape) if shape else kernel
                file[f"conv2d_{k}/conv2d_{k}/bias:0"] = bias
                file.create_group(f"zero_padding2d_{k}")
        else:
            for name, (kernel, bias) in zip([*NAMES, "fc6", "fc7", "fc8"], pairs, strict=False):
                file[f"{name}/{name}_W:0"], file[f"{name}/{name}_b:0"] = kernel, bias
            file.create_group("fc6/relu")  # the activations were layers of such names
            file.create_group("pool1")
    return path


def expected(crops: np.ndarray, layout: str) -> np.ndarray:
    """Return the descriptors, float (N, D), computed with NumPy alone."""
    pairs = numbers(layout != "notop")
    x = crops / 255.0 if layout == "convolutions" else crops - np.array([93.5940, 104.7624, 129.1863])
    for block in BLOCKS:
        for _ in block:
            kernel, bias = pairs.pop(0)
            windows = np.lib.stride_tricks.sliding_window_view(
                np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (3, 3), (1, 2)
            )
            x = np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel, optimize=True) + bias, 0)
        n, side, _, filters = x.shape
        x = x.reshape(n, side // 2, 2, side // 2, 2, filters).max((2, 4))
    if layout == "notop":
        x = x.mean((1, 2))
    else:
        x = x.reshape(n, -1)
        for kernel, bias in pairs[:2]:  # fc7 is the descriptor
            x = np.maximum(x @ kernel + bias, 0)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), np.uint8)


@pytest.mark.parametrize("layout", ["top", "notop", "convolutions"])
def test_descriptors_are_what_the_paper_computes(tmp_path, crops, layout):
    path = write(tmp_path / "weights.h5", layout)
    found, weights = vgg_face.read_weights(path, **SMALL)
    assert found.name == layout
    exact = vgg_face.network(found, weights, BLOCKS).predict(crops.astype(np.float32), verbose=0)
    assert np.abs(exact - expected(crops, layout)).max() < 1e-4

    embedder = vgg_face.VggFace(path, tmp_path, **SMALL)
    descriptors = embedder.embed(crops)
    assert np.allclose(np.linalg.norm(descriptors, axis=1), 1, atol=1e-3)
    assert (descriptors * exact).sum(1).min() > 0.99  # its weights are rounded to 8 bits
    assert embedder.embed(crops[:0]).shape == (0, descriptors.shape[1])
    assert embedder.statistics.nearest == found.threshold
    assert embedder.name == f"vggface_{layout}_{files.hash_of(path)[:12]}"
    both = (embedder.embed(crops[:1]) + embedder.embed(crops[:1, :, ::-1])) / 2
    assert np.allclose(embedder.embed(crops[:1], mirrored=True), both, atol=1e-6)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """Return a folder with weights that were used once."""
    folder = tmp_path_factory.mktemp("vgg")
    vgg_face.VggFace(write(folder / "rcmalli_vggface_tf_vgg16.h5", "top"), folder, **SMALL)
    return folder


def copy(folder: Path, to: Path) -> Path:
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


def test_second_time_needs_neither_keras_nor_the_weights(exported, tmp_path, crops, capsys):
    folder = copy(exported, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "rcmalli_vggface_tf_vgg16.h5").unlink()
    np.save(tmp_path / "crops.npy", crops)
    program = (
        "import sys; import numpy as np; from pathlib import Path; from recognition.embeddings.vgg_face import VggFace;"
        "found = VggFace(folder=Path(sys.argv[1])).embed(np.load(sys.argv[2]));"
        "assert not {'keras', 'tensorflow'} & set(sys.modules); print(repr(found.tolist()))"
    )
    arguments = [sys.executable, "-c", program, str(folder), str(tmp_path / "crops.npy")]
    done = subprocess.run(arguments, env=script_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert np.allclose(json.loads(done.stdout), vgg_face.VggFace(folder=exported).embed(crops), atol=1e-5)
    del before["rcmalli_vggface_tf_vgg16.h5"]
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert capsys.readouterr().err == ""


def test_other_numbers_in_the_file_first_used_are_refused(exported, tmp_path):
    folder = copy(exported, tmp_path)
    path = folder / "rcmalli_vggface_tf_vgg16.h5"
    with h5py.File(path, "r+") as file:
        file["conv1_1/conv1_1_b:0"][0] = 7
    with pytest.raises(UserError, match=r"not the file first used .*delete .*vggface_rcmalli_vggface_tf_vgg16\.json"):
        vgg_face.VggFace(folder=folder, **SMALL)


@pytest.mark.parametrize("suffix", ["tflite", "json"])
def test_damaged_export_is_made_anew(exported, tmp_path, crops, suffix, capsys):
    folder = copy(exported, tmp_path)
    (folder / f"vggface_rcmalli_vggface_tf_vgg16.{suffix}").write_bytes(b"{}")
    assert np.allclose(
        vgg_face.VggFace(folder=folder, **SMALL).embed(crops), vgg_face.VggFace(folder=exported).embed(crops)
    )
    sha256 = files.hash_of(folder / "rcmalli_vggface_tf_vgg16.h5")
    assert sha256 in capsys.readouterr().err  # shown, so that it can be compared


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        vgg_face.VggFace(path, path.parent / "none", **SMALL)
    assert not (path.parent / "none").exists()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_file_of_another_network_is_refused_with_both_shapes(tmp_path):
    path = write(tmp_path / "a.h5", "top")
    with h5py.File(path, "r+") as file:
        del file["conv2_1/conv2_1_W:0"]
        file["conv2_1/conv2_1_W:0"] = np.zeros((5, 5, 4, 4), "f4")
    message = refusal(path)
    assert "(5, 5, 4, 4)" in message
    assert "(3, 3, 4, 4)" in message


def test_other_files_are_refused(tmp_path):
    assert "not found" in refusal(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("no weights")
    assert "no HDF5 file" in refusal(tmp_path / "text.h5")
    whole = write(tmp_path / "whole.h5", "top").read_bytes()
    (tmp_path / "half.h5").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal(tmp_path / "half.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert "has 0" in refusal(tmp_path / "empty.h5")
    with h5py.File(write(tmp_path / "link.h5", "top"), "r+") as file:
        file["evil"] = h5py.ExternalLink(str(tmp_path / "whole.h5"), "/conv1_1")
    assert "refused" in refusal(tmp_path / "link.h5")
    with h5py.File(write(tmp_path / "nan.h5", "notop"), "r+") as file:
        file["conv1_1/conv1_1_b:0"][0] = np.nan
    assert "not finite" in refusal(tmp_path / "nan.h5")


def test_real_sizes_are_those_of_the_paper():
    top, notop, convolutions = vgg_face.layouts()
    count = sum(np.prod(shape) for pair in vgg_face._shapes(top, vgg_face.BLOCKS) for shape in pair)
    assert count == 145_002_878  # as keras_vggface counts them
    assert sum(np.prod(shape) for pair in vgg_face._shapes(notop, vgg_face.BLOCKS) for shape in pair) == 14_714_688
    assert sum(np.prod(shape) for pair in vgg_face._shapes(convolutions, vgg_face.BLOCKS) for shape in pair) == count


def test_nothing_there_and_no_network(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg_face, "FILES", {"a.h5": "http://127.0.0.1:9/a.h5"})
    with pytest.raises(UserError, match=r"a\.h5 not found and not downloaded .*--weights"):
        vgg_face.VggFace(folder=tmp_path / "models")
