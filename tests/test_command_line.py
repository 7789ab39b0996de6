"""What is wrong with a command line is told in one line; the help tells of no default that is nothing."""

import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

SCRIPTS = sorted(path for folder in ROOT.glob("*_recognition") for path in folder.glob("*.py"))


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("digit_recognition/predict_static.py", ["a", "--threshold", "abc"], "--threshold abc: must be a number"),
        ("digit_recognition/predict_static.py", ["--threshold"], "--threshold: needs a value"),
        ("digit_recognition/predict_static.py", ["--modell", "x"], "--modell: no such setting, did you mean --model?"),
        ("digit_recognition/predict_static.py", ["a", "--zzz"], "--zzz: no such setting"),
        ("digit_recognition/train.py", ["--epochs", "1.5"], "--epochs 1.5: must be a whole number"),
        ("digit_recognition/train.py", ["--schedule", "no"], "--schedule no: must be one of one_cycle, constant"),
        ("face_recognition/enroll.py", ["--size", "3", "x"], "--size 3 x: must be numbers"),
        ("face_recognition/enroll.py", ["--size", "3"], "--size: needs 2 values"),
        ("face_recognition/people.py", ["no"], "action no: must be one of list, rename, merge, undo, forget, copy"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(script, name, words, said):
    done = script(name, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {said} (see {name} --help)\n"


def test_a_model_that_is_not_there_is_one_line_with_those_that_are(script):
    for name in ("digit_recognition/predict_static.py", "cifar_recognition/predict_static.py"):
        done = script(name, "a.jpg", "--model", "nope")
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert "nope.json not found: there are cifar10, digits, pages, photos" in done.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_help_and_version_of_every_script(script, path):
    name = f"{path.parent.name}/{path.name}"
    done = script(name, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: {name} ")
    text = re.sub(r"\s+", " ", done.stdout.replace("│", " "))
    assert "default: None" not in text and "default: )" not in text and str(ROOT) not in text.replace(" ", "")
    assert script(name, "--version").stdout.startswith("recognition-scripts ")


@pytest.mark.skipif(os.name == "nt", reason="pipes that nobody reads are other errors there")
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_that_nobody_reads_to_its_end_is_no_error(word):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-u", str(ROOT / "face_recognition" / "library.py"), word]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_terminal_a_line_every_half_minute(monkeypatch, capsys):
    from recognition import progress

    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    bar = progress.Bar("step", 400)
    for done in range(1, 101):
        now[0] += 1
        bar.update(done, "  loss 0.1")
    bar.close()
    assert capsys.readouterr().err.splitlines() == [
        "step 31/400  1.0/s  loss 0.1  369 s left",
        "step 62/400  1.0/s  loss 0.1  338 s left",
        "step 93/400  1.0/s  loss 0.1  307 s left",
    ]
