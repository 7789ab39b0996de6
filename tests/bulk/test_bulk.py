"""bulk.py as a user runs it, with Ray on this machine, and on two nodes of which one dies."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import scale_cluster
from conftest import script_environment

from recognition.bulk import engine
from recognition.bulk.results import PHOTOS
from recognition.files import ROOT
from recognition.models import cards

pytest.importorskip("ray", reason="requirements-bulk.txt is not installed")
SCRIPT = "cifar_recognition/{}.py"
SMALL = ("--model", "cifar10")


def save_photos(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for k in range(count):
        small = rng.integers(0, 255, (4, 4, 3), np.uint8)
        cv2.imwrite(str(folder / f"{k:04}.png"), cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC))
    return folder


def told(folder: Path) -> list[str]:
    return sorted(line for part in folder.glob("part-*.jsonl") for line in part.read_text().splitlines())


def test_lines_are_those_of_the_photo_script_and_what_is_broken_is_named(script, tmp_path):
    folder = save_photos(tmp_path / "photos" / "deep", 20)
    pages = [cv2.imread(str(folder / f"{k:04}.png")) for k in range(3)]
    cv2.imwritemulti(str(folder / "pages.tiff"), pages)
    if sys.platform == "linux":
        shutil.copy(folder / "0000.png", os.fsencode(folder) + b"/caf\xe9.png")
        (folder / "0001.png").unlink()
    whole = script(SCRIPT.format("predict_static"), "photos", *SMALL, "--json")
    assert whole.returncode == 0 and whole.stdout.count("\n") == 23
    (folder / "broken.jpg").write_bytes(b"no picture")
    store = save_photos(tmp_path / "my store", 2)
    os.rename(store / "0001.png", store / "é 1%#?.png")
    (store / ".hidden.png").write_bytes(b"")
    (tmp_path / "list.txt").write_text(f"nowhere.png\nfile://{store}\nfile:///nowhere/at/all\nnothing://a/b\n")
    done = script(SCRIPT.format("bulk"), "photos", "--paths-from", "list.txt", *SMALL)
    assert done.returncode == 1
    assert done.stdout.startswith("results: 23 read, 4 failed, ")
    lines = [json.loads(line) for line in told(tmp_path / "results")]
    read = [json.dumps(line) for line in lines if "error" not in line]
    here = [line for line in read if "file://" not in line]
    assert here == sorted(whole.stdout.splitlines())
    address = f"file://{tmp_path}/my%20store/"
    assert [json.loads(line)["source"] for line in read if "file://" in line] == [
        f"{address}{name}.png" for name in ("%C3%A9%201%25%23%3F", "0000")
    ]
    errors = {line["source"]: line["error"] for line in lines if "error" in line}
    assert errors.keys() == {"photos/deep/broken.jpg", "nowhere.png", "file:///nowhere/at/all", "nothing://a/b"}
    assert all(f"error: {error}\n" in done.stderr for error in errors.values())
    assert done.stderr.count("\n") == 4, done.stderr
    assert json.loads((tmp_path / "results" / "summary.json").read_text())["failed"] == 4


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ([], "name at least one image", 2),
        (["photos", "--model", "nope"], "nope.json not found", 1),
        (["photos", *SMALL, "--address", "127.0.0.1:1"], "--address 127.0.0.1:1: Connection refused: is Ray's head", 1),
        (["photos", *SMALL, "--output", "taken"], "taken: has results: --resume goes on", 2),
    ],
)
def test_what_cannot_be_is_one_line(script, tmp_path, words, said, code):
    save_photos(tmp_path / "photos", 1)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "part-00000.jsonl").touch()
    done = script(SCRIPT.format("bulk"), *words)
    assert done.returncode == code and said in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("model", ["models/own", "models/own.json"])
def test_results_of_a_model_that_was_trained_again_are_not_mixed(script, tmp_path, model):
    save_photos(tmp_path / "photos", 2)
    (tmp_path / "models").mkdir()
    for ending in cards.ENDINGS:
        shutil.copy(cards.MODELS / f"cifar10{ending}", tmp_path / "models" / f"own{ending}")
    words = (SCRIPT.format("bulk"), "photos", "--model", model)
    assert script(*words).returncode == 0
    before = told(tmp_path / "results")
    again = script(*words, "--resume")
    assert (again.returncode, again.stdout) == (0, "results: 2 read, 0 failed, nothing new\n"), again.stderr
    card = json.loads((tmp_path / "models" / "own.json").read_text())
    card["sha256"]["weights.h5"] = "of another training"  # so the .tflite is made anew, as after a real one
    (tmp_path / "models" / "own.json").write_text(json.dumps(card))
    save_photos(tmp_path / "photos" / "more", 2)
    other = script(*words, "--resume")
    said = "error: results: was made with another training of own: choose another --output"
    assert (other.returncode, other.stderr.splitlines()[-1]) == (2, said)
    assert told(tmp_path / "results") == before


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        ({}, []),
        ({"recognizer": "cnn", "model": "ours"}, ["ours.json"]),
        ({"recognizer": "vggface", "weights": Path("vgg.h5")}, ["vgg.h5"]),
    ],
)
def test_names_of_faces_depend_on_the_training_of_their_recognizer(monkeypatch, settings, files):
    asked = []
    monkeypatch.setattr(engine, "run", lambda *arguments: asked.extend(path.name for path in arguments[3]))
    script = runpy.run_path(str(ROOT / "face_recognition" / "bulk.py"))
    script["main"](script["Config"](("photos",), **settings))
    assert asked == files


def test_without_ray_it_says_what_to_install(script, tmp_path):
    save_photos(tmp_path / "photos", 1)
    (tmp_path / "ray.py").write_text("raise ImportError")
    done = script(SCRIPT.format("bulk"), "photos", *SMALL, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert done.stderr == "error: Ray is not installed: python -m pip install -r requirements-bulk.txt\n"


@pytest.mark.skipif(os.name == "nt", reason="kills as Unix has them")
def test_a_node_that_dies_and_a_driver_that_is_killed_lose_nothing(tmp_path):
    save_photos(tmp_path / "photos", 3000)
    command = [sys.executable, ROOT / SCRIPT.format("bulk"), "photos", *SMALL]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = script_environment()
    with scale_cluster.cluster(environment) as (address, other):
        command = [*map(str, command), "--address", address]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes) as driver:
            wait_for_lines(driver, tmp_path / "results", PHOTOS)
            scale_cluster.kill(other)
            wait_for_lines(driver, tmp_path / "results", 2 * PHOTOS)
            driver.kill()
            driver.communicate()
        assert len(told(tmp_path / "results")) == 2 * PHOTOS
        command += ["--resume"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    sources = [json.loads(line)["source"] for line in told(tmp_path / "results")]
    assert sources == [f"photos/{k:04}.png" for k in range(3000)]


DEADLY = """
import json, os
from pathlib import Path
from types import SimpleNamespace
import pyarrow
from recognition.bulk import engine

