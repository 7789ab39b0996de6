"""Air-writing as a user runs it, on clips that the tests film: what is printed, saved and refused."""

import json
import signal
import subprocess
import sys
import time
from functools import partial

import cv2
import numpy as np
import pytest
from conftest import copy_project, script_environment

from recognition.files import ROOT
from recognition.synthetic import clips, handwriting
from recognition.training import labelled_digits

SCRIPT = "digit_recognition/hand_tracking.py"
MARKER = ("--tracker", "marker", "--source")
SCENE = {"width": 480, "height": 360, "digit": 120.0, "marker": 12.0}


def film(path, number: str, seed: int = 1, **looks):
    """Write a clip of a number written in the air; return the true box of each digit, float x1 y1 x2 y2."""
    scene, rng = clips.Scene(**(SCENE | looks)), np.random.default_rng(seed)
    moments = clips.move([handwriting.write(digit, rng, 0.2) for digit in number], scene, rng)
    save(path, clips.film(moments, scene, rng, np.full((scene.height, scene.width, 3), 150, np.uint8)))
    places = np.array([[moment.x, moment.y] for moment in moments if moment.writing])
    cells = (places[:, 0] - 0.08 * scene.width) // (0.84 * scene.width / int(0.84 * scene.width / (0.9 * scene.digit)))
    return [(*places[cells == cell].min(0), *places[cells == cell].max(0)) for cell in np.unique(cells)]


def save(path, frames) -> None:
    """Write frames, BGR uint8 (H, W, 3), as a video of 30 frames a second."""
    writer = None
    for frame in frames:
        writer = writer or cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, frame.shape[1::-1])
        writer.write(frame)
    writer.release()


