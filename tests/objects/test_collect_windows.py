"""Collecting as a user does it: keys held before a camera on a virtual screen, then a model that the others use."""

import http.server
import json
import re
import shutil
import threading
from pathlib import Path

import camera_server
import cv2
import numpy as np
import pytest
from conftest import copy_project

from recognition.models import cards

COLLECT, PREDICT = "cifar_recognition/collect.py", "cifar_recognition/predict_static.py"
WIDTH, HEIGHT = 640, 360


def scene(kind: str, seed: int) -> np.ndarray:
    """Return a picture of a red ball, of a blue box, or of neither, somewhere before a wall, BGR."""
    rng = np.random.default_rng(seed)
    image = rng.integers(120, 150, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    x, y = int(rng.integers(220, 420)), int(rng.integers(150, 210))
    if kind == "ball":
        cv2.circle(image, (x, y), 100, (30, 30, 220), -1)
    elif kind == "box":
        cv2.rectangle(image, (x - 110, y - 80), (x + 110, y + 90), (220, 60, 30), -1)
    return image


class Scene(camera_server.Camera):
    """A camera before which the test puts one thing after the other; it moves three times a second."""

    @classmethod
    def show(cls, kind: str, count: int = 40) -> None:
        jpegs = [camera_server.as_jpeg(scene(kind, seed)) for seed in range(count)]
        cls.jpegs = tuple(jpeg for jpeg in jpegs for _ in range(10))


@pytest.fixture
def camera():
    """Return the address of a camera that shows a ball at first."""
    Scene.show("ball")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scene)
    server.handle_error = lambda *_: None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/closes/1000000"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    return copy_project(tmp_path_factory.mktemp("collect") / "clone", "cifar_recognition")


class Hands:
    """Who sits before the window."""

    def __init__(self, display, folder: Path):
        self.display, self.folder, self.window = display, folder, display.window("collect")

    def images(self, name: str) -> set[str]:
        return {path.name for path in self.folder.glob(f"{name}/*.jpg")}

    def hold(self, key: str, name: str, more: int) -> set[str]:
        """Hold a key until there are so many more images of a class, and return these."""
        before = self.images(name)
        self.display.press(self.window, "shift")  # makes the window the active one
        self.display.do("xdotool", "keydown", key)
        self.display.wait_for(lambda: len(self.images(name)) >= len(before) + more, 60)
        self.display.do("xdotool", "keyup", key)
        self.display.press(self.window, "h")  # what was pressed before is over when this is seen
        self.display.press(self.window, "h")
        return self.images(name) - before

    def sees(self, x: int, y: int, colour: tuple[int, int, int], path: Path) -> bool:
        image = self.display.screenshot(self.window, path).astype(int)
        return image.shape == (HEIGHT, WIDTH, 3) and np.abs(image[y, x] - colour).max() < 60


def test_two_things_are_collected_learned_and_used(display, on_screen, camera, clone, tmp_path, script):
    folder = clone / "data" / "own"
    process = on_screen(clone / COLLECT, "ball", "box", "--source", camera, PYTHONPATH=str(clone))
    hands = Hands(display, folder)
    first = hands.hold("1", "ball", 6)
    display.press(hands.window, "t")  # too early
    display.do("sleep", "1.6")
    second = hands.hold("1", "ball", 2)
    display.press(hands.window, "u")
    display.wait_for(lambda: hands.images("ball") == first)

    Scene.show("box")
    display.wait_for(lambda: hands.sees(320, 180, (220, 60, 30), tmp_path / "screen.png"))
    hands.hold("2", "box", 6)
    assert hands.images("ball") == first
    display.press(hands.window, "t")

    def answers() -> bool:  # a green bar at the bottom left
        image = display.screenshot(hands.window, tmp_path / "screen.png").astype(int)
        return (np.abs(image[250:, :250] - (60, 150, 0)).max(-1) < 40).sum() > 150

    display.wait_for(answers, 20)
    assert not (clone / "models" / "own.json").exists()  # they come long before the model that stays
    display.wait_for(lambda: (clone / "models" / "own.json").exists(), 240)
    display.do("sleep", "2")
    display.wait_for(answers, 20)  # the box moves, and of few places does the model know it
    display.press(hands.window, "q")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "5 images of each class are needed: box has 0" in errors
    assert f"{len(second)} of ball deleted" in errors
    assert errors.splitlines()[-1] == "saved: python cifar_recognition/webcam.py --model own"
    assert f"{clone / 'models' / 'own'}: " in output
    assert output.splitlines()[-1] == f"{folder}: {len(first)} of ball, {len(hands.images('box'))} of box"

    card = cards.read_card("own", clone / "models")
    assert (card["class_names"], card["backbone"]["name"]) == (["ball", "box"], "efficientnet_lite0")
    assert card["dataset"]["images"] == len(first) + len(hands.images("box"))
    for kind in ("ball", "box"):
        cv2.imwrite(str(tmp_path / f"{kind}.png"), scene(kind, 1000))
    done = script(PREDICT, "--model", "own", "--json", tmp_path / "ball.png", tmp_path / "box.png", root=clone)
    assert [json.loads(line)["top"][0]["label"] for line in done.stdout.splitlines()] == ["ball", "box"]