def make(config):
    def read(frame):
        if frame.source.endswith("0007.png"):
            os.kill(os.getpid(), 9)
        return json.dumps({"source": frame.source})
    return read

settings = {"paths": ["photos"], "paths_from": None, "output": Path("results"), "resume": False}
settings |= {"address": None, "workers": 2}
schema = pyarrow.schema([("source", pyarrow.string())])
raise SystemExit(engine.run(SimpleNamespace(**settings), make, lambda: schema))
"""  # a photo at which the program ends, as of a fault in a decoder


@pytest.mark.skipif(os.name == "nt", reason="kills as Unix has them")
def test_a_file_that_ends_its_workers_is_named_and_left_out(tmp_path):
    save_photos(tmp_path / "photos", 40)
    (tmp_path / "deadly.py").write_text(DEADLY)
    command = [sys.executable, "deadly.py"]
    done = subprocess.run(command, cwd=tmp_path, env=script_environment(), capture_output=True, text=True, timeout=300)
    line = "photos/0007.png: ended the program 2 times: left out"
    assert (done.returncode, done.stderr) == (1, f"error: {line}\n")
    lines = [json.loads(line) for line in told(tmp_path / "results")]
    assert sorted(one["source"] for one in lines) == [f"photos/{k:04}.png" for k in range(40)]
    assert [one["error"] for one in lines if "error" in one] == [line]


def wait_for_lines(driver: subprocess.Popen, folder: Path, count: int) -> None:
    limit = time.monotonic() + 200
    while len(told(folder)) < count:
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() < limit, f"{len(told(folder))} of {count}"
        time.sleep(0.1)
