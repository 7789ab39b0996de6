"""Files are written whole or not at all; flags win over recipes; signals end a script, whatever they interrupt."""

import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from conftest import script_environment

from recognition import files, settings

PROGRAM = """
import random, signal, threading
from dataclasses import dataclass
import numpy as np
from recognition import settings
from recognition.media import canvas, videos

@dataclass
class Config:
    number: int  # of a signal

def main(config):
BODY

settings.run(main, Config, None)
"""
WORK = """
    signal.signal(signal.SIGALRM, signal.getsignal(config.number))  # timers send no other signal
    image, stopped = np.zeros((40, 200, 3), np.uint8), 0
    while stopped < 300:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-3))
            while True:
                CALL
        except KeyboardInterrupt:
            stopped += 1
    signal.raise_signal(config.number)
"""
WAIT = """
    with settings.uninterrupted():
        signal.raise_signal(config.number)
        print("whole")
    print("not reached")
"""
OTHER_THREAD = """
    held, done = threading.Event(), threading.Event()
    def hold():
        with settings.uninterrupted():
            held.set()
            done.wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    signal.raise_signal(config.number)
    print("not reached")
"""
not_on_windows = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows knows neither SIGTERM nor timers that interrupt"
)


@dataclass
class Recipe:
    architecture: str = "fast"
    epochs: int = 24
    mirror: bool = True
    batch_size: int = 500


def recipe(config: Recipe) -> Recipe:
    return Recipe("cnn", 20, False, 64) if config.architecture == "cnn" else Recipe()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Recipe()),
        (["--epochs", "3"], Recipe(epochs=3)),
        (["--architecture", "cnn"], Recipe("cnn", 20, False, 64)),
        (["--architecture", "cnn", "--epochs", "3"], Recipe("cnn", 3, False, 64)),
        (["--architecture", "cnn", "--mirror"], Recipe("cnn", 20, True, 64)),  # a flag holds, also one of the default
        (["--architecture", "cnn", "--batch-size", "500", "--epochs=24"], Recipe("cnn", 24, False, 500)),
    ],
)
def test_a_recipe_holds_where_the_user_said_nothing(monkeypatch, words, expected):
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    found = []
    with pytest.raises(SystemExit) as ended:
        settings.run(found.append, Recipe, None, recipe)
    assert (found, ended.value.code) == ([expected], 0)


@dataclass
class Places:
    output: Path = Path("output")
    text: str | None = None
    epochs: int = 3


def test_a_path_may_begin_at_home(monkeypatch, tmp_path):
    """Shells expand "~" in words of its own only, and not all of them: --output=~/read has to go there, too."""
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "--output=~/read", "--text", "~/a.txt"])
    found = []
    with pytest.raises(SystemExit):
        settings.run(found.append, Places, None)
    assert found == [Places(tmp_path / "read", f"{tmp_path}/a.txt")]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "--output", "~nobody here"])
    with pytest.raises(SystemExit):
        settings.run(found.append, Places, None)
    assert found[1] == Places(Path("~nobody here"))


@dataclass
class Seeded:
    seed: int = 0


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_a_seed_that_numpy_does_not_take_is_one_line(capsys, monkeypatch, seed):
    monkeypatch.setattr(sys, "argv", ["explore.py", "--seed", seed])
    with pytest.raises(SystemExit) as ended:
        settings.run(pytest.fail, Seeded, None)
    assert (ended.value.code, capsys.readouterr().err) == (2, f"error: --seed {seed}: must be 0 to 4294967295\n")


def test_several_runs_have_their_own_defaults_and_what_the_user_said(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--batch-size", "500", "--mirror"])
    found = []
    with pytest.raises(SystemExit):
        settings.run(found.extend, Recipe, None, lambda _: [Recipe(), Recipe("cnn", 20, False, 64)])
    assert found == [Recipe(batch_size=500), Recipe("cnn", 20, True, 500)]


def test_an_error_names_the_file_that_was_to_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.txt", tmp_path / "missing" / "a.txt", tmp_path / "folder"):
        with pytest.raises(OSError) as error:
            files.write_atomically(path, lambda temporary: temporary.write_text("new"))
        assert str(error.value.filename) == str(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        files.write_atomically(tmp_path / "copy", lambda path: path.write_bytes((tmp_path / "nosuch").read_bytes()))
    assert str(error.value.filename) == str(tmp_path / "nosuch")


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(path, half)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]
    files.write_atomically(path, lambda temporary: temporary.write_text("new"))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "new")]


def ended(body: str, number: int, folder: Path) -> tuple[int, str, str]:
    """Run a script that sends itself a signal; return its exit code, its output and what it said."""
    command = [sys.executable, "-c", PROGRAM.replace("BODY", body), "--number", str(int(number))]
    obey = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs are born deaf to Ctrl-C
    pipes = {"capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command, cwd=folder, env=script_environment(), preexec_fn=obey, **pipes)
    return done.returncode, done.stdout, done.stderr


@not_on_windows
@pytest.mark.parametrize(
    "call", ["canvas.text_size('1', 15)", "canvas.write(image, '1', (5, 5), 15)", "videos.open_capture('nothing.avi')"]
)
def test_opencv_can_be_interrupted_at_any_time(tmp_path, call):
    """Where a handler raises within these calls, OpenCV 5.0 crashes; that happens within a dozen signals."""
    assert ended(WORK.replace("CALL", call), signal.SIGINT, tmp_path) == (130, "", "stopped\n")


@not_on_windows
@pytest.mark.parametrize(("number", "code", "said"), [(signal.SIGINT, 130, "stopped\n"), (signal.SIGTERM, 143, "")])
def test_signals_wait_for_the_end_of_an_uninterrupted_block(tmp_path, number, code, said):
    assert ended(WAIT, number, tmp_path) == (code, "whole\n", said)
    assert ended(OTHER_THREAD, number, tmp_path) == (code, "", said)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, "recognition-scripts "),
        (["--epochs", "x"], 2, "error: --epochs x: must be a whole number (see "),
        (["--help"], 0, "--text STR"),
    ],
)
def test_version_and_values_are_told_without_pythons_none(capfd, monkeypatch, words, code, said):
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *words])
    with pytest.raises(SystemExit) as ended:
        settings.run(lambda config: 0, Places, None)
    assert ended.value.code == code
    printed = "".join(capfd.readouterr())
    assert said in printed
    assert "{None}" not in printed


def test_what_is_said_while_other_threads_are_quiet_is_not_lost():
    program = """
import sys, threading, time
from recognition.settings import quiet, say

def work():
    for _ in range(200):
        with quiet():
            time.sleep(0.0005)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for k in range(100):
    say(f"line {k}")
for thread in threads:
    thread.join()
say("the end")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines() == [f"line {k}" for k in range(100)] + ["the end"]
