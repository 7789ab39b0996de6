"""Looking at the photos of folders, with a detector and an embedder that take coloured squares for faces."""

import os
import shutil

import cv2
import numpy as np
import pytest
from coloured_faces import Detector, Embedder, picture

from recognition.library import scan
from recognition.library.index import LibraryIndex
from recognition.settings import UserError


@pytest.fixture
def index(tmp_path):
    index = LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    index.use(("squares", "colours", 1))
    return index


@pytest.fixture
def photos(tmp_path):
    """Return a folder with forty photos, one of them with two faces, and thirty copies of that one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(40):
        faces = [("red", 5, 30, 40), ("blue", 60, 30, 40)] if k == 3 else []
        cv2.imwrite(str(folder / f"{k:02}.png"), picture(*faces, seed=k))
    for k in range(30):
        shutil.copy(folder / "03.png", folder / f"03 copy {k}.png")
    return folder


def test_copies_are_looked_at_once_even_while_the_first_is_on_its_way(index, photos):
    embedder = Embedder()
    report = scan.add(index, Detector(), embedder, [photos])
    assert (report.photos, report.looked_at, report.faces, report.known) == (70, 40, 41, 30)
    assert embedder.calls == 41 and len(list(index.photos())) == 70
    faces, _ = index.faces(index.content(photos / "03 copy 7.png"))
    described = sorted((one.face.box[0], int(one.embedding[:3].argmax())) for one in faces)
    assert [channel for _, channel in described] == [2, 0]  # red and blue: each embedding is at its own box


def test_a_photo_that_the_detector_chokes_on_stops_no_other(index, photos):
    class Choking(Detector):
        def detect(self, frame, main=False):
            if len(super().detect(frame)) == 2:
                raise RuntimeError("no, thanks\nreally")
            return super().detect(frame)

    report = scan.add(index, Choking(), Embedder(), [photos])
    assert len(report.refused) == 31 and report.refused[0][1] == "cannot be looked at (no, thanks)"
    assert len(list(index.photos())) == 39
    assert scan.add(index, Choking(), Embedder(), [photos]).refused == []


def test_a_file_that_changes_while_it_is_looked_at_is_left_to_the_next_run(index, photos):
    class Meddling(Detector):
        def detect(self, frame, main=False):
            if len(super().detect(frame)) == 2:
                cv2.imwrite(str(photos / "03.png"), picture(("green", 5, 5, 90)))
            return super().detect(frame)

    for path in photos.glob("03 copy *"):
        path.unlink()
    assert scan.add(index, Meddling(), Embedder(), [photos]).looked_at == 40
    assert len(list(index.photos())) == 39
    report = scan.add(index, Detector(), Embedder(), [photos])
    assert (report.looked_at, report.faces) == (1, 1)
    (face,), _ = index.faces(index.content(photos / "03.png"))
    assert face.embedding[:3].argmax() == 1  # green, not what was there before


def test_a_photo_that_is_deleted_while_it_is_looked_at_spoils_none_of_its_copies(index, photos, monkeypatch):
    whole = scan.read_image

    def read_late(path):
        if path.name == "03 copy 0.png":  # the first by name
            path.unlink()
        return whole(path)

    monkeypatch.setattr(scan, "read_image", read_late)
    report = scan.add(index, Detector(), Embedder(), [photos])
    assert report.refused == [] and index.unreadable() == 0
    monkeypatch.undo()
    report = scan.add(index, Detector(), Embedder(), [photos])
    assert (report.looked_at, report.gone, report.refused) == (1, 0, []) and len(list(index.photos())) == 69
    assert len(index.faces(index.content(photos / "03 copy 29.png"))[0]) == 2


def test_one_photo_that_is_moved_away_while_a_folder_is_listed_hides_none_of_the_others(index, photos, monkeypatch):
    stat = os.stat

    def stat_late(path, *arguments, **named):
        if str(path).endswith("05.png"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return stat(path, *arguments, **named)

    monkeypatch.setattr(scan.os, "stat", stat_late)
    assert scan.add(index, Detector(), Embedder(), [photos]).photos == 69 == len(list(index.photos()))


def test_copies_of_a_broken_file_are_not_read_again(index, photos, monkeypatch):
    folder, read = photos, []
    for path in photos.glob("03*"):
        path.unlink()
    for k in range(300):
        (folder / f"{k // 8:02} {k}.jpg").write_bytes(b"no picture" if k % 3 else b"")
    whole = scan.read_image
    monkeypatch.setattr(scan, "read_image", lambda path: read.append(path) or whole(path))
    report = scan.add(index, Detector(), Embedder(), [folder])
    assert len(read) == 39 + 1 and len(report.refused) == 300 == index.unreadable()
    again = scan.add(index, Detector(), Embedder(), [folder])
    assert (again.refused, again.unreadable) == ([], 300) and len(read) == 39 + 1


@pytest.mark.skipif(os.name == "nt", reason="names of files are no bytes there")
def test_names_that_are_no_text_and_photos_that_come_back(index, tmp_path, photos):
    odd = os.fsencode(photos) + b"/\xff.png"
    try:
        os.rename(photos / "07.png", odd)
    except OSError:
        pytest.skip("this file system takes no such names")
    scan.add(index, Detector(), Embedder(), [photos])
    assert index.content(photos / os.fsdecode(b"\xff.png"))
    os.rename(photos, tmp_path / "away")
    photos.mkdir()
    assert scan.add(index, Detector(), Embedder(), [photos]).gone == 70
    assert not list(index.photos())
    photos.rmdir()
    os.rename(tmp_path / "away", photos)
    report = scan.add(index, Detector(), Embedder(), [photos])
    assert (report.looked_at, report.known, report.gone) == (0, 0, 0) and len(list(index.photos())) == 70


@pytest.mark.parametrize("keep", [scan.KEEP, 0])  # all is written at once, each photo for itself
def test_photos_that_take_one_anothers_names_keep_what_was_said_of_them(index, tmp_path, monkeypatch, keep):
    monkeypatch.setattr(scan, "KEEP", keep)
    folder, colours = tmp_path / "photos", ("red", "green", "blue")
    folder.mkdir()
    for k, colour in enumerate(colours):
        cv2.imwrite(str(folder / f"{k}.png"), picture((colour, 30, 30, 60)))
        os.utime(folder / f"{k}.png", (k, k))
    scan.add(index, Detector(), Embedder(), [folder])
    (red,), _ = index.faces(index.content(folder / "0.png"))
    index.name([red.id], "Ada", {})
    index.deny(index.content(folder / "1.png"), "Ben")
    os.rename(folder / "1.png", folder / "away.png")
    os.rename(folder / "0.png", folder / "1.png")
    os.rename(folder / "away.png", folder / "0.png")  # they swapped
    (folder / "later").mkdir()
    os.rename(folder / "2.png", folder / "later" / "2.png")
    cv2.imwrite(str(folder / "2.png"), picture(("yellow", 30, 30, 60)))
    report = scan.add(index, Detector(), Embedder(), [folder])
    assert (report.looked_at, report.known) == (1, 3)
    assert [one.name for one in index.faces(index.content(folder / "1.png"))[0]] == ["Ada"]
    assert index.faces(index.content(folder / "0.png"))[1] == {"Ben"}
    cv2.imwrite(str(folder / "1.png"), picture(("yellow", 30, 30, 60), seed=1))  # no photo shows her any more
    scan.add(index, Detector(), Embedder(), [folder])
    assert index.said() == set() and len(index.hashes()) == 4


def test_a_full_disk_is_called_so_and_the_next_run_goes_on(index, photos):
    class Wide(Embedder):
        def embed(self, crops):
            return np.tile(super().embed(crops), 64)  # a kilobyte each

    index.file.run(lambda db: db.execute("PRAGMA max_page_count = 1"))  # no more than there are
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be written \(database or disk is full\): .*free some space"):
            scan.add(index, Detector(), Wide(), [photos])
    index.file.run(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    assert scan.add(index, Detector(), Wide(), [photos]).looked_at == 40
