"""The database of people: what photos make of it, names, changes by hand, damage, links, what is forgotten."""

import gc
import os
import shutil
import sqlite3
import time

import numpy as np
import pytest
from coloured_faces import picture
from people_folder import INDEX, notices, open_people, save, who

from recognition.people import merges
from recognition.settings import UserError


def make_index(folder):
    """Look at all photos, and end as a program ends: SQLite puts its files in order."""
    open_people(folder).gallery()
    gc.collect()


def test_photos_put_there_by_hand_are_known(folder):
    database = open_people(folder)
    assert database.names() == database.gallery().names == ["blue", "green", "red"]
    assert [who(database, colour) for colour in ("red", "green", "blue")] == ["red", "green", "blue"]
    assert database.photos("red") == [folder / "red" / "0.png", folder / "red" / "1.png"]
    assert database.embeddings("red").shape == (2, 4)
    assert database.embedder.calls == 6


def test_a_second_start_looks_at_no_photo_again(folder):
    make_index(folder)
    again = open_people(folder)
    assert who(again, "green") == "green"
    assert again.embedder.calls == 0


@pytest.mark.parametrize("change", ["deleted", "embedder", "new", "overwritten", "removed", "renamed", "moved"])
def test_only_what_changed_is_looked_at(folder, change):
    make_index(folder)
    looks, name = {"deleted": 6, "embedder": 6, "new": 1, "overwritten": 1}.get(change, 0), "colours"
    if change == "deleted":
        for path in folder.glob(INDEX + "*"):
            path.unlink()
    elif change == "embedder":
        name = "others"
    elif change == "new":
        save(folder / "yellow" / "a.png", picture(("yellow", 30, 30, 60)))
    elif change == "overwritten":  # the folder's own time of change stays
        before = os.stat(folder / "red").st_mtime_ns
        save(folder / "red" / "0.png", picture(("yellow", 30, 30, 60)), age=5)
        assert os.stat(folder / "red").st_mtime_ns == before
    elif change == "removed":
        (folder / "red" / "0.png").unlink()
    elif change == "renamed":
        (folder / "red").rename(folder / "crimson")
    else:
        (folder / "red" / "0.png").rename(folder / "blue" / "moved.png")
    database = open_people(folder, name)
    database.gallery()
    assert database.embedder.calls == looks
    counts = {name: len(database.embeddings(name)) for name in database.names()}
    expected = {"red": 2, "green": 2, "blue": 2} | {
        "new": {"yellow": 1},
        "removed": {"red": 1},
        "moved": {"red": 1, "blue": 3},
        "renamed": {"crimson": 2},
    }.get(change, {})
    if change == "renamed":
        del expected["red"]
    assert counts == expected