def refused(done, code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in ("error: ", *parts)), done.stderr


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no class: two at least"),
        (["cat"], "only one class, cat: two at least"),
        (["cat", "../dog"], "the name '../dog' begins with a dot"),
        (["cat", "a/dog"], "the name 'a/dog' has one of"),
        (["cat", ""], "the name '' is empty"),
        (["cat", ".dog"], "the name '.dog' begins with a dot"),
        (["cat", "dog\x07"], "the name 'dog?' has control characters"),
        (["cat", "NUL"], "the name 'NUL' is a device on Windows"),
        (["cat", "d" * 300], "is longer than 100 characters"),
        (["cat", "dog", "cat"], "the class 'cat' is named twice"),
        (["cat", "Cat "], "the class 'Cat' is named twice, as 'cat' before"),
        ([*"abcdefghij"], "10 classes: at most 9"),
    ],
)
def test_names_that_are_none_are_one_line(script, tmp_path, names, message):
    refused(script(COLLECT, *names, "--folder", tmp_path / "own"), 2, message)
    assert not (tmp_path / "own").exists()


def test_what_is_in_the_way_is_one_line(script, display, clone, tmp_path):
    own = tmp_path / "own"
    refused(script(COLLECT, "cat", "dog", "--folder", own), 1, "no display", "extract_features.py")
    refused(script(COLLECT, "cat", "dog", "--folder", tmp_path / "a:b?"), 2, "model name")
    refused(script(COLLECT, "cat", "dog", "--folder", tmp_path / "cifar10"), 2, "another kind of model")
    screen = {"root": clone, "DISPLAY": display.environment["DISPLAY"]}
    refused(script(COLLECT, "cat", "dog", "--folder", own, "--source", "97", **screen), 1, "camera 97: ")
    assert not own.exists()
    (own / "bird").mkdir(parents=True)
    cv2.imwrite(str(own / "bird" / "a.png"), scene("ball", 0))
    refused(script(COLLECT, "cat", "dog", "--folder", own), 2, f"{own} has images of bird, too: name that class")
    refused(script(COLLECT, "--folder", own), 2, "only one class, bird")
    (tmp_path / "file").write_bytes(b"")
    refused(script(COLLECT, "cat", "dog", "--folder", tmp_path / "file"), 2, "file: cannot be listed")


def test_closing_the_window_waits_for_the_model_and_a_killed_one_stops(display, on_screen, camera, clone):
    for name in ("ball", "box"):
        (clone / "data" / "shapes" / name).mkdir(parents=True)
        for seed in range(6):
            cv2.imwrite(str(clone / "data" / "shapes" / name / f"{seed}.png"), scene(name, seed))
    folder = ("--folder", clone / "data" / "shapes", "--source", camera)
    process = on_screen(clone / COLLECT, "ball", "box", *folder, PYTHONPATH=str(clone))
    window = display.window("collect")
    display.press(window, "t")
    display.press(window, "q")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "still being made" in errors
    assert (clone / "models" / "shapes.tflite").exists()
    assert re.search(r"shapes: 1?\d\d\.", output)
    shutil.rmtree(clone / "models")
    process = on_screen(clone / COLLECT, "ball", "box", *folder, PYTHONPATH=str(clone))
    window = display.window("collect")
    display.press(window, "t")
    display.do("sleep", "1")
    process.terminate()
    process.communicate(timeout=30)
    assert not (clone / "models" / "shapes.json").exists()
    assert len(list((clone / "data" / "shapes").rglob("*.png"))) == 12


def test_a_camera_that_stops_ends_it(display, on_screen, camera, clone):
    arguments = ["ball", "box", "--folder", clone / "data" / "stopped", "--source", camera.replace("1000000", "60")]
    output, errors = on_screen(clone / COLLECT, *arguments, PYTHONPATH=str(clone)).communicate(timeout=60)
    assert "no picture for 3 seconds: was it unplugged or switched off?" in errors
    assert output.endswith("stopped: 0 of ball, 0 of box\n")
    assert not (clone / "data" / "stopped").exists()