def read(path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (frame := capture.read()[1]) is not None:
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Return a clip of "40", the 4 in two strokes, and the true boxes."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    return path, film(path, "40")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Return a clip without a marker."""
    path = tmp_path_factory.mktemp("empty") / "empty.avi"
    save(path, [np.full((120, 160, 3), 150, np.uint8)] * 20)
    return path


def check_boxes(record: dict, wanted: list, tolerance: float = 8) -> None:
    found = [digit["box"] for digit in record["digits"]]
    assert np.abs(np.subtract(found, wanted)).max() < tolerance
    assert all(type(value) is int for box in found for value in box)


def test_json_text_strokes_and_video(script, clip, tmp_path):
    path, boxes = clip
    done = script(SCRIPT, *MARKER, path, "--json", "--save-strokes", "new/s.jsonl", "--output", "written.avi")
    assert (done.returncode, done.stderr) == (0, "saved written.avi\n")
    (record,) = map(json.loads, done.stdout.splitlines())
    assert list(record) == ["source", "frame", "text", "digits", "numbers"]
    assert [number["text"] for number in record["numbers"]] == ["40"]
    original, written = read(path), read(tmp_path / "written.avi")
    assert record["source"] == str(path)
    assert 0.7 * len(original) < record["frame"] < len(original)
    assert record["text"] == "40"
    assert [list(digit) for digit in record["digits"]] == [["digit", "confidence", "box", "printed"]] * 2
    assert [digit["digit"] for digit in record["digits"]] == [4, 0]
    assert all(0.5 < digit["confidence"] <= 1 for digit in record["digits"])
    check_boxes(record, boxes)
    assert len(written) == len(original)
    assert written[0].shape == original[0].shape
    assert cv2.VideoCapture(str(tmp_path / "written.avi")).get(cv2.CAP_PROP_FPS) == 30
    assert (tmp_path / "output" / "numbers.txt").read_text() == "40\n"  # where it goes unless told otherwise
    strokes = [len(json.loads(line)["strokes"]) for line in (tmp_path / "new" / "s.jsonl").read_text().splitlines()]
    assert strokes == [2, 1]
    _, labels, names, failed = labelled_digits.load_labelled(tmp_path / "new" / "s.jsonl")
    assert (labels.tolist(), len(names), failed) == ([4, 0], 2, [])


@pytest.mark.parametrize("pen_up", ["pause", "leave"])
def test_other_ways_to_lift_the_pen_and_text_is_appended(script, tmp_path, pen_up):
    boxes = film(tmp_path / "clip.avi", "40", pen_up=pen_up)
    (tmp_path / "numbers.txt").write_text("12\n")
    done = script(SCRIPT, *MARKER, "clip.avi", "--text", "numbers.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "40\n", "saved output/clip_read.mp4\n")
    assert len(boxes) == 2
    assert (tmp_path / "numbers.txt").read_text() == "12\n40\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.avi", "numbers.txt", "output"]


def test_a_mirrored_clip_reads_the_same(script, clip, tmp_path):
    path, boxes = clip
    frames = read(path)
    save(tmp_path / "mirrored.avi", [cv2.flip(frame, 1) for frame in frames])
    done = script(SCRIPT, *MARKER, "mirrored.avi", "--mirror", "--json")
    record = json.loads(done.stdout)
    assert record["text"] == "40"
    width = frames[0].shape[1]
    check_boxes(record, [(width - x2, y1, width - x1, y2) for x1, y1, x2, y2 in boxes])


def test_a_learned_colour_is_followed_instead(script, clip, tmp_path):
    """A green marker, held in the middle at first, is none that --color red follows."""
    scene = clips.Scene(**SCENE, color=(40, 160, 60), noise=2.0)
    rng = np.random.default_rng(0)
    written = handwriting.write("0", rng, 0.2)
    moments = clips.move([written], scene, rng)
    held = [clips.Moment(240, 180, True, False)] * 20
    save(tmp_path / "green.avi", clips.film(held + moments, scene, rng, np.full((360, 480, 3), 150, np.uint8)))
    for more, text in (((), ""), (("--learn", 230, 168, 250, 192), "0"), (("--color", "green"), "0")):
        done = script(SCRIPT, *MARKER, "green.avi", "--json", *more)
        assert (done.returncode, done.stderr) == (0, "")
        assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == [text] * bool(text)
    done = script(SCRIPT, *MARKER, clip[0], "--json", "--learn", 0, 0, 60, 60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--learn 0 0 60 60: no colour learned" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--color", "mauve"], "'mauve'"),
        (["--text", "file/numbers.txt"], "--text"),
        (["--text", "."], "--text"),
        (["--save-strokes", "file/strokes.jsonl"], "--save-strokes"),
        (["--save-strokes", "strokes.txt"], "name it .jsonl"),
        (["--output", "file/video.mp4"], "--output"),
        (["--output", "video.xyz"], "video.xyz"),
        (["--pause", "0"], "--pause"),
        (["--number-pause", "nan"], "--number-pause"),
        (["--learn", "50", "50", "20", "20"], "--learn 50 50 20 20"),
        (["--tracker", "fingertip", "--color", "green"], "--tracker marker"),
        (["--number-pause", "0.1"], "--number-pause"),
        (["--tracker", "fingertip", "--learn", "1", "2", "30", "40"], "--tracker marker"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(script, empty, tmp_path, arguments, named):
    (tmp_path / "file").touch()
    done = script(SCRIPT, *MARKER, empty, "--json", "--text", "None", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert named in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_a_marker_nothing_is_written(script, empty, tmp_path):
    done = script(SCRIPT, *MARKER, empty, "--json", "--save-strokes", "strokes.jsonl", "--text", "numbers.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"no video"])
def test_sources_that_cannot_be_read_are_one_line(script, tmp_path, content):
    if content is not None:
        (tmp_path / "bad.avi").write_bytes(content)
    done = script(SCRIPT, *MARKER, "bad.avi")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: bad.avi: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_clip_cut_short_keeps_what_was_written(script, clip, tmp_path):
    content = clip[0].read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: int(0.55 * len(content))])  # within the pause at its end
    done = script(SCRIPT, *MARKER, "cut.avi", "--text", "numbers.txt", "--output", "written.avi")
    assert (done.returncode, done.stdout) == (1, "40\n")
    assert "error: cut.avi: ended after " in done.stderr
    assert (tmp_path / "numbers.txt").read_text() == "40\n"
    assert len(read(tmp_path / "written.avi")) > 50


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to one process on Windows")
def test_ctrl_c_keeps_the_number_and_the_video(clip, tmp_path):
    """A clip that goes on for a minute after the second digit, without the pause that would end the number."""
    frames = read(clip[0])
    save(tmp_path / "long.avi", frames[: len(frames) - 80] + [frames[-1]] * 2000)
    command = [sys.executable, str(ROOT / SCRIPT), *MARKER, "long.avi", "--number-pause", "1000", "--output", "out.avi"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    obey = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs are born deaf to Ctrl-C
    with subprocess.Popen(command, cwd=tmp_path, env=script_environment(), preexec_fn=obey, **pipes) as process:
        enough = 1.5 * clip[0].stat().st_size  # both digits are written once this much of the video is
        while not any(path.stat().st_size > enough for path in tmp_path.glob(".out*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "40\n")
    assert stderr == "saved out.avi\nstopped\n"
    assert (tmp_path / "output" / "numbers.txt").read_text() == "40\n"
    assert len(frames) - 80 < len(read(tmp_path / "out.avi")) < 2000


def test_no_hand_model_and_no_network_is_one_line(tmp_path, empty):
    root = copy_project(tmp_path / "clone", "digit_recognition", "models")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, str(root / SCRIPT), "--source", str(empty)]
    environment = script_environment(root, no_proxy="", NO_PROXY="", **proxies)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    error = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.stderr.splitlines()[-1:] == error
    assert "hand_landmarker.task" in error[0]
    assert "--tracker marker" in error[0]
    assert not list(root.glob("data/models/*"))
