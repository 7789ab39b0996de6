"""library.py when it is killed or stopped, or runs twice at once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import cv2
import pytest
from coloured_faces import picture
from conftest import script_environment
from test_library_script import LIBRARY, QUICK, counts, rows

from recognition.files import ROOT
from recognition.synthetic.portraits import draw_face

unix = pytest.mark.skipif(os.name == "nt", reason="kills as Unix has them")


def start(tmp_path):
    command = [sys.executable, ROOT / LIBRARY, "add", "photos", *QUICK, "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(list(map(str, command)), cwd=tmp_path, env=script_environment(), **pipes)


def many(folder, count):
    """Write photos of drawn people, each another file."""
    folder.mkdir()
    drawn = [cv2.imencode(".png", draw_face(person))[1].tobytes() for person in range(3)]
    for k in range(count):
        (folder / f"{k:03}.png").write_bytes(drawn[k % 3] + f"{k}".encode())


def kept(tmp_path):
    """Return how many photos the index has, 0 while there is none."""
    path = tmp_path / "library.sqlite"
    try:
        return rows(path, "SELECT count(*) FROM photos")[0][0] if path.exists() else 0
    except sqlite3.OperationalError:  # it is being made
        return 0


SLOW = """
import sys, time
sys.path[:0] = {paths}
from pathlib import Path
from coloured_faces import Detector, Embedder
from recognition.library import scan
from recognition.library.index import LibraryIndex

class Slow(Detector):
    def detect(self, frame, main=False):
        time.sleep(0.1)
        with open("looked", "a") as file:
            file.write("x")
        return super().detect(frame)

index = LibraryIndex(Path("library.sqlite"), may_be_new=True)
index.use(("squares", "colours", 1))
print(scan.add(index, Slow(), Embedder(), [Path("photos")]).looked_at)
"""


@unix
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    (tmp_path / "photos").mkdir()
    number = 60 * os.cpu_count()  # six seconds
    for k in range(number):
        cv2.imwrite(str(tmp_path / "photos" / f"{k}.png"), picture(seed=k))
    command = [sys.executable, "-c", SLOW.format(paths=[str(ROOT), str(ROOT / "tests")])]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        limit = time.monotonic() + 60
        while kept(tmp_path) == 0:
            assert process.poll() is None and time.monotonic() < limit, "it did nothing, or all at once"
            time.sleep(0.02)
        process.kill()
    before = kept(tmp_path)
    assert 0 < before < number
    (tmp_path / "looked").unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) == number - before == len((tmp_path / "looked").read_text())  # nothing is asked twice
    found = rows(tmp_path / "library.sqlite", "SELECT count(*), count(DISTINCT content) FROM faces")
    assert found == [(number, number)]
    assert rows(tmp_path / "library.sqlite", "PRAGMA integrity_check") == [("ok",)]


@unix
def test_ctrl_c_is_one_line_and_keeps_what_was_seen(script, tmp_path):
    many(tmp_path / "photos", 100)
    with start(tmp_path) as process:
        limit = time.monotonic() + 60
        while not (tmp_path / "library.sqlite-wal").exists():
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "stopped\n")
    before = kept(tmp_path)
    done = script(LIBRARY, "add", "photos", *QUICK, "--json")
    assert counts(done)["looked_at"] == 100 - before > 0


def test_two_runs_at_once_damage_nothing(tmp_path):
    many(tmp_path / "photos", 40)
    runs = [start(tmp_path) for _ in range(2)]
    ended = [(*run.communicate(timeout=120), run.returncode) for run in runs]
    assert [(errors, code) for _, errors, code in ended] == [("", 0)] * 2
    assert rows(tmp_path / "library.sqlite", "SELECT count(*), count(DISTINCT content) FROM faces") == [(40, 40)]
    assert rows(tmp_path / "library.sqlite", "SELECT count(*), sum(gone) FROM photos") == [(40, 0)]
    assert rows(tmp_path / "library.sqlite", "PRAGMA integrity_check") == [("ok",)]
