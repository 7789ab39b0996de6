"""Fixtures: scripts run as a user runs them, photos that the tests write, real data where it is there."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import postgres
import pytest
from coloured_faces import picture

from recognition import files
from recognition.detectors import yunet, yunet_conversion
from recognition.digits import reader
from recognition.embeddings import dlib_embedder, sface_embedder
from recognition.files import ROOT
from recognition.models import cards, store
from recognition.objects import lite0
from recognition.objects.classes import CIFAR10
from recognition.synthetic import pages


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


def start_without_heavy_imports(path: Path, *arguments: object, cwd: Path) -> tuple[set[str], list[str]]:
    """Run a script to its end, without what would cost seconds on every start; return what it imported and printed."""
    code = (
        f"import runpy, sys; sys.argv = {[str(word) for word in (path, *arguments)]!r}\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    environment = script_environment(path.parent.parent)
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == 0, done.stderr
    *lines, modules = done.stdout.splitlines()
    imported = {module.split(".")[0] for module in modules.split()}
    assert {"cv2", "recognition"} <= imported
    assert not imported & {"tensorflow", "keras", "matplotlib", "seaborn", "pandas", "scipy", "h5py", "jax", "torch"}
    return imported, lines


def copy_project(clone: Path, *parts: str) -> Path:
    """Copy the helpers and these parts of the project into a folder, and return it."""
    for part in ("recognition", *parts):
        shutil.copytree(ROOT / part, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
    if "cifar_recognition" in parts:  # else its first script would convert it again
        (clone / "data" / "models").mkdir(parents=True)
        for path in files.PUBLISHED.glob(f"{lite0.NAME}.*"):
            shutil.copy(path, clone / "data" / "models")
    return clone


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


class Display:
    """A virtual screen with a window manager, and a user's hands and eyes on it; programs need its `environment`."""

    def __init__(self, number: str):
        self.environment = script_environment(DISPLAY=f":{number}")

    def do(self, *command: str, check: bool = True) -> str:
        """Run a program on the screen and return what it prints."""
        pipes = {"capture_output": True, "text": True, "timeout": 60}
        return subprocess.run(command, env=self.environment, check=check, **pipes).stdout

    def works(self, *command: str) -> bool:
        """Run a program on the screen and tell whether it could do what it should."""
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}
        return subprocess.run(command, env=self.environment, **pipes).returncode == 0

    def wait_for(self, condition: Callable[[], object], seconds: float = 30) -> object:
        """Return what the condition gives as soon as it is true, and fail if it never is."""
        limit = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < limit, "it did not happen"
            time.sleep(0.05)
        return result

    def windows(self, title: str) -> list[str]:
        """Return the visible windows of that title."""
        return self.do("xdotool", "search", "--onlyvisible", "--name", f"^{title}$", check=False).split()

    def window(self, title: str) -> str:
        """Wait for the window of that title, move it to where all of it is on the screen and return it."""
        window = self.wait_for(lambda: self.windows(title))[0]
        self.do("xdotool", "windowmove", window, "0", "0")  # placed while still small, it may have grown off the screen
        return window

    def press(self, window: str, key: str) -> None:
        """Press a key, such as "q", "Escape" or "alt+F4", in a window."""
        self.wait_for(lambda: self.works("xdotool", "windowactivate", "--sync", window))
        # A letter that the keyboard lacks is on it only while it is pressed: a busy program needs time to look it up
        self.do("xdotool", "key", "--delay", "1000" if key == "ediaeresis" else "12", key)

    def click(self, window: str, x: int, y: int) -> None:
        """Click a pixel of a window."""
        self.do("xdotool", "mousemove", "--sync", "--window", window, str(x), str(y), "click", "1")

    def screenshot(self, window: str, path: Path) -> np.ndarray:
        """Return what a window shows, BGR, by way of a picture at `path`."""
        self.do("import", "-window", window, str(path))
        return cv2.imread(str(path))


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """Return a virtual screen."""
    missing = [program for program in ("Xvfb", "openbox", "xdotool", "import") if not shutil.which(program)]
    if missing:
        assert not os.environ.get("REQUIRE_DISPLAY_TESTS"), f"not installed: {missing}"
        pytest.skip(f"not installed: {' '.join(missing)}: windows are tested on a virtual screen")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        screen = Display(server.stdout.readline().strip())
        manager = subprocess.Popen(
            ["openbox"], env=screen.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # A window that is older than its manager is neither activated nor, sometimes, given its size
        screen.wait_for(lambda: screen.works("xdotool", "get_num_desktops"))
        yield screen
        manager.kill()
        manager.wait()
        server.terminate()


@pytest.fixture
def on_screen(display, tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Return a function that starts Python, with arguments, in tmp_path on the virtual screen; no window stays."""
    started = []

    def start(*arguments, **environment: str) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=tmp_path, env=display.environment | environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
    display.wait_for(lambda: not display.windows("(digits|write in the air|faces|collect|enrol .*|.*player|.*jpg)"))


@pytest.fixture(scope="session", autouse=True)
def shipped_files_stay():
    """Fail the tests if one of them wrote into models/."""
    before = {path.name: path.read_bytes() for path in cards.MODELS.iterdir()}
    yield
    assert {path.name: path.read_bytes() for path in cards.MODELS.iterdir()} == before


@pytest.fixture(scope="session", autouse=True)
def converted():
    """Convert others' networks before the tests, as their first use would: no script says so in the middle of them."""
    lite0.fetch()
    dlib_embedder.load_embedder()
    if sface_embedder.is_here():
        sface_embedder.load_embedder()
    if yunet_conversion.NETWORK.is_here():
        yunet.load(threads=1)


@pytest.fixture(scope="session")
def shipped():
    """Return the model of one digit that a clone comes with."""
    return store.load("digits")


@pytest.fixture(scope="session")
def pages_model():
    """Return the model of whole pages that a clone comes with."""
    return reader.load()


@pytest.fixture(scope="session")
def colours(tmp_path_factory) -> Path:
    """Return a copy of the project whose models take red for airplanes, green for automobiles, blue for birds.

    Gray is none of these: all other classes are equally probable. Its models of digits are those of a clone.
    """
    from recognition.networks import architectures

    clone = copy_project(tmp_path_factory.mktemp("colours") / "clone", "cifar_recognition", "digit_recognition")
    shutil.copytree(cards.MODELS, clone / "models")
    network = architectures.dense(10)
    hidden, out = [layer for layer in network.layers if layer.get_weights()]
    means, bias = np.zeros((32, 32, 3, 512), np.float32), np.zeros(512, np.float32)
    means[:, :, range(3), range(3)], bias[:3] = 1 / 1024, 1  # three neurons: twice the mean of each channel, 0 to 2
    hidden.set_weights([means.reshape(-1, 512), bias])
    sums = np.zeros((512, 10), np.float32)
    sums[:3, :3] = 14 * np.eye(3) - 6
    out.set_weights([sums, np.float32([3] * 3 + [0] * 7)])
    card = {"architecture": "dense", "class_names": list(CIFAR10), "threshold": 0.5}
    for name in ("cifar10", "photos"):  # the default takes the place of the real one
        store.save(network, card | {"script": "cifar_recognition/train.py"}, name, clone / "models")
    return clone


def _real(name: str):
    @pytest.fixture(scope="session", name=name.split(".")[0])
    def fixture() -> Path:
        path = ROOT / "data" / name
        if not path.exists():
            pytest.skip(f"data/{name} is not there: real data is not part of the repository")
        return path

    return fixture


mnist, usps_train, letters, digit_photos = map(_real, ("mnist.npz", "usps_train.npz", "letters.npz", "digit_photos"))
lfw, orl_faces, face_video = map(_real, ("lfw", "orl_faces", "face_video"))
cifar10 = _real("cifar10.npz")


@pytest.fixture(scope="session")
def server() -> Iterator["postgres.Postgres"]:
    """Return a PostgreSQL server of our own, with pgvector."""
    if missing := postgres.missing():
        pytest.skip(
            f"not installed: {' '.join(missing)}: a gallery for many machines is tested with a server of its own"
        )
    with postgres.Postgres() as running:
        yield running


@pytest.fixture
def address(server) -> str:
    """Return the address of an empty database."""
    return server.create("people")


@pytest.fixture
def folder(tmp_path):
    """Return a folder of three people with two photos each, put there by hand."""
    import people_folder  # beside the tests of people, which alone ask for this

    for number, colour in enumerate(("red", "green", "blue")):
        for seed in range(2):
            people_folder.save(
                tmp_path / "faces" / colour / f"{seed}.png", picture((colour, 30, 30, 60), seed=10 * number + seed)
            )
    return tmp_path / "faces"
