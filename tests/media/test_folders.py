"""Folders in folders: the photo scripts look into them; what takes names from folders says how many it left out."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import write

from recognition.media.frames import FrameSource
from recognition.synthetic.portraits import draw_face, write_people

PICTURE = cv2.imencode(".png", np.zeros((20, 30, 3), np.uint8))[1].tobytes()


def put(*paths: Path, content: bytes = PICTURE) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def found(source: FrameSource, top: Path) -> list[str]:
    return [path.relative_to(top).as_posix() for path in source.files()]


@pytest.fixture
def tree(tmp_path):
    """Return a folder with folders."""
    top = tmp_path / "photos"
    put(*(top / name for name in ("z.png", "b/2.png", "b/1.png", "b/a/x.png", "a/y.png", "a/notes.txt", "c.png/d.png")))
    put(*(top / name for name in (".hidden/h.png", "b/.thumbs/t.png", "._z.png", "out/z_read.png")))
    (top / "empty" / "er").mkdir(parents=True)
    if os.name != "nt":
        (top / "b" / "around").symlink_to(top)
        (top / "elsewhere").symlink_to(tmp_path)
    return top


def test_folders_in_folders_come_sorted_and_without_what_is_hidden_or_goes_around(tree, capsys):
    source = FrameSource([str(tree)], subfolders=True, leave_out=[str(tree / "out"), None])
    assert found(source, tree) == ["z.png", "a/y.png", "b/1.png", "b/2.png", "b/a/x.png", "c.png/d.png"]
    assert source.failed == [] and capsys.readouterr().err == ""
    named = FrameSource([str(tree / "out"), str(tree / ".hidden" / "h.png")], subfolders=True, leave_out=["nowhere"])
    assert found(named, tree) == ["out/z_read.png", ".hidden/h.png"]


def test_without_them_their_number_is_told_in_one_line(tree, capsys):
    source = FrameSource([str(tree)])
    assert found(source, tree) == ["z.png"] and source.failed == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("5 folders in folders left out, ") and str(tree / "a") in line and "move" in line


@pytest.mark.skipif(os.name == "nt", reason="links as Unix has them")
def test_a_named_link_is_a_folder_and_one_that_leads_into_itself_ends(tmp_path):
    put(tmp_path / "real" / "deep" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "deep" / "up").symlink_to(tmp_path / "real")
    assert found(FrameSource([str(tmp_path / "link")], subfolders=True), tmp_path) == ["link/deep/a.png"]


def test_a_folder_without_an_image_anywhere_and_one_that_cannot_be_listed_are_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "none" / "deep").mkdir(parents=True)
    source = FrameSource([str(tmp_path / "none")], subfolders=True)
    assert list(source) == [] and source.failed == [str(tmp_path / "none")]
    assert "no images in this folder or in those in it" in capsys.readouterr().err
    put(tmp_path / "some" / "a.png", tmp_path / "some" / "locked" / "b.png", tmp_path / "some" / "open" / "c.png")
    listed = Path.iterdir

    def denied(self):
        if self.name == "locked":
            raise PermissionError(13, "Permission denied", str(self))
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", denied)
    source = FrameSource([str(tmp_path / "some")], subfolders=True)
    assert found(source, tmp_path / "some") == ["a.png", "open/c.png"]
    assert source.failed == [str(tmp_path / "some" / "locked")]
    assert "check its permissions" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["digit", "face", "cifar"])
def test_every_part_looks_into_folders_but_not_at_what_it_made_itself(script, tmp_path, part):
    content = cv2.imencode(".png", write([["4", "2"]]))[1].tobytes()
    put(tmp_path / "photos" / "a.png", tmp_path / "photos" / "2020" / "may" / "a.png", content=content)
    more = ("--detector", "hog", "--recognizer", "dlib", "--faces", "nobody") if part == "face" else ()
    (tmp_path / "nobody").mkdir()
    for _ in range(2):
        done = script(f"{part}_recognition/predict_static.py", "photos", "--json", "--output", "photos/read", *more)
        assert done.returncode == 0, done.stderr
        sources = [json.loads(line)["source"] for line in done.stdout.splitlines()]
        assert [Path(source).as_posix() for source in sources] == ["photos/a.png", "photos/2020/may/a.png"]
    assert len(list((tmp_path / "photos" / "read").iterdir())) == 2


def test_people_are_enrolled_from_folders_in_their_folder_and_evaluation_says_what_it_left(script, tmp_path):
    quick = ("--detector", "hog", "--recognizer", "dlib")
    put(tmp_path / "mine" / "Ada" / "2020" / "a.png", content=cv2.imencode(".png", draw_face(3))[1].tobytes())
    done = script("face_recognition/enroll.py", "--each", "mine", "--faces", "people", *quick)
    assert done.returncode == 0 and "enrolled as Ada" in done.stdout, done.stdout + done.stderr
    folder = write_people(tmp_path / "some", 2, 2)
    put(folder / "person 0" / "old" / "a.png")
    done = script("face_recognition/evaluate.py", "some", "--faces", "people", *quick, "--no-show")
    assert done.stderr.count("a folder in folders left out, ") == 1 and str(Path("person 0", "old")) in done.stderr