@pytest.mark.parametrize("damage", ["garbage", "head", "middle", "cut", "empty", "foreign"])
def test_a_damaged_index_is_made_again(folder, damage, capsys):
    make_index(folder)
    path = folder / INDEX
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    if damage == "foreign":
        path.unlink()
        with sqlite3.connect(path) as foreign:
            foreign.execute("CREATE TABLE something (x)")
        foreign.close()
    else:
        path.write_bytes(
            {
                "garbage": rng.bytes(5000),
                "head": rng.bytes(100) + content[100:],
                "middle": content[:4096] + rng.bytes(4096) + content[8192:],
                "cut": content[: len(content) // 2],
                "empty": b"",
            }[damage]
        )
    capsys.readouterr()
    database = open_people(folder)
    assert who(database, "blue") == "blue" and database.embedder.calls == 6
    said = capsys.readouterr().err.splitlines()
    assert len(said) == (damage != "empty") and all("damaged" in line for line in said)


def test_a_changed_number_is_noticed(folder, capsys):
    make_index(folder)
    blob = open_people(folder).embeddings("red")[0].tobytes()
    content = (folder / INDEX).read_bytes()
    assert content.count(blob) >= 1
    (folder / INDEX).write_bytes(content.replace(blob, blob[:-1] + b"\x7f"))
    database = open_people(folder)
    assert who(database, "red") == "red"
    assert "damaged" in capsys.readouterr().err


def test_an_index_of_a_newer_version_is_left_alone(folder):
    with sqlite3.connect(folder / INDEX) as newer:
        newer.execute("CREATE TABLE novelty (x)")
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = (folder / INDEX).read_bytes()
    with pytest.raises(UserError, match=r"newer version.*update.*delete") as error:
        open_people(folder)
    assert "\n" not in str(error.value)
    assert (folder / INDEX).read_bytes() == before
    assert len(list(folder.glob("*/*.png"))) == 6


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_user_may_read_the_index(folder):
    (folder / INDEX).touch(0o666)
    database = open_people(folder)
    database.gallery()
    files = list(folder.glob(INDEX + "*"))
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_other_programs_notice_each_change(folder):
    one, other = open_people(folder), open_people(folder)
    other.gallery()
    one.gallery()
    other.refresh()
    assert not other.refresh()
    looks = other.embedder.calls
    path = one.add("Zoë", picture(("yellow", 30, 30, 60)))
    assert path.parent == folder / "Zoë"
    assert one.refresh() and who(one, "yellow") == "Zoë"
    assert other.refresh() and who(other, "yellow") == "Zoë" and other.embedder.calls == looks
    assert not other.refresh()
    one.rename("Zoë", "Zora")
    assert other.refresh() and who(other, "yellow") == "Zora"
    one.merge("Zora", "red", force=True)
    assert other.refresh() and other.names() == ["blue", "green", "red"] and len(other.embeddings("red")) == 3
    assert one.forget("red") == 3
    assert other.refresh() and other.names() == ["blue", "green"]
    save(folder / "by hand" / "a.png", picture(("yellow", 30, 30, 60)))
    assert notices(other) and who(other, "yellow") == "by hand"
    shutil.rmtree(folder / "by hand")
    assert notices(other) and other.names() == ["blue", "green"]


def test_nothing_of_the_forgotten_is_left(folder):
    database, other = open_people(folder), open_people(folder)
    blobs = [embedding.tobytes() for embedding in database.embeddings("green")]
    hidden = b"green"
    other.gallery()
    held = b"".join(path.read_bytes() for path in folder.glob(INDEX + "*"))
    assert hidden in held and all(blob in held for blob in blobs)
    assert database.forget("green") == 2
    held = b"".join(path.read_bytes() for path in folder.glob(INDEX + "*"))
    assert hidden not in held and not any(blob in held for blob in blobs)
    assert sorted(os.listdir(folder))[-2:] == ["blue", "red"]
    assert not list(folder.glob(".forgotten*"))


def test_unusable_photos_are_named_once(folder, capsys):
    save(folder / "red" / "two.png", picture(("red", 5, 30, 50), ("blue", 65, 30, 50)))
    save(folder / "red" / "crowd.png", picture(("red", 20, 20, 80), ("blue", 102, 102, 15)))
    save(folder / "red" / "none.png", np.full((50, 50, 3), 128, np.uint8))
    (folder / "red" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    database = open_people(folder)
    assert len(database.embeddings("red")) == 3
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    for name in ("two.png", "none.png", "cut.jpg"):
        assert said.count(str(folder / "red" / name)) == 1
    assert [path.name for path, _ in database.unusable()] == ["cut.jpg", "none.png", "two.png"]
    assert len(open_people(folder).embeddings("red")) == 3
    assert not capsys.readouterr().err


def test_capitals_and_accents_make_no_second_person(folder):
    database = open_people(folder)
    assert database.add("RED", picture(seed=99)).parent == folder / "red"
    database.add("Zoe\u0301", picture(("yellow", 30, 30, 60)))
    assert "Zo\u00e9" in database.names()
    database.rename("zo\u00c9", "Zoe")
    database.rename("Zoe", "ZOE")
    assert database.names() == ["ZOE", "blue", "green", "red"]
    with pytest.raises(UserError, match="there is a blue already"):
        database.rename("ZOE", "Blue")


def test_links_are_not_followed_for_changes(folder, tmp_path):
    outside = tmp_path / "outside"
    save(outside / "mine.png", picture(("yellow", 30, 30, 60)))
    (folder / "linked").symlink_to(outside)
    (folder / "blue" / "linked.png").symlink_to(outside / "mine.png")
    (folder / INDEX).symlink_to(tmp_path / "elsewhere.sqlite")
    database = open_people(folder)
    assert "linked" in database.names()  # reading is no harm
    for change in (lambda: database.add("linked", picture()), lambda: database.merge("linked", "red"),
                   lambda: database.merge("red", "linked")):  # fmt: skip
        with pytest.raises(UserError, match="a link to"):
            change()
    database.forget("linked")
    database.forget("blue")
    assert os.listdir(outside) == ["mine.png"]
    assert not (tmp_path / "elsewhere.sqlite").exists()
    assert database.names() == ["green", "red"]


def test_a_merge_keeps_every_photo(folder):
    before = sorted(path.read_bytes() for path in folder.glob("*/*.png"))
    shutil.copy(folder / "red" / "0.png", folder / "blue" / "copy.png")
    database = open_people(folder)
    database.merge("red", "blue", force=True)
    assert sorted({path.read_bytes() for path in folder.glob("*/*.png")}) == before
    assert len(database.photos("blue")) == 5 and not (folder / "red").exists()
    for wrong in (("blue", "blue"), ("nobody", "blue"), ("blue", "nobody")):
        with pytest.raises(UserError):
            database.merge(*wrong)


def test_two_unlike_people_are_merged_only_by_force(folder):
    database = open_people(folder)
    with pytest.raises(UserError, match=r"red and blue look like two people \(distance .*--force"):
        database.merge("red", "blue")
    assert database.names() == ["blue", "green", "red"]
    database.rename("red", "Ada")
    save(folder / "Ada too" / "a.png", picture(("red", 30, 30, 60), seed=7))
    assert notices(database)
    database.merge("Ada too", "Ada")
    assert database.names() == ["Ada", "blue", "green"] and len(database.photos("Ada")) == 3


def test_a_merge_can_be_undone_and_nothing_tells_of_the_forgotten(folder):
    before = {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*.png")}
    database = open_people(folder)
    database.merge("red", "blue", force=True)
    database.merge("green", "blue", force=True)
    database.rename("blue", "Bo")
    assert [database.undo_merge().source for _ in range(2)] == ["green", "red"]
    database.rename("Bo", "blue")
    assert sorted(path.read_bytes() for path in folder.glob("*/*.png")) == sorted(before.values())
    assert {name: len(database.photos(name)) for name in database.names()} == {"blue": 2, "green": 2, "red": 2}
    assert database.gallery().names == ["blue", "green", "red"]
    with pytest.raises(UserError, match="nobody was merged"):
        database.undo_merge()
    database.merge("red", "green", force=True)
    assert "red" in (folder / merges.FILE).read_text()
    database.forget("green")
    assert not (folder / merges.FILE).exists()
    (folder / merges.FILE).write_text("[1")
    with pytest.raises(UserError, match="nobody was merged"):
        database.undo_merge()


def test_refreshing_costs_little(folder):
    database = open_people(folder)
    database.gallery()
    database.refresh()
    began = time.process_time()
    assert not any(database.refresh() for _ in range(100))
    assert (time.process_time() - began) / 100 < 0.002


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_and_huge_files_among_the_photos_are_named(folder, capsys):
    os.mkfifo(folder / "red" / "pipe.jpg")
    with open(folder / "red" / "huge.jpg", "wb") as file:
        file.truncate(10**12)
    database = open_people(folder)
    assert database.names() == ["blue", "green", "red"] and len(database.embeddings("red")) == 2
    said = capsys.readouterr().err
    assert f"{folder / 'red' / 'pipe.jpg'}: not used: a pipe or device" in said
    assert f"{folder / 'red' / 'huge.jpg'}: not used: 1,000,000 MB are too many" in said
