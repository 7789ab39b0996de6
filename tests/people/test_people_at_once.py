"""Many programs at one database of people, killed at any moment, and without room or rights to write."""

import gc
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from coloured_faces import Detector, Embedder, picture

from recognition.files import ROOT
from recognition.people.database import People

BEGIN = """
import itertools, os, sys, resource
sys.path[:0] = {paths}
import cv2
from coloured_faces import Detector, Embedder, picture
from recognition.people.database import People
from recognition.settings import UserError
database = People(sys.argv[1], Detector(), Embedder(), may_be_new=True)
number = int(sys.argv[2])
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills and limits as Unix has them")


def start(code, folder, number=0, **options):
    paths = [str(ROOT), str(ROOT / "tests")]
    command = [sys.executable, "-c", BEGIN.format(paths=paths) + code, str(folder), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def run(*arguments, **options):
    with start(*arguments, **options) as process:
        out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def check(folder):
    """Check that the index fits the photos, which are whole, and that nothing else lies around; return the people."""
    gc.collect()
    for path in folder.glob("[!.]*/*"):
        if path.suffix != ".partial":
            assert cv2.imread(str(path)) is not None, path
            os.utime(path, (time.time() - 100,) * 2)
    database = People(folder, Detector(), Embedder())
    for name in database.names():
        assert len(database.embeddings(name)) == len(database.photos(name))
    assert not database.unusable()
    return database


def test_enrolments_of_one_person_at_once_lose_no_photo(tmp_path):
    code = """
for k in range(12):
    database.add("Ada", picture(seed=100 * number + k))
try:
    database.add("Ada", picture(seed=9999))  # all of them the same one
except UserError as error:
    print(error)
"""
    processes = [start(code, tmp_path, number) for number in range(4)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    assert sorted(out.strip() for out, _ in answers) == ["", *["already there: the same photo"] * 3]
    assert not any(said for _, said in answers)
    assert len(check(tmp_path).photos("Ada")) == 4 * 12 + 1
    assert not list(tmp_path.glob("*/.*"))


def test_enrolling_renaming_and_forgetting_at_once(tmp_path):
    code = """
for k in range(25):
    try:
        if number == 0:
            database.add("Ada", picture(seed=k))
        elif number == 1:
            database.forget("Ada")
        elif number == 2:
            database.rename("Ada", "Bob")
        else:
            database.merge("Bob", "Ada", force=True)
        database.refresh()
        database.gallery()
    except UserError as error:
        print(error)
"""
    processes = [start(code, tmp_path, number) for number in range(4)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, answers
    check(tmp_path)
    assert not list(tmp_path.glob(".forgotten*"))


def test_kills_while_enrolling_lose_nothing_that_was_enrolled(tmp_path):
    code = """
for k in itertools.count():
    print(database.add("Ada", picture(seed=1000 * number + k)), flush=True)
"""
    told = []
    for number in range(6):
        process = start(code, tmp_path, number)
        told.append(process.stdout.readline().strip())
        time.sleep(0.02 + 0.013 * number)
        process.kill()
        told += process.communicate()[0].split()
    assert len(told) >= 6
    database = check(tmp_path)
    assert {Path(path) for path in told if path.endswith(".jpg")} <= set(database.photos("Ada"))


def test_kills_while_photos_are_looked_at_lose_no_work(tmp_path):
    for k in range(70):
        path = tmp_path / f"person {k}" / "photo.png"
        path.parent.mkdir()
        cv2.imwrite(str(path), picture(seed=k))
        os.utime(path, (time.time() - 100,) * 2)
    code = """
import signal
class Dying(Embedder):
    def embed(self, crops):
        if self.calls == 16:  # in the second batch
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(crops)
database.embedder = Dying()
database.gallery()
"""
    assert [run(code, tmp_path)[0] for _ in range(3)] == [-9] * 3
    database = People(tmp_path, Detector(), Embedder())
    assert len(database.gallery().names) == 70
    assert database.embedder.calls == 70 - 3 * 16


def test_a_kill_while_forgetting_is_made_good(tmp_path, monkeypatch):
    database = People(tmp_path, Detector(), Embedder())
    database.add("Ada", picture())
    database.add("Bob", picture(("blue", 30, 30, 60)))
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        database.forget("Ada")
    monkeypatch.undo()
    assert check(tmp_path).names() == ["Bob"]
    assert not list(tmp_path.glob(".forgotten*"))


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_half_written(tmp_path):
    code = """
database.add("Ada", picture(seed=1))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    database.add("Bob", picture(seed=2))
except UserError as error:
    print(error)
"""
    code, out, said = run(code, tmp_path)
    assert code == 0, said
    assert len(out.splitlines()) == 1 and "Bob" in out and "cannot be written to" in out
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["Ada"]
    assert check(tmp_path).names() == ["Ada"]


def test_an_index_that_finds_no_room_is_kept_in_memory(tmp_path):
    for k in range(20):
        path = tmp_path / f"person {k}" / "photo.png"
        path.parent.mkdir()
        cv2.imwrite(str(path), picture(seed=k))
    code = """
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
print(len(database.gallery().names), len(database.names()))
"""
    code, out, said = run(code, tmp_path)
    assert code == 0 and out.split() == ["20", "20"], said
    assert len(said.splitlines()) == 1 and "in memory" in said
    assert len(check(tmp_path).names()) == 20


def test_a_folder_that_cannot_be_written_is_read(tmp_path):
    folder = tmp_path / "faces"
    database = People(folder, Detector(), Embedder(), may_be_new=True)
    database.add("Ada", picture())
    del database
    gc.collect()
    cv2.imwrite(str(folder / "Ada" / "new.png"), picture(seed=2))
    closed = [folder, folder / "Ada", folder / ".embeddings.sqlite"]
    for path in closed:
        path.chmod(0o444 if path.is_file() else 0o555)
    open_for_all = (
        [path for path in (tmp_path, *tmp_path.parents) if "pytest-of" in str(path)] if os.geteuid() == 0 else []
    )
    modes = [path.stat().st_mode for path in open_for_all]
    for path in open_for_all:
        path.chmod(0o755)
    code = f"""
database.add("warm up", picture())
if os.geteuid() == 0:  # whom no mode keeps from writing
    os.setegid(65534)
    os.seteuid(65534)
database = People({str(folder)!r}, Detector(), Embedder())
print(len(database.gallery().names), len(database.embeddings("Ada")), database.embedder.calls)
try:
    database.add("Bob", picture(seed=3))
except UserError as error:
    print(error)
"""
    try:
        code, out, said = run(code, tmp_path / "other")
    finally:
        for path, mode in zip([*closed, *open_for_all], [0o755, 0o755, 0o600, *modes], strict=True):
            path.chmod(mode)
    assert code == 0, said
    assert out.splitlines()[0] == "1 2 1"
    assert "cannot be written" in out.splitlines()[1]
    assert len(said.splitlines()) == 1 and "in memory" in said
