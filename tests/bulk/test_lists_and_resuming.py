"""Very many photos: lists of them, reading ahead, and runs that go on where they were stopped."""

import json
import os
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from conftest import script_environment

from recognition.bulk import lists, resuming
from recognition.files import ROOT
from recognition.progress import in_threads
from recognition.settings import UserError

SCRIPT = "cifar_recognition/predict_static.py"
SMALL = ("--model", "cifar10")


@pytest.fixture
def photos(tmp_path):
    """Return a folder with three photos and a film of two pictures, no two of them alike."""
    folder, rng = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    pictures = [cv2.resize(rng.integers(0, 255, (4, 4, 3), np.uint8), (64, 64)) for _ in range(5)]
    for name, picture in zip("abc", pictures, strict=False):
        cv2.imwrite(str(folder / f"{name}.png"), picture)
    cv2.imwritemulti(str(folder / "d.tiff"), pictures[3:])
    return folder


def lines_of(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_paths_from_a_file_and_from_standard_input_are_as_those_that_are_named(script, photos, tmp_path):
    named = lines_of(script(SCRIPT, *SMALL, "--json", "photos/b.png", "photos/a.png"))
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfphotos/a.png\r\n\n")  # as Windows writes it
    assert lines_of(script(SCRIPT, *SMALL, "--json", "photos/b.png", "--paths-from", "list.txt")) == named
    command = [sys.executable, ROOT / SCRIPT, *SMALL, "--json", "--paths-from", "-"]
    text = b"photos/b.png\nphotos/a.png"
    done = subprocess.run(command, input=text, cwd=tmp_path, env=script_environment(), capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == named


@pytest.mark.skipif(os.name == "nt", reason="names as Unix has them")
def test_names_in_a_list_may_be_any_bytes(tmp_path):
    (tmp_path / "list").write_bytes(b"caf\xe9.png\n")
    assert [os.fsencode(path) for path in lists.paths_of((), str(tmp_path / "list"))] == [b"caf\xe9.png"]


@pytest.mark.parametrize("text", [b"a.png\0b.png\0", b"\xff\xd8\xff\xe0\0\x10JFIF"])
def test_a_list_that_is_none_is_refused_in_one_line(script, tmp_path, text):
    (tmp_path / "list").write_bytes(text)
    done = script(SCRIPT, *SMALL, "--json", "--paths-from", "list")
    said = "error: --paths-from list: no text: it needs a path a line, as find -print has them\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name at least one image, folder or pattern"),
        (["--paths-from", "nowhere.txt"], "nowhere.txt: No such file or directory: name a file with a path a line"),
        (["a.png", "--resume", "other.txt"], "other.txt: line 2: not from --json of this script: name another file"),
        (["a.png", "--resume", "digits.jsonl"], "digits.jsonl: line 1: not from --json of this script: name another"),
    ],
)
def test_wrong_usage_is_one_line(script, tmp_path, words, said):
    (tmp_path / "other.txt").write_text('{"source": "a.png", "frame": 0, "known": true}\n[1]\n')
    (tmp_path / "digits.jsonl").write_text('{"source": "a.png", "frame": 0, "digits": []}\n')
    done = script(SCRIPT, *SMALL, *words)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "other.txt").read_text().endswith("[1]\n")


def test_a_run_goes_on_wherever_it_was_stopped(tmp_path):
    """As if killed after every single byte."""
    pages = {"a.png": 1, "b.pdf": 3, "c#2.png": 1, "d.gif": 2, "e\udce9.png": 1}
    lines = {
        name: [
            json.dumps({"source": f"{name}#{k + 1}" if k else name, "frame": k, "known": True}) for k in range(count)
        ]
        for name, count in pages.items()
    }
    whole = "".join(f"{line}\n" for name in pages for line in lines[name])
    path = tmp_path / "new" / "all.jsonl"
    for end in range(len(whole) + 1):
        path.parent.mkdir(exist_ok=True)
        path.write_text(whole[:end])
        with resuming.resumed(str(path), "known") as done:
            for name in pages:
                if name not in done:
                    print("\n".join(lines[name]))
        assert path.read_text() == whole
        assert len(done) >= whole[:end].count("\n") - 4


def test_what_a_script_printed_is_not_read_again(script, photos, tmp_path):
    whole = lines_of(script(SCRIPT, *SMALL, "--json", "photos"))
    assert [json.loads(line)["frame"] for line in whole] == [0, 0, 0, 0, 1]
    (tmp_path / "all.jsonl").write_text("\n".join(whole[:2]) + "\n" + whole[2][:20])
    (photos / "a.png").write_bytes(b"damaged by now")
    done = script(SCRIPT, *SMALL, "photos", "--resume", "all.jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "all.jsonl").read_text().splitlines() == whole


def test_pictures_of_the_run_before_are_not_written_over(script, photos, tmp_path):
    """As if that had been stopped after the second of three photos of one name."""
    for name in "abc":
        (tmp_path / "all" / name).mkdir(parents=True)
        (photos / f"{name}.png").rename(tmp_path / "all" / name / "a.png")
    words = (SCRIPT, *SMALL, "all", "--output", "named", "--resume", "all.jsonl")
    lines_of(script(*words))
    named = {path.name: path.read_bytes() for path in (tmp_path / "named").iterdir()}
    assert named.keys() == {"a_named.png", "a-2_named.png", "a-3_named.png"}
    whole = (tmp_path / "all.jsonl").read_text()
    (tmp_path / "all.jsonl").write_text("".join(whole.splitlines(True)[:2]))
    lines_of(script(*words))
    assert (tmp_path / "all.jsonl").read_text() == whole
    assert {path.name: path.read_bytes() for path in (tmp_path / "named").iterdir()} == named


def test_what_is_made_ahead_comes_in_order_and_weighs_no_more_than_it_may():
    held, most, lock = 0, 0, threading.Lock()

    def work(item):
        nonlocal held, most
        with lock:
            held += item
            most = max(most, held)
        time.sleep(0.001 * (item % 3))
        if item == 5:
            raise UserError("five")
        return item

    made, weights = [], [1, 9, 3, 5, 2, 30, *range(1, 10)] * 3
    for item, future in in_threads(weights, work, float, 12):
        try:
            made.append(future.result())
        except UserError:
            made.append(5)
        with lock:
            held -= item
    assert made == weights
    assert most <= 30 + 1
