"""Sidecars that are none, that may not be written, or that others write as well; kills, and two runs at once."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from coloured_faces import picture
from coloured_library import BLUE, FACES, RED, look, name, new_library, new_photo, read, sync, who, write

from recognition.files import ROOT
from recognition.library import sidecars
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.people.database import People
from recognition.sqlite.errors import Locked


@pytest.fixture
def library(tmp_path, monkeypatch):
    return new_library(tmp_path, monkeypatch)


@pytest.fixture
def photo(library, tmp_path):
    return new_photo(library, tmp_path)


@pytest.mark.parametrize("size", [(1e308, 1e-308), (-1, 5), ("nan", 3), ("inf", 3), ("", "x"), (0, 0)])
def test_sizes_that_no_picture_has_are_none(library, photo, size):
    write(f"{photo}.xmp", ("Ada", *RED), size=size)
    assert sync(library).refused == [] and who(library, photo) == ["Ada", None]


def test_a_library_that_is_held_ends_it_at_once(library, photo, monkeypatch):
    def held(*_):
        raise Locked("library.sqlite: another program holds it: close that program")

    name(library, photo, "red", "Ada")
    monkeypatch.setattr(library.index, "note_written", held)
    with pytest.raises(Locked):
        sync(library)
    assert not Path(f"{photo}.xmp").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no XML", b"<a/>", b"\xff\xfe<\0a\0/\0>\0", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a>" * 100_000],
)
def test_a_sidecar_that_is_none_is_told_and_left_and_the_rest_goes_on(library, photo, content):
    cv2.imwrite(str(photo.with_name("b.png")), picture(*FACES, seed=1))
    look(library, photo.parent)
    for path in (photo, photo.with_name("b.png")):
        name(library, path, "red", "Ada")
    Path(f"{photo}.xmp").write_bytes(content)
    report = sync(library)
    ((path, reason),) = report.refused
    assert path == photo and reason.startswith("its sidecar a.png.xmp ") and "\n" not in reason
    assert Path(f"{photo}.xmp").read_bytes() == content and report.written == 1
    assert photo.with_name("b.png.xmp").exists()


def test_links_folders_and_files_that_may_not_be_written_are_left(library, photo, tmp_path):
    name(library, photo, "red", "Ada")
    file = Path(f"{photo}.xmp")
    file.mkdir()
    assert "a folder" in sync(library).refused[0][1]
    file.rmdir()
    if os.name != "nt":
        write(tmp_path / "elsewhere.xmp")
        before = (tmp_path / "elsewhere.xmp").read_bytes()
        file.symlink_to(tmp_path / "elsewhere.xmp")
        assert "is a link" in sync(library).refused[0][1]
        assert file.is_symlink() and (tmp_path / "elsewhere.xmp").read_bytes() == before
        file.unlink()
        file.symlink_to("/dev/zero")
        assert "pipe or device" in sync(library).refused[0][1]


def test_a_folder_that_cannot_be_written_is_one_line_and_the_rest_goes_on(library, photo, tmp_path, monkeypatch):
    """As the superuser, whom no permission holds, nothing but a made-up error shows it."""
    locked = tmp_path / "photos" / "locked"
    locked.mkdir()
    for k in range(3):
        cv2.imwrite(str(locked / f"{k}.png"), picture(*FACES, seed=k + 1))
    look(library, photo.parent)
    for path, _ in library.index.photos():
        name(library, path, "red", "Ada")
    whole = sidecars.write_atomically

    def write_elsewhere(path, writer):
        if path.parent == locked:
            raise PermissionError(13, "Permission denied", str(path))
        whole(path, writer)

    monkeypatch.setattr(sidecars, "write_atomically", write_elsewhere)
    report = sync(library)
    ((path, reason),) = report.refused
    assert path == locked and reason.startswith("3 sidecars cannot be read or written (Permission denied)")
    assert report.written == 1 and Path(f"{photo}.xmp").exists() and len(list(locked.iterdir())) == 3


def test_a_sidecar_that_another_program_changes_meanwhile_is_not_lost(library, photo, monkeypatch):
    name(library, photo, "red", "Ada")
    write(f"{photo}.xmp", ("Ben", *BLUE))
    whole = sidecars.write_atomically

    changes = []

    def write_after_others(path, writer):
        changes.append(f"Benjamin {len(changes)}")
        write(f"{photo}.xmp", (changes[-1], *BLUE))
        whole(path, writer)

    def write_after_another(path, writer):
        if len(changes) == sidecars.TRIES:
            write_after_others(path, writer)
        whole(path, writer)

    monkeypatch.setattr(sidecars, "write_atomically", write_after_others)
    assert "changed by another program" in sync(library).refused[0][1] and len(changes) == sidecars.TRIES
    assert read(f"{photo}.xmp")[0] == {changes[-1]: BLUE}
    monkeypatch.setattr(sidecars, "write_atomically", write_after_another)
    assert sync(library).refused == [] and len(changes) == sidecars.TRIES + 1
    assert read(f"{photo}.xmp")[0] == {changes[-1]: BLUE, "Ada": RED}


def test_a_photo_that_is_gone_or_another_gets_no_sidecar(library, photo):
    name(library, photo, "red", "Ada")
    os.rename(photo, photo.with_name("b.png"))
    assert sync(library).refused == [] and len(list(photo.parent.iterdir())) == 1
    cv2.imwrite(str(photo), picture(("green", 5, 5, 90)))
    assert "was changed since it was looked at" in sync(library).refused[0][1]
    assert len(list(photo.parent.iterdir())) == 2


def test_a_kill_before_a_sidecar_is_written_makes_no_word_of_the_users_of_it(library, photo, monkeypatch):
    library.people.add("Ada", picture(), library.index.faces(library.index.content(photo))[0][0].embedding)
    whole = sidecars.write_atomically

    def write_and_die(path, writer):
        whole(path, writer)
        raise KeyboardInterrupt

    monkeypatch.setattr(sidecars, "write_atomically", write_and_die)
    with contextlib.suppress(KeyboardInterrupt):
        sync(library)
    monkeypatch.undo()
    assert list(read(f"{photo}.xmp")[0]) == ["Ada"]
    assert sync(library).named == 0 and library.index.said() == set()


def test_what_could_not_be_written_is_the_users_when_he_writes_it(library, photo, monkeypatch):
    library.people.add("Ada", picture(), library.index.faces(library.index.content(photo))[0][0].embedding)

    def fill_the_disk(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sidecars, "write_atomically", fill_the_disk)
    assert "No space left" in sync(library).refused[0][1]
    monkeypatch.undo()
    write(f"{photo}.xmp", ("Ada", *RED), size=(120, 120))
    assert sync(library).named == 1 and library.index.said() == {"Ada"}
    shutil.rmtree(library.people.folder / "Ada")
    people = People(library.people.folder, library.people.detector, library.people.embedder)
    library = Library(library.index, people)
    sync(library)
    assert library.index.said() == {"Ada"} and list(read(f"{photo}.xmp")[0]) == ["Ada"]


def test_what_another_run_of_ours_wrote_meanwhile_is_no_word_of_the_users(library, photo, monkeypatch):
    """That run has noted the name already; this one must not take the note back."""
    library.people.add("Ada", picture(), library.index.faces(library.index.content(photo))[0][0].embedding)
    other = LibraryIndex(library.index.file_path)
    opened = sidecars.Sidecars._change

    def change_after_another(self, content, *arguments):
        names = opened(self, content, *arguments)
        if not Path(f"{photo}.xmp").exists():
            other.note_written(names)
            write(f"{photo}.xmp", ("Ada", *RED), size=(120, 120))
        return names

    monkeypatch.setattr(sidecars.Sidecars, "_change", change_after_another)
    report = sync(library)
    assert (report.refused, report.named, library.index.said()) == ([], 0, set())


SLOW = """
import sys, time
sys.path[:0] = {paths}
from pathlib import Path
from coloured_faces import Detector, Embedder
from recognition.library import sidecars
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.people.database import People

