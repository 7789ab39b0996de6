"""Files: what is never opened, what a full disk leaves, what killed runs left."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from recognition import files
from recognition.air_writing.strokes import load_strokes
from recognition.embeddings.vgg_face import read_weights
from recognition.faces.evaluation import load_pairs
from recognition.media.frames import FrameSource, read_image, read_pages
from recognition.models import cards
from recognition.objects import features
from recognition.settings import UserError
from recognition.training import labelled_digits

READERS = {
    "a.png": read_image,
    "a.pdf": lambda path: list(read_pages(path)),
    "a.npz": labelled_digits.load_labelled,
    "a.h5": features.read,
    "weights.h5": read_weights,
    "pairs.txt": lambda path: load_pairs(path, path.parent),
    "labels.json": lambda path: labelled_digits.load_photo_labels(path.parent),
    "a.jsonl": lambda path: load_strokes(path),
    "card.json": lambda path: cards.read_card("card", path.parent),
}
unix = pytest.mark.skipif(os.name == "nt", reason="pipes and limits as Unix has them")


@unix
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused_by_name_and_not_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)  # whoever opens it waits for ever
    with pytest.raises(UserError, match=f"{name}: a pipe or device"):
        READERS[name](tmp_path / name)


@unix
@pytest.mark.parametrize("name", READERS)
def test_a_device_without_an_end_is_refused_by_name(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(UserError, match=f"{name}: a pipe or device"):
        READERS[name](tmp_path / name)


@unix
@pytest.mark.parametrize("name", READERS)
def test_a_huge_file_is_refused_by_name(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        file.truncate(100_000_000_000)  # a file with a hole: it takes no room
    with pytest.raises(UserError, match=f"{name}: 100,000 MB are too many"):
        READERS[name](tmp_path / name)


@unix
def test_pipes_in_folders_of_images_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    source = FrameSource([str(tmp_path)])
    assert list(source) == []
    assert source.failed == [str(tmp_path / "pipe.jpg")]


def run_in_little_room(code: str, folder) -> subprocess.CompletedProcess:
    """Run code in a program whose files cannot grow over 20,000 bytes, as if the disk were full then."""
    code = f"""
import resource, sys
from pathlib import Path
import numpy as np
from recognition.settings import run
from dataclasses import dataclass
folder = Path({str(folder)!r})
@dataclass
class Config: pass
def main(config):
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    write()
{code}
run(main, Config, "")
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=files.ROOT)


FULL = {
    "features.h5": """
from recognition.objects import features
backbone = {"name": "any", "sha256": "0", "size": 32, "version": 1}
rows = np.random.default_rng(0).random((100, 512))
content = features.Features(rows, np.zeros(100), ["a"], ["a"] * 100, ["0"] * 100, backbone, "")
def write(): features.write(folder / "features.h5", content)
""",
    "model.weights.h5": """
from recognition.models.weights import save_weights
from recognition.networks.backend import keras
model = keras.Sequential([keras.Input((200,)), keras.layers.Dense(200)])
def write(): save_weights(model, folder / "model.weights.h5")
""",
    "picture.png": """
from recognition.media.sinks import save_picture
noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
def write(): save_picture(folder / "picture.png", noise)
""",
}


@unix
@pytest.mark.parametrize("name", FULL)
def test_a_full_disk_is_said_in_one_line_and_leaves_the_old_file(tmp_path, name):
    (tmp_path / name).write_text("old")
    done = run_in_little_room(FULL[name], tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path / name}: ")
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "old"


def test_weights_are_as_keras_writes_them(tmp_path):
    from recognition.models.weights import save_weights
    from recognition.networks.backend import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()])
    model.compile(keras.optimizers.Adam())
    model.optimizer.build(model.trainable_variables)
    save_weights(model, tmp_path / "ours.weights.h5")
    model.save_weights(tmp_path / "theirs.weights.h5")
    found = []
    for name in ("ours", "theirs"):
        arrays = {}
        with h5py.File(tmp_path / f"{name}.weights.h5") as file:
            file.visititems(lambda key, item, arrays=arrays: arrays.update({key: getattr(item, "shape", None)}))
            arrays["kernel"] = file["layers/conv2d/vars/0"][()]
        found.append(arrays)
    assert found[0].keys() == found[1].keys()
    np.testing.assert_array_equal(found[0]["kernel"], found[1]["kernel"])


def test_a_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    """If the power fails, there is the old one or the new one, no empty one."""
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("fsync"), sync(handle)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), replace(*names)))
    files.write_atomically(tmp_path / "a.json", lambda path: path.write_text("{}"))
    assert done == ["fsync", "replace"]


def test_what_killed_runs_left_is_cleared_but_no_recording_and_nothing_new(tmp_path):
    left = [".model.json.12.partial", ".mnist.npz.34.partial.npz", ".a b.png.5.partial"]
    stays = [".film_read.12.partial.mp4", "model.json.12.partial", ".hidden", ".new.json.6.partial"]
    for name in left + stays:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - (0 if "new" in name else 2 * files.ABANDONED),) * 2)
    files.make_folder(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(stays)


def test_a_killed_writer_leaves_what_the_next_run_clears(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from recognition.files import write_atomically
def writer(path):
    path.write_text("half")
    os._exit(9)
write_atomically(Path({str(tmp_path / "a.json")!r}), writer)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=files.ROOT).returncode == 9
    (left,) = tmp_path.iterdir()
    os.utime(left, (time.time() - 2 * files.ABANDONED,) * 2)
    files.write_atomically(tmp_path / "b.json", lambda path: path.write_text("whole"))
    assert os.listdir(tmp_path) == ["b.json"]


def test_one_of_many_holds_a_file_at_a_time(tmp_path):
    inside, most = [], []

    def work(_):
        for _ in range(100):
            if file := files.hold(tmp_path / ".lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                files.let_go(file)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert set(most) == {1} and not list(tmp_path.iterdir())
