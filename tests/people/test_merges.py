"""People who are merged while others hold the index, merge and forget, on a full disk, and killed: it can be undone."""

import errno
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from coloured_faces import picture
from people_folder import INDEX, open_people, save

from recognition.people import merges, photo_files
from recognition.settings import UserError
from recognition.sqlite import file as sqlite_file


class Kill(BaseException):
    """Nothing of the program goes on after it."""


def photos_of(folder):
    """Return the bytes of everybody's photos."""
    people = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: sorted(photo.read_bytes() for photo in path.iterdir()) for path in people}


def merged(folder):
    return [(one.source, one.into) for one in merges.read(folder)]


def do_first(monkeypatch, work):
    """Have another program do something after a merge has begun, once, before its photos are moved."""
    move, done = photo_files.move_photos, []

    def move_late(*arguments):
        if not done:
            done.append(True)
            work()
        return move(*arguments)

    monkeypatch.setattr(photo_files, "move_photos", move_late)


def test_a_merge_and_a_new_name_while_the_index_is_held_are_whole_and_known_later(folder, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.1)
    before, database = photos_of(folder), open_people(folder)
    database.gallery()
    other = sqlite3.connect(folder / INDEX, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.merge("red", "blue", force=True)
    database.rename("green", "Gus")
    other.execute("COMMIT")
    assert database.names() == ["Gus", "blue"] and len(database.embeddings("blue")) == 4
    assert len(database.embeddings("Gus")) == 2 and database.embedder.calls == 6
    other.execute("BEGIN IMMEDIATE")
    assert database.undo_merge().source == "red"
    other.execute("COMMIT")
    assert database.names() == database.gallery().names == ["Gus", "blue", "red"]
    before["Gus"] = before.pop("green")
    assert photos_of(folder) == before


def test_on_a_full_disk_no_photo_is_moved_that_could_not_be_moved_back(folder, monkeypatch):
    def fill_the_disk(path, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    before, database = photos_of(folder), open_people(folder)
    monkeypatch.setattr(merges, "write_atomically", fill_the_disk)
    with pytest.raises(UserError, match=r"merges.json: cannot be changed \(No space left"):
        database.merge("red", "blue", force=True)
    assert photos_of(folder) == before and merged(folder) == []


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("moved", range(4))
def test_a_merge_that_was_killed_is_undone_as_a_whole_also_when_it_was_done_again(folder, monkeypatch, moved, again):
    save(folder / "red" / "only red.png", picture(("red", 30, 30, 60), seed=77))
    shutil.copy(folder / "red" / "0.png", folder / "blue" / "copy.png")
    before, move_new, count = photos_of(folder), photo_files.move_new, []

    def move_and_die(old, new):
        if len(count) == moved:
            raise Kill
        move_new(old, new)
        count.append(new)

    monkeypatch.setattr(photo_files, "move_new", move_and_die)
    monkeypatch.setattr(photo_files.Path, "rmdir", lambda _: (_ for _ in ()).throw(Kill))
    with pytest.raises(Kill):
        open_people(folder).merge("red", "blue", force=True)
    monkeypatch.undo()
    database = open_people(folder)
    if again:
        database.merge("red", "blue", force=True)
        assert not (folder / "red").exists() and len(list((folder / "blue").iterdir())) == 6
    if again or moved:
        assert database.undo_merge().source == "red"
    assert photos_of(folder) == before
    if again or moved:
        with pytest.raises(UserError, match="nobody was merged"):
            database.undo_merge()


def test_nobody_who_was_forgotten_meanwhile_comes_back_into_the_merges(folder, monkeypatch):
    save(folder / "gray" / "0.png", picture(("yellow", 30, 30, 60), seed=1))
    database, other = open_people(folder), open_people(folder)
    database.merge("gray", "green", force=True)
    do_first(monkeypatch, lambda: other.forget("green"))
    database.merge("red", "blue", force=True)
    assert merged(folder) == [("red", "blue")]
    do_first(monkeypatch, lambda: other.forget("blue"))
    database.undo_merge()
    assert merged(folder) == []


def test_whoever_is_forgotten_before_a_merge_begins_is_not_noted(folder, monkeypatch):
    database, other, plan = open_people(folder), open_people(folder), photo_files.names_there

    def plan_and_wait(*arguments):
        names = plan(*arguments)
        other.forget("red")
        return names

    monkeypatch.setattr(photo_files, "names_there", plan_and_wait)
    with pytest.raises(UserError, match="was renamed or forgotten by another program"):
        database.merge("red", "blue", force=True)
    assert merged(folder) == []


def test_a_merge_that_moves_nothing_is_not_noted(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "0.png")

    monkeypatch.setattr(photo_files, "move_new", refuse)
    with pytest.raises(UserError, match=r"0\.png: cannot be changed"):
        open_people(folder).merge("red", "blue", force=True)
    assert merged(folder) == []


def test_two_merges_at_once_can_both_be_undone(folder, monkeypatch):
    save(folder / "gray" / "0.png", picture(("yellow", 30, 30, 60), seed=1))
    before, database, other = photos_of(folder), open_people(folder), open_people(folder)
    do_first(monkeypatch, lambda: other.merge("gray", "green", force=True))
    database.merge("red", "blue", force=True)
    assert sorted(merged(folder)) == [("gray", "green"), ("red", "blue")]
    assert sorted(database.undo_merge().source for _ in range(2)) == ["gray", "red"]
    assert photos_of(folder) == before


def test_a_name_that_is_taken_meanwhile_is_another_photos(folder, monkeypatch):
    (folder / "red" / "0.png").rename(folder / "red" / "new.png")
    before, database = photos_of(folder), open_people(folder)
    do_first(monkeypatch, lambda: save(folder / "blue" / "new.png", picture(("blue", 30, 30, 60), seed=99)))
    database.merge("red", "blue", force=True)
    assert database.undo_merge().source == "red"
    assert photos_of(folder)["red"] == before["red"]
    assert (folder / "blue" / "new.png").exists() and len(photos_of(folder)["blue"]) == 3


def test_no_change_of_the_merges_is_lost(tmp_path):
    def add(number):
        merges.change(tmp_path, lambda before: [*before, merges.Merge(str(number), "Ada", ["1.jpg"])])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(60)))
    assert {one.source for one in merges.read(tmp_path)} == set(map(str, range(60)))
