"""Forgetting people: full disks, locked files, kills, what cannot be deleted or was deleted by hand, networks."""

import gc
import json
import os
import shutil
import sqlite3
from contextlib import closing

import cv2
import pytest
from coloured_faces import picture
from conftest import copy_project
from people_folder import INDEX, open_people, save
from test_people_at_once import run

from recognition.files import ROOT
from recognition.library import everywhere
from recognition.people import forgetting, merges
from recognition.settings import UserError
from recognition.sqlite import file as sqlite_file
from recognition.synthetic.portraits import draw_face, write_people

PEOPLE = "face_recognition/people.py"
QUICK = ("--detector", "hog", "--recognizer", "dlib")
unix = pytest.mark.skipif(os.name == "nt", reason="kills, limits and users as Unix has them")


def content_of(folder):
    """Return all that is in the files of a folder, and their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(os.fsencode(path) + path.read_bytes() for path in files)


def numbers(folder, name):
    return [embedding.tobytes() for embedding in open_people(folder).embeddings(name)]


def is_forgotten(folder, name, blobs):
    gc.collect()
    held = content_of(folder)
    return (
        name.encode() not in held and not any(blob in held for blob in blobs) and not list(folder.glob(".forgotten*"))
    )


@unix
@pytest.mark.parametrize("step", ["put_away", "clear", "drop", "erase", "finish"])
@pytest.mark.parametrize("after", [False, True])
def test_what_a_kill_left_is_done_by_the_next_start(folder, step, after):
    blobs = numbers(folder, "green")
    code = f"""
