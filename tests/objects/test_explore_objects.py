"""The script that shows the data and the smallest network, run as a user runs it."""

import re

import cv2
import pytest
from conftest import copy_project

SCRIPT = "cifar_recognition/explore.py"


def names(folder) -> set[str]:
    found = list(folder.iterdir())
    assert all(cv2.imread(str(path)) is not None for path in found)
    return {path.name for path in found}


@pytest.mark.parametrize("problem", ["moons", "ring"])
def test_the_smallest_network_learns_what_no_straight_line_parts(script, tmp_path, problem):
    done = script(SCRIPT, "--part", "layers_demo", "--problem", problem, "--output", "figures")
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "figures") == {"layers_demo.png"}
    right = float(re.search(rf"{problem}: ([\d.]+)% of 200 points right after 150 epochs", done.stderr)[1])
    assert right >= 97  # a straight line gets 88 % of the moons, 65 % of the ring


def test_figures_of_the_dataset(script, tmp_path, cifar10):
    done = script(SCRIPT, "--part", "dataset", "--output", "figures")
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "figures") == {"counts.png", "samples.png", "means.png"}


def test_without_the_dataset_the_rest_is_made(script, tmp_path):
    copy_project(tmp_path / "clone", "cifar_recognition")
    where = {"https_proxy": "http://127.0.0.1:9", "KERAS_HOME": str(tmp_path / "keras"), "no_proxy": "", "NO_PROXY": ""}
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    arguments = ("--epochs", "1", "--output", "figures")
    done = script(SCRIPT, *arguments, root=tmp_path / "clone", **where, **proxy)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1
    assert "cifar10.npz not found" in done.stderr and "only layers_demo.png is made" in done.stderr
    assert names(tmp_path / "figures") == {"layers_demo.png"}


def test_mistakes_are_one_line(script, tmp_path):
    (tmp_path / "file.txt").write_text("no folder")
    for arguments, named in (
        (["--epochs", "0"], "--epochs"),
        (["--learning-rate", "-1"], "--learning-rate"),
        (["--output", "file.txt"], "file.txt"),
    ):
        done = script(SCRIPT, *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert named in done.stderr
