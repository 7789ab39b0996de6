"""library.py as a user runs it, on drawn people: what is looked at, named and found, broken and moved files."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from xml.dom import minidom

import cv2
import numpy as np
import pytest

from recognition.synthetic.portraits import draw_face, write_people

LIBRARY = "face_recognition/library.py"
QUICK = ("--library", "library.sqlite", "--detector", "hog", "--recognizer", "dlib")
NAMED = (*QUICK, "--faces", "people", "--accept", "0.0000003")  # drawn people are much alike


def counts(done):
    """Return what `add --json` printed."""
    return json.loads(done.stdout)


def rows(path, query):
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@pytest.fixture
def photos(tmp_path):
    """Return a folder with photos of two drawn people, two each, and one of both."""
    folder = write_people(tmp_path / "photos", 2, 2)
    cv2.imwrite(str(folder / "both.png"), np.hstack([draw_face(1, 7), draw_face(0, 7)]))
    return folder


def test_only_what_is_new_is_looked_at_and_moved_photos_are_known(script, photos, tmp_path):
    (photos / "deep" / "deeper").mkdir(parents=True)
    shutil.copy(photos / "both.png", photos / "deep" / "deeper" / "copy.PNG")
    (photos / "deep" / ".hidden").mkdir()
    shutil.copy(photos / "both.png", photos / "deep" / ".hidden")
    if os.name != "nt":
        (photos / "deep" / "around").symlink_to(photos)
        cv2.imwrite(str(tmp_path / "outside.png"), draw_face(5))
        (photos / "outside.png").symlink_to(tmp_path / "outside.png")
    first = script(LIBRARY, "add", "photos", "photos/deep", *QUICK, "--json")
    assert (first.returncode, first.stderr) == (0, "")
    seen = {"photos": 6, "looked_at": 5, "faces": 6, "known": 1, "gone": 0, "unreadable": 0}
    assert counts(first) == seen
    assert os.name == "nt" or (tmp_path / "library.sqlite").stat().st_mode & 0o777 == 0o600
    nothing = seen | {"looked_at": 0, "faces": 0, "known": 0}
    assert counts(script(LIBRARY, "add", "photos", *QUICK, "--json")) == nothing
    os.rename(photos / "person 0" / "0.png", photos / "deep" / "moved.png")
    os.unlink(photos / "person 0" / "1.png")
    shutil.rmtree(photos / "deep" / "deeper")
    cv2.imwrite(str(photos / "person 1" / "0.png"), draw_face(3))
    third = counts(script(LIBRARY, "add", "photos", *QUICK, "--json"))
    assert third == {"photos": 4, "looked_at": 1, "faces": 1, "known": 1, "gone": 3, "unreadable": 0}
    listed = script(LIBRARY, "who", *NAMED, "--faces", photos, "--json")
    assert [json.loads(line)["source"].rpartition("photos")[2] for line in listed.stdout.splitlines()] == [
        os.path.join(os.sep, *path.split("/"))
        for path in ("both.png", "deep/moved.png", "person 1/0.png", "person 1/1.png")
    ]
    elsewhere = script(LIBRARY, "add", "photos/deep", *QUICK, "--json")  # says nothing of the rest
    assert counts(elsewhere)["gone"] == 0 and counts(elsewhere)["photos"] == 1


def test_broken_files_are_named_once_and_tried_again_when_they_change(script, photos):
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "text.jpg").write_text("no picture at all")
    (photos / "text2.jpg").write_text("no picture at all")
    whole = (photos / "both.png").read_bytes()
    (photos / "cut.png").write_bytes(whole[: len(whole) // 2])
    first = script(LIBRARY, "add", "photos", *QUICK)
    assert first.returncode == 1 and first.stdout.endswith("4 cannot be read\n") and "9 photos" in first.stdout
    errors = sorted(line.rpartition(os.sep)[2] for line in first.stderr.splitlines())
    assert [line.split(":")[0] for line in errors] == ["cut.png", "empty.jpg", "text.jpg", "text2.jpg"]
    assert errors[1] == "empty.jpg: the file is empty"
    again = script(LIBRARY, "add", "photos", *QUICK)
    assert (again.returncode, again.stderr) == (0, "") and " 0 looked at" in again.stdout
    (photos / "cut.png").write_bytes(whole)
    (photos / "empty.jpg").write_text("still none")
    mended = script(LIBRARY, "add", "photos", *QUICK, "--json")
    assert mended.returncode == 1 and mended.stderr.count("\n") == 1 and "empty.jpg" in mended.stderr
    assert counts(mended)["unreadable"] == 3 and counts(mended)["known"] == 1


def test_a_group_is_named_corrected_found_and_copied(script, tmp_path):
    write_people(tmp_path / "photos", 1, 4)
    assert script(LIBRARY, "add", "photos", *QUICK).returncode == 0
    listed = script(LIBRARY, "people", *QUICK, "--faces", tmp_path, "--sheet", "sheet.png", "--json")
    assert listed.returncode == 0, listed.stderr
    (group,) = map(json.loads, listed.stdout.splitlines())
    assert (group["number"], group["photos"], group["faces"]) == (1, 4, 4) and os.path.exists(group["example"])
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] > 6 * 200
    refused = script(LIBRARY, "name", "2", "Ada", *NAMED)
    assert refused.returncode == 1 and refused.stderr.startswith("error: no group has the number 2: ")
    assert not (tmp_path / "people").exists()
    named = script(LIBRARY, "name", "1", "Ada", *NAMED, "--json")
    assert named.returncode == 0, named.stderr
    told = json.loads(named.stdout)
    assert told["faces"] == 4 and told["enrolled"] == len(list((tmp_path / "people" / "Ada").iterdir())) > 0
    none = script(LIBRARY, "people", *NAMED)
    assert none.stdout == "" and "no group of unknown faces" in none.stderr
    denied = "photos/person 0/2.png"
    assert script(LIBRARY, "not", denied, "ada", *NAMED).stdout == f"{denied}: not Ada, from now on\n"
    assert script(LIBRARY, "add", "photos", *QUICK).returncode == 0
    assert script(LIBRARY, "who", denied, *NAMED).stdout == f"{denied}: unknown\n"
    found = script(LIBRARY, "find", "Ada", *NAMED, "--copy", "ada")
    assert sorted(path.name for path in (tmp_path / "ada").iterdir()) == ["0.png", "1.png", "3.png"]
    assert found.stdout.count("\n") == 3
    assert (tmp_path / "ada" / "0.png").read_bytes() == (tmp_path / "photos" / "person 0" / "0.png").read_bytes()
    nobody = script(LIBRARY, "find", "Ada", "and", "Eve", *NAMED)
    assert nobody.returncode == 1 and nobody.stderr.startswith("error: nobody is called 'Eve'")
    people = ("face_recognition/people.py", "--library", "library.sqlite", "--faces", "people", *QUICK[2:])
    assert script(*people, "rename", "Ada", "Zoë").returncode == 0
    assert script(LIBRARY, "find", "Zoë", *NAMED).stdout == found.stdout
    shutil.copytree(tmp_path / "people" / "Zoë", tmp_path / "people" / "Ida")
    assert script(*people, "merge", "Zoë", "Ida").returncode == 0
    assert script(LIBRARY, "find", "Ida", *NAMED).stdout == found.stdout
    undone = script(*people, "undo", "--json")
    assert undone.returncode == 1 and "are gone: nothing can be undone" in undone.stderr  # they were the same photos
    write_people(tmp_path / "others", 1, 1, first=1)
    shutil.copytree(tmp_path / "others" / "person 1", tmp_path / "people" / "Otto")
    assert script(*people, "merge", "Ida", "Otto", "--force").returncode == 0
    assert script(LIBRARY, "find", "Otto", *NAMED).stdout == found.stdout
    undone = script(*people, "undo")
    assert undone.stdout.endswith("of Otto again, and 3 faces in the photo library\n"), undone.stderr
    assert script(LIBRARY, "find", "Ida", *NAMED).stdout == found.stdout
    assert script(*people, "rename", "Ida", "Zoë").returncode == 0
    forgotten = script(*people, "forget", "Zoë", "--yes")
    assert forgotten.stdout.endswith("; 3 faces in the photo library nobody's now\n"), forgotten.stderr
    for word in ("Ada", "Zoë"):
        assert word.encode() not in (tmp_path / "library.sqlite").read_bytes()
        assert script(LIBRARY, "find", word, *NAMED).returncode == 1


def regions(path):
    """Return the names in a sidecar with their boxes: left, top, right, bottom, in shares of the picture."""
    found = {}
    for area in minidom.parse(str(path)).getElementsByTagName("mwg-rs:Area"):
        x, y, w, h = (float(area.getAttribute(f"stArea:{key}")) for key in "xywh")
        found[area.parentNode.getAttribute("mwg-rs:Name")] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return found


def test_names_go_to_sidecars_and_come_from_them(script, tmp_path):
    photos = write_people(tmp_path / "photos", 1, 4) / "person 0"
    cv2.imwrite(str(photos / "both.png"), np.hstack([draw_face(1, 7), draw_face(0, 7)]))
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    assert script(LIBRARY, "add", "photos", *QUICK).returncode == 0
    assert script(LIBRARY, "people", *NAMED, "--faces", tmp_path).returncode == 0
    named = script(LIBRARY, "name", "1", "Ada", *NAMED, "--xmp", "--json")
    assert named.returncode == 0, named.stderr
    count = json.loads(named.stdout)["faces"]
    assert f"sidecars: {count} written, 0 faces named by them" in named.stderr
    sidecars = sorted(photos.glob("*.xmp"))
    assert len(sidecars) == count >= 4
    faces = {
        line["source"]: line["faces"]
        for line in map(json.loads, script(LIBRARY, "who", *NAMED, "--json").stdout.splitlines())
    }
    for path in sidecars:
        (box,) = regions(path).values()
        image = cv2.imread(str(path.with_suffix("")))
        (seen,) = (face["box"] for face in faces[str(path.with_suffix(""))] if face["name"] == "Ada")
        size = np.array([image.shape[1], image.shape[0]] * 2)
        assert np.array(box) * size == pytest.approx(seen, abs=0.5)
    # Another program says who the other one is, in a photo that has no sidecar of ours
    (left, *_), both = sorted(face["box"] for face in faces[str(photos / "both.png")]), photos / "both.png.xmp"
    x, y, w, h = (
        (left[0] + left[2]) / 960,
        (left[1] + left[3]) / 480,
        (left[2] - left[0]) / 480,
        (left[3] - left[1]) / 240,
    )
    both.write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5" xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#">'
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<mwg-rs:Name>Ben</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type>"
        f'<mwg-rs:Area stArea:x="{x}" stArea:y="{y}" stArea:w="{1.5 * w}" stArea:h="{1.5 * h}"/>'
        "</rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    synced = script(LIBRARY, "add", "photos", *NAMED, "--xmp")
    assert synced.returncode == 0 and "1 faces named by them" in synced.stderr, synced.stderr
    found = script(LIBRARY, "find", "Ben", *NAMED, "--xmp")
    assert found.stdout == f"{both.with_suffix('')}\n" and "sidecars: 0 written, 0 faces" in found.stderr
    assert 'xmp:Rating="5"' in both.read_text(encoding="utf-8")
    denied = script(LIBRARY, "not", sidecars[0].with_suffix(""), "Ada", *NAMED, "--xmp")
    assert denied.returncode == 0 and regions(sidecars[0]) == {}
    assert {path.name: path.read_bytes() for path in photos.glob("*.png")} == before
    people = ("face_recognition/people.py", "--library", "library.sqlite", "--faces", "people", *QUICK[2:])
    forgotten = script(*people, "forget", "Ada", "--yes")
    assert "photos may have the name still: delete it there, too" in forgotten.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add"], "takes other words"),
        (["add", "nowhere"], "nowhere: no such folder"),
        (["name", "Ada", "3"], "takes other words"),
        (["find", "Ada", "and"], "takes other words"),
        (["people", "--copy", "x"], "--copy has no effect here: it goes with find"),
        (["who", "--xmp"], "--xmp has no effect here: it goes with add, name, find, not"),
    ],
)
def test_wrong_usage_is_one_line(script, tmp_path, words, said):
    done = script(LIBRARY, *words, *QUICK)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_a_photo_that_is_gone_is_named_and_the_others_are_copied(script, photos, tmp_path):
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    added = script(LIBRARY, "add", "~/photos", *QUICK, **home)  # as cmd on Windows leaves it
    assert added.returncode == 0, added.stderr
    shown = script(LIBRARY, "who", "~/photos/both.png", *QUICK, "--faces", tmp_path / "photos", **home)
    assert shown.returncode == 0 and "both.png: " in shown.stdout, shown.stderr
    shutil.copytree(photos, tmp_path / "people", ignore=shutil.ignore_patterns("both.png"))
    assert script(LIBRARY, "find", "person 0", *NAMED).stdout.count("\n") == 3
    (photos / "both.png").unlink()
    for flag in ("--copy", "--link"):
        found = script(LIBRARY, "find", "person 0", *NAMED, flag, flag[2:])
        assert found.returncode == 1 and found.stdout.count("\n") == 2, found.stderr
        assert found.stderr.startswith("error: ") and "both.png: gone since" in found.stderr
        assert sorted(path.name for path in (tmp_path / flag[2:]).iterdir()) == ["0.png", "1.png"]