whole = sidecars.write_atomically
def slow(path, writer):
    def fill(temporary):
        temporary.write_text("half of it")
        time.sleep({seconds})
        writer(temporary)
    whole(path, fill)

sidecars.write_atomically = slow
library = Library(LibraryIndex(Path("library.sqlite")), People(Path("people"), Detector(), Embedder()))
files = sidecars.Sidecars(library)
files.sync(list(library.index.photos()))
print(files.report.refused, flush=True)
"""


def start(tmp_path, seconds):
    code = SLOW.format(paths=[str(ROOT), str(ROOT / "tests")], seconds=seconds)
    return subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)


def test_kills_and_two_runs_at_once_leave_whole_sidecars(library, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for k in range(40):
        cv2.imwrite(str(photos / f"{k}.png"), picture(*FACES, seed=k))
    look(library, photos)
    library.people.add("Ada", picture(), library.index.faces(library.index.content(photos / "0.png"))[0][0].embedding)
    with start(tmp_path, 0.1) as process:
        limit = time.monotonic() + 60
        while len(list(photos.glob("*.xmp"))) < 4:
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.02)
        process.kill()
    assert 4 <= len(done := list(photos.glob("*.xmp"))) < 40
    assert all(list(read(path)[0]) == ["Ada"] for path in done)
    runs = [start(tmp_path, 0.01) for _ in range(2)]
    assert [(run.communicate(timeout=60)[0], run.returncode) for run in runs] == [("[]\n", 0)] * 2
    assert all(list(read(f"{photos / str(k)}.png.xmp")[0]) == ["Ada"] for k in range(40))
    assert (sync(library).written, library.index.said()) == (0, set())
