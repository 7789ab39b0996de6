"""dlib's descriptor read, converted and run without dlib, compared with dlib."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import script_environment

from recognition.downloads import dlib_file
from recognition.embeddings import dlib_conversion, dlib_embedder, dlib_weights
from recognition.settings import UserError

CONVERT = "import sys; from pathlib import Path; from recognition.embeddings import dlib_embedder; " + (
    "print(type(dlib_embedder.load_embedder(folder=Path(sys.argv[1]))).__name__, 'tensorflow' in sys.modules)"
)


def start(folder: Path, **environment: str) -> subprocess.Popen:
    """Start a program that wants dlib's descriptor and keeps it converted in `folder`."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    command = [sys.executable, "-c", CONVERT, str(folder)]
    return subprocess.Popen(command, env=script_environment(**environment), cwd=folder.parent, **pipes)


@pytest.fixture(scope="module")
def source() -> Path:
    """Return dlib's own file."""
    return Path(dlib_file(dlib_embedder.DESCRIPTOR))


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Return the folder of a conversion that was killed while it worked, and of one whose card was not written yet."""
    folder = tmp_path_factory.mktemp("user") / "converted"
    with start(folder) as program:
        limit = time.monotonic() + 100
        while not (folder / f".{dlib_conversion.NAME}.lock").exists():
            assert time.monotonic() < limit and program.poll() is None
            time.sleep(0.01)
        os.killpg(program.pid, signal.SIGKILL)
    (folder / f".{dlib_conversion.NAME}.tflite.1.partial").write_bytes(b"as if killed while writing")
    (folder / f"{dlib_conversion.NAME}.tflite").write_bytes(b"as if killed before the card was written")
    shutil.copytree(folder, folder.with_name("killed"))
    return folder


@pytest.fixture(scope="module")
def converted(killed) -> tuple[Path, list[tuple[str, str]], set[int]]:
    """Return a folder that two programs at once converted into, what they printed, and when its file was written."""
    programs, network = [start(killed), start(killed)], killed / f"{dlib_conversion.NAME}.tflite"
    before, written, running = network.stat().st_mtime_ns, set(), True
    while running:
        running = any(program.poll() is None for program in programs)
        written.add(network.stat().st_mtime_ns)  # the last time when both have ended
        time.sleep(0.005)
    return killed, [program.communicate() for program in programs], written - {before}


@pytest.fixture(scope="module")
def content(converted) -> bytes:
    """Return the converted descriptor."""
    return dlib_conversion.read(converted[0])


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Return images that are hard in different ways: noise, plain ones, drawn faces."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (150, 150, 3), np.uint8), np.zeros((150, 150, 3), np.uint8)]
    images += [np.full((150, 150, 3), 255, np.uint8), np.full((150, 150, 3), (250, 120, 10), np.uint8)]
    for skin in ((120, 160, 220), (60, 90, 140), (180, 200, 235)):
        face = np.full((150, 150, 3), random.integers(0, 256, 3), np.uint8)
        cv2.ellipse(face, (75, 80), (50, 65), 0, 0, 360, skin, -1, cv2.LINE_AA)
        for x in (53, 97):
            cv2.circle(face, (x, 62), 8, (250, 250, 250), -1, cv2.LINE_AA)
            cv2.circle(face, (x + 1, 63), 4, (40, 30, 20), -1, cv2.LINE_AA)
        cv2.ellipse(face, (75, 112), (20, 8), 0, 0, 180, (60, 60, 170), 3, cv2.LINE_AA)
        images.append(face)
    return np.stack(images)


def test_a_killed_conversion_leaves_nothing_that_is_used(converted):
    left = converted[0].with_name("killed")
    assert list(left.glob("*.tflite")) and dlib_conversion.read(left) is None


def test_two_programs_at_once_convert_once(converted):
    folder, printed, written = converted
    assert [out for out, _ in printed] == ["FastEmbedder False\n"] * 2
    assert all(err.count("\n") == 1 and "once on this computer" in err for _, err in printed)
    assert len(written) == 1
    names = [dlib_conversion.NAME + suffix for suffix in (".json", ".tflite")]
    assert sorted(path.name for path in folder.iterdir()) == sorted([f".{dlib_conversion.NAME}.lock", *names])
    card = json.loads((folder / names[0]).read_text())
    assert hashlib.sha256((folder / names[1]).read_bytes()).hexdigest() == card["tflite"]


def test_the_next_program_converts_nothing(converted):
    before = {path: path.stat().st_mtime_ns for path in converted[0].iterdir()}
    program = start(converted[0])
    assert program.communicate() == ("FastEmbedder False\n", "")
    assert {path: path.stat().st_mtime_ns for path in converted[0].iterdir()} == before


@pytest.mark.parametrize("mirrored", [False, True])
def test_embeddings_are_those_of_dlib(content, crops, mirrored):
    found = dlib_embedder.FastEmbedder(content, mirrored).embed(crops)
    expected = dlib_embedder.DlibEmbedder(mirrored).embed(crops)
    assert found.shape == (7, 128) and found.dtype == np.float32
    assert np.ptp(expected, 0).max() > 0.1  # else any constant would do
    assert np.abs(found - expected).max() < 1e-5


def test_embeddings_of_photographs_are_those_of_dlib(content, lfw):
    paths = sorted(lfw.glob("*/*.jpg"))[:12]
    crops = np.stack([cv2.resize(cv2.imread(str(path))[50:200, 50:200], (150, 150)) for path in paths])
    found, expected = (
        dlib_embedder.FastEmbedder(content, False).embed(crops),
        dlib_embedder.DlibEmbedder(False).embed(crops),
    )
    assert np.abs(found - expected).max() < 1e-5


def test_a_batch_gives_what_its_faces_give_alone(content, crops):
    embedder, many = dlib_embedder.FastEmbedder(content), np.concatenate([crops] * 3)[:19]
    alone = np.concatenate([embedder.embed(crop[None]) for crop in many])
    assert np.abs(embedder.embed(many) - alone).max() < 1e-5
    assert np.abs(embedder.embed(many[:, ::-1][:, ::-1]) - alone).max() < 1e-5  # not one piece of memory
    assert embedder.embed(crops[:0]).shape == (0, 128)


def test_both_embedders_can_share_a_database():
    fast, dlib = dlib_embedder.FastEmbedder, dlib_embedder.DlibEmbedder
    assert (fast.name, fast.size, fast.padding) == (dlib.name, dlib.size, dlib.padding)


def test_the_weights_for_keras_are_those_of_dlib(source):
    found = dlib_weights.read(source)
    arrays = dlib_conversion.trained(found).get_weights()
    assert any(np.array_equal(array, found[-1].weights[0]) for array in arrays)
    (kernel, _), (factor, _) = (layer.weights for layer in found[1:3])
    first = np.einsum("ochw,o->hwco", kernel, factor.ravel()) / 256
    assert any(array.shape == first.shape and np.allclose(array, first) for array in arrays)


@pytest.mark.parametrize("damage", ["tflite", "card", "version", "list", "nothing"])
def test_a_damaged_conversion_is_not_used(tmp_path, damage):
    content = b"instead of 22 MB"
    card = {"sha256": dlib_weights.RESNET_SHA256, "version": dlib_conversion.VERSION, "stamp": [1, 2]}
    card["tflite"] = hashlib.sha256(content).hexdigest()
    card["version"] += damage == "version"
    text = "[]" if damage == "list" else json.dumps(card)[: 9 if damage == "card" else None]
    (tmp_path / f"{dlib_conversion.NAME}.json").write_text(text)
    (tmp_path / f"{dlib_conversion.NAME}.tflite").write_bytes(content[damage == "tflite" :])
    assert dlib_conversion.read(tmp_path) == (content if damage == "nothing" else None)


def test_an_altered_file_is_named_and_dlib_used(source, tmp_path, monkeypatch, capsys, crops):
    whole = bytearray(source.read_bytes())
    whole[-5_000] ^= 1  # of one weight
    altered = tmp_path / dlib_embedder.DESCRIPTOR
    altered.write_bytes(whole)
    monkeypatch.setattr(dlib_embedder, "dlib_file", lambda name: str(altered))
    embedder = dlib_embedder.load_embedder(folder=tmp_path / "converted")
    assert isinstance(embedder, dlib_embedder.DlibEmbedder) and embedder.embed(crops[:1]).shape == (1, 128)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(altered) in said and "dlib itself" in said
    altered.write_bytes(whole[:1_000_000])
    with pytest.raises(UserError, match="damaged"):
        dlib_embedder.load_embedder(folder=tmp_path / "converted")
    assert not (tmp_path / "converted").exists()


def test_without_tensorflow_dlib_is_used(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    embedder = dlib_embedder.load_embedder(folder=tmp_path / "converted")
    said = capsys.readouterr().err
    assert isinstance(embedder, dlib_embedder.DlibEmbedder)
    assert said.count("\n") == 1 and "pip install tensorflow" in said and "dlib itself" in said


def test_with_a_broken_tensorflow_dlib_is_used(tmp_path):
    (tmp_path / "stub" / "tensorflow").mkdir(parents=True)
    (tmp_path / "stub" / "tensorflow" / "__init__.py").write_text("raise ImportError('built for another computer')")
    paths = [str(tmp_path / "stub"), os.environ.get("PYTHONPATH", "")]
    program = start(tmp_path / "converted", PYTHONPATH=os.pathsep.join(filter(None, paths)))
    out, err = program.communicate()
    assert out == "DlibEmbedder False\n"
    assert "built for another computer" in err.splitlines()[-1] and "dlib itself" in err.splitlines()[-1]
    assert program.returncode == 0 and dlib_conversion.read(tmp_path / "converted") is None


def test_a_folder_that_cannot_be_written_is_named_and_dlib_used(tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    embedder = dlib_embedder.load_embedder(folder=tmp_path / "file" / "converted")
    said = capsys.readouterr().err.splitlines()
    assert isinstance(embedder, dlib_embedder.DlibEmbedder)
    assert len(said) == 2 and str(tmp_path / "file") in said[1]
