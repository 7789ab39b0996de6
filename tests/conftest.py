"""Fixtures: scripts run as a user runs them, photos that the tests write, real data where it is there."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition import models, pages
from recognition.settings import ROOT


@pytest.fixture
def script(tmp_path):
    """Return a function that runs a script of the project from a foreign folder, without a display."""

    def run(name: str, *arguments, root: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(root / name), *map(str, arguments)],
            cwd=tmp_path,
            env=script_environment(root, **environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=240,
        )

    return run


def script_environment(root: Path = ROOT, **changes: str) -> dict[str, str]:
    """Return the environment for a script of the project, or of a copy of it in `root`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if root != ROOT:
        environment["PYTHONPATH"] = str(root)  # before the installed package
    return environment | {"PYTHONUTF8": "1"} | changes


@pytest.fixture
def photo(tmp_path) -> Path:
    """Return a photo of "407" over "5"."""
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), write([["4", "0", "7"], ["5"]]))
    return path


def write(rows: list[list[str]], seed: int = 0, **looks) -> np.ndarray:
    """Return a photo of a page with plainly written glyphs, BGR."""
    page = pages.Page(**{"height": 400, "width": 600, "wobble": 0.2} | looks)
    return pages.write_page(rows, page, np.random.default_rng(seed))[0]


@pytest.fixture(scope="session", autouse=True)
def shipped_files_stay():
    """Fail the tests if one of them wrote into models/."""
    before = {path.name: path.read_bytes() for path in models.MODELS.iterdir()}
    yield
    assert {path.name: path.read_bytes() for path in models.MODELS.iterdir()} == before


@pytest.fixture(scope="session")
def shipped():
    """Return the model that a clone comes with."""
    return models.load("digits")


def _real(name: str):
    @pytest.fixture(scope="session", name=name.split(".")[0])
    def fixture() -> Path:
        path = ROOT / "data" / name
        if not path.exists():
            pytest.skip(f"data/{name} is not there: real data is not part of the repository")
        return path

    return fixture


mnist, usps_train, letters, digit_photos = map(_real, ("mnist.npz", "usps_train.npz", "letters.npz", "digit_photos"))