import signal
from recognition.files import ROOT
from recognition.people import forgetting, photo_index
from recognition.sqlite import file as sqlite_file
owner = {{"drop": photo_index.PhotoIndex, "erase": sqlite_file.SqliteFile}}.get({step!r}, forgetting)
before = getattr(owner, {step!r})
def dying(*arguments):
    if {after}:
        before(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
database.gallery()
setattr(owner, {step!r}, dying)
database.forget("green")
"""
    assert run(code, folder)[0] == -9
    database = open_people(folder)
    if step == "put_away" and not after:  # nothing was done yet
        assert database.names() == ["blue", "green", "red"]
        return
    assert database.names() == ["blue", "red"] and database.embedder.calls == 0
    assert is_forgotten(folder, "green", blobs)


@unix
def test_without_room_the_file_of_numbers_goes_and_is_made_again(folder):
    blobs = numbers(folder, "green")
    code = """
database.gallery()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
print(database.forget("green"))
"""
    code, out, said = run(code, folder)
    assert (code, out) == (0, "2\n"), said
    assert is_forgotten(folder, "green", blobs)
    database = open_people(folder)
    assert database.gallery().names == ["blue", "red"] and database.embedder.calls == 4


@unix
def test_a_folder_that_cannot_be_written_is_no_success(folder):
    blobs = numbers(folder, "green")
    above = [path for path in folder.parents if "pytest-of" in str(path)] if os.geteuid() == 0 else []
    modes = [path.stat().st_mode for path in above]
    for path in above:
        path.chmod(0o755)
    folder.chmod(0o555)
    code = f"""
if os.geteuid() == 0:  # whom no mode keeps from writing
    os.setegid(65534)
    os.seteuid(65534)
database = People({str(folder)!r}, Detector(), Embedder())
try:
    database.forget("green")
except UserError as error:
    print(error)
"""
    try:
        code, out, said = run(code, folder.parent / "other")
    finally:
        for path, mode in zip([folder, *above], [0o755, *modes], strict=True):
            path.chmod(mode)
    assert code == 0, said
    assert out.count("\n") == 1 and "cannot be changed" in out
    assert not is_forgotten(folder, "green", blobs) and len(list((folder / "green").iterdir())) == 2


def test_photos_that_cannot_be_deleted_are_named_and_tried_again(folder, monkeypatch, capsys):
    database = open_people(folder)
    blobs = numbers(folder, "green")
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(UserError, match=r"green is not forgotten yet: .*\.forgotten-.* cannot be deleted"):
        database.forget("green")
    assert not any(blob in content_of(folder) for blob in blobs)  # what could be done was done
    capsys.readouterr()
    assert open_people(folder).names() == ["blue", "red"]
    assert ".forgotten-" in capsys.readouterr().err
    monkeypatch.undo()
    assert open_people(folder).names() == ["blue", "red"]
    assert is_forgotten(folder, "green", blobs)


def test_while_another_program_holds_the_numbers_they_are_not_deleted_and_then_they_are(folder, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)
    database = open_people(folder)
    database.gallery()
    blobs = numbers(folder, "green")
    with closing(sqlite3.connect(folder / INDEX, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match=r"green is not forgotten yet: .*another program holds it"):
            database.forget("green")
    assert not (folder / "green").exists()
    del database
    assert open_people(folder).names() == ["blue", "red"]
    assert is_forgotten(folder, "green", blobs)


@unix
def test_a_reader_who_holds_the_log_is_waited_for(folder, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)
    database = open_people(folder)
    database.gallery()
    blobs = numbers(folder, "green")
    with closing(sqlite3.connect(folder / INDEX, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM photos").fetchall()
        with pytest.raises(UserError, match="another program holds it"):
            database.forget("green")
    del database
    assert open_people(folder).names() == ["blue", "red"]
    assert is_forgotten(folder, "green", blobs)


def test_read_only_photos_are_deleted_and_what_links_lead_to_is_not(folder, tmp_path, capsys):
    outside = tmp_path / "outside.png"
    cv2.imwrite(str(outside), picture())
    if os.name != "nt":
        (folder / "green" / "link.png").symlink_to(outside)
        (folder / "green" / "deep").mkdir()
        (folder / "green" / "deep" / "text").write_text("in a folder that nobody may change")
        (folder / "green" / "deep").chmod(0o500)
    (folder / "green" / "0.png").chmod(0o400)
    outside.chmod(0o440)
    assert open_people(folder).forget("green") == 2
    assert ("green: of 1 photo only links are gone" in capsys.readouterr().err) == (os.name != "nt")
    assert not list(folder.glob(".forgotten*")) and outside.stat().st_mode & 0o777 == 0o440 | (os.name == "nt") * 4


@unix
def test_of_a_folder_that_is_a_link_the_link_goes_and_that_is_said(folder, tmp_path, capsys):
    os.rename(folder / "green", tmp_path / "album")
    (folder / "green").symlink_to(tmp_path / "album")
    blobs, asked = numbers(folder, "green"), []

    def agreed(*question):
        asked.append(question)
        return True

    assert everywhere.forget(open_people(folder), "green", None, folder, agreed)["photos"] == 0
    assert asked == [("green", 0)] and len(list((tmp_path / "album").iterdir())) == 2
    assert is_forgotten(folder, "green", blobs)
    assert f"green: only the link is gone: its photos stay in {tmp_path / 'album'}" in capsys.readouterr().err


@pytest.fixture
def people(tmp_path):
    """Return a folder of two drawn people."""
    return write_people(tmp_path / "people", 2, 2)


def test_who_was_deleted_by_hand_can_be_forgotten(script, people, tmp_path):
    arguments = ("--faces", people, *QUICK)
    cv2.imwrite(str(tmp_path / "photo.png"), draw_face(0))
    assert script("face_recognition/predict_static.py", "photo.png", *arguments).returncode == 0
    shutil.rmtree(people / "person 0")
    assert b"person 0" in (people / INDEX).read_bytes()
    done = script(PEOPLE, "forget", "Person 0", "--yes", *arguments)
    assert done.returncode == 0 and done.stdout.startswith("forgot person 0: 0 photos and all"), done.stderr
    assert b"person 0" not in content_of(people)
    again = script(PEOPLE, "forget", "person 0", "--yes", *arguments)
    assert again.returncode == 1 and again.stderr.startswith("error: nobody is called 'person 0'")


def card(name, class_names, architecture="faces"):
    return {"architecture": architecture, "class_names": class_names, "threshold": 0.5, "sha256": {}}


def test_networks_that_know_somebody_are_named(tmp_path):
    for name, made in {
        "faces": card("faces", ["Ada", "Bob"]),
        "mine": card("mine", ["Bob", "Ada2"], "embedding"),
        "things": card("things", ["Ada", "cat"], "resnet"),
        "others": card("others", ["Bob"]),
        "faces.checkpoint": {"settings": {"architecture": "faces"}},
        "strange": [1, 2],
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(made))
    (tmp_path / "broken.json").write_text("{")
    lines = forgetting.networks_knowing({"Ada", "Ada2"}, tmp_path)
    assert [line.removeprefix(f"{tmp_path}{os.sep}").partition(":")[0] for line in lines] == [
        "faces.checkpoint is of a training on faces that was stopped",
        "faces still knows Ada",
        "mine still knows Ada2",
    ]
    assert "python face_recognition/train.py --name mine" in lines[2] and "delete" in lines[2]
    for end in (".*", "_confusion.png", "_history.png"):
        assert f"{tmp_path / 'mine'}{end}" in lines[2]


def test_the_script_names_networks_also_under_the_names_of_those_who_were_merged(script, people, tmp_path):
    clone = copy_project(tmp_path / "clone", "face_recognition")
    (clone / "models").mkdir()
    (clone / "models" / "faces.json").write_text(json.dumps(card("faces", ["person 0", "x"])))
    (clone / "data").mkdir()
    shutil.copytree(ROOT / "data" / "models", clone / "data" / "models")
    arguments = ("--faces", people, *QUICK)
    merged = script(PEOPLE, "merge", "person 0", "person 1", "--force", *arguments, root=clone)
    assert merged.returncode == 0, merged.stderr
    done = script(PEOPLE, "forget", "person 1", "--yes", "--json", *arguments, root=clone)
    assert done.returncode == 0, done.stderr
    (line,) = json.loads(done.stdout)["networks"]
    assert "faces still knows person 0: train it again" in line and line in done.stderr
    late = script(PEOPLE, "forget", "x", "--yes", *arguments, root=clone)
    assert late.returncode == 1 and "faces still knows x" in late.stderr and "nobody is called 'x'" in late.stderr


def test_who_was_renamed_by_hand_is_forgotten_under_the_old_name_too(folder):
    blobs = numbers(folder, "green")
    os.rename(folder / "green", folder / "emerald")
    database = open_people(folder)
    assert database.forget("emerald") == 2
    assert is_forgotten(folder, "green", blobs) and is_forgotten(folder, "emerald", blobs)
    assert database.gallery().names == ["blue", "red"] and database.embedder.calls == 0


def test_no_merge_that_led_to_the_forgotten_is_kept(folder):
    for name in ("yellow", "amber"):
        save(folder / name / "a.png", picture(("yellow", 30, 30, 60), seed=len(name)))
    database = open_people(folder)
    for source, into in (("red", "green"), ("amber", "yellow"), ("green", "blue")):
        database.merge(source, into, force=True)
    database.forget("blue")
    assert [(one.source, one.into) for one in merges.read(folder)] == [("amber", "yellow")]


def test_whoever_a_merge_alone_names_can_be_forgotten_in_any_spelling(folder):
    database = open_people(folder)
    database.merge("red", "green", force=True)
    assert database.forget("Red") == 0
    assert merges.read(folder) == [] and database.names() == ["blue", "green"]
    assert is_forgotten(folder, "red", [])
    with pytest.raises(UserError, match="nobody is called"):
        database.forget("red")


def test_merges_that_cannot_be_read_do_not_keep_the_name(folder):
    database = open_people(folder)
    (folder / merges.FILE).write_text('[{"source": "green", "into"')
    assert database.forget("green") == 2
    assert is_forgotten(folder, "green", [])
