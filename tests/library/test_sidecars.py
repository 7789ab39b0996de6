"""Sidecars of a library whose faces are coloured squares: read, written, merged, refused; killed and at once."""

import contextlib
import os
import subprocess
import sys
import time
import xml.dom.minidom
from pathlib import Path

import cv2
import numpy as np
import pytest
from coloured_faces import COLOURS, Detector, Embedder, picture
from PIL import Image, ImageOps

from recognition.files import ROOT
from recognition.library import naming, scan, sidecars
from recognition.library.index import LibraryIndex
from recognition.library.naming import Library
from recognition.library.sidecars import Sidecars
from recognition.people.database import People
from recognition.people.sqlite_file import Locked

MWG, RDF = "http://www.metadataworkinggroup.com/schemas/regions/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
AREA, SIZE = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
FACES = ("red", 10, 20, 40), ("blue", 70, 20, 40)  # in a picture of 120 pixels


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "is_clear", lambda *_: True)  # plain squares are not
    index = LibraryIndex(tmp_path / "library.sqlite", may_be_new=True)
    index.use(("squares", "colours", 1))
    return Library(index, People(tmp_path / "people", Detector(), Embedder(), may_be_new=True))


@pytest.fixture
def photo(library, tmp_path):
    """Return a photo with a red face at the left and a blue one at the right, looked at."""
    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), picture(*FACES))
    look(library, tmp_path / "photos")
    return tmp_path / "photos" / "a.png"


def look(library, folder):
    return scan.add(library.index, library.people.detector, library.people.embedder, [folder])


def sync(library, *photos):
    files = Sidecars(library)
    files.sync([(path, content) for path, content in library.index.photos() if not photos or path in photos])
    return files.report


def name(library, photo, colour, name):
    """Name a face of a photo, as the user would; None takes nothing away."""
    channel = {"blue": 0, "red": 2}[colour]
    (one,) = [
        one for one in library.index.faces(library.index.content(photo))[0] if one.embedding[:3].argmax() == channel
    ]
    library.index.name([one.id], name, {})


def who(library, photo):
    return [match.name for _, match in library.who(library.index.content(photo))]


def read(file):
    """Return the named boxes of a sidecar (left, top, right, bottom), and the size that they are of, with minidom."""
    document = xml.dom.minidom.parseString(Path(file).read_bytes())
    found = {}
    for area in document.getElementsByTagNameNS(MWG, "Area"):
        x, y, w, h = (float(area.getAttributeNS(AREA, key)) for key in "xywh")
        box = np.round([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 3).tolist()
        found[area.parentNode.getAttributeNS(MWG, "Name")] = box
    sizes = document.getElementsByTagNameNS(MWG, "AppliedToDimensions")
    return found, [tuple(int(size.getAttributeNS(SIZE, key)) for key in "wh") for size in sizes]


def write(file, *regions, size=None, more=""):
    """Write a sidecar as another program would: name, left, top, right, bottom of each region."""
    items = "".join(
        f"<rdf:li><rdf:Description m:Name='{name}' m:Type='Face'><m:Area a:x='{(x1 + x2) / 2}' a:y='{(y1 + y2) / 2}' "
        f"a:w='{x2 - x1}' a:h='{y2 - y1}' a:unit='normalized'/></rdf:Description></rdf:li>"
        for name, x1, y1, x2, y2 in regions
    )
    of = f"<m:AppliedToDimensions d:w='{size[0]}' d:h='{size[1]}' d:unit='pixel'/>" if size else ""
    Path(file).write_text(
        f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'><rdf:Description xmlns:m='{MWG}' "
        f"xmlns:a='{AREA}' xmlns:d='{SIZE}' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'>{more}"
        f"<m:Regions rdf:parseType='Resource'>{of}<m:RegionList><rdf:Bag>{items}</rdf:Bag></m:RegionList></m:Regions>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>",
        encoding="utf-8",
    )


RED, BLUE = [0.083, 0.167, 0.417, 0.5], [0.583, 0.167, 0.917, 0.5]


def test_names_are_written_and_a_second_time_nothing(library, photo):
    before = photo.read_bytes()
    name(library, photo, "red", "Zoë & <Ada>")
    assert sync(library).written == 1
    assert read(f"{photo}.xmp") == ({"Zoë & <Ada>": RED}, [(120, 120)])
    content = Path(f"{photo}.xmp").read_bytes()
    again = sync(library)
    assert (again.written, again.named, again.refused) == (0, 0, []) and Path(f"{photo}.xmp").read_bytes() == content
    name(library, photo, "blue", "Ben")
    assert sync(library).written == 1
    assert read(f"{photo}.xmp")[0] == {"Zoë & <Ada>": RED, "Ben": BLUE}
    assert photo.read_bytes() == before
    assert sorted(path.name for path in photo.parent.iterdir()) == ["a.png", "a.png.xmp"]


def test_names_of_sidecars_count_as_the_users_own(library, photo):
    write(f"{photo}.xmp", ("Ada", 0, 0, 0.45, 0.6), ("Rex", 0.9, 0.9, 1, 1), ("a/b", *BLUE))  # the whole head; far off
    before = Path(f"{photo}.xmp").read_bytes()
    report = sync(library)
    assert who(library, photo) == ["Ada", None] and report.named == 1 and report.written == 0
    assert [path for path, _ in report.refused] == [photo] and "the name 'a/b' has one of" in report.refused[0][1]
    assert Path(f"{photo}.xmp").read_bytes() == before and library.index.said() == {"Ada"}


def test_whoever_is_named_in_sidecars_is_enrolled_and_found_in_other_photos(library, photo, monkeypatch):
    monkeypatch.setattr(naming, "refusal", lambda *_: None)  # plain squares are no good photos
    for k in range(15):
        cv2.imwrite(str(photo.with_name(f"{k:02}.png")), picture(FACES[0], seed=k, side=90 + k))
        size = 90 + k
        if k < 12:
            write(photo.with_name(f"{k:02}.png.xmp"), ("Ada", 10 / size, 20 / size, 50 / size, 60 / size))
    look(library, photo.parent)
    report = sync(library)
    assert report.named == 12 and 1 <= report.enrolled == len(library.people.photos("Ada")) <= sidecars.ENROLLED
    assert report.written == 4  # the photo with two faces, and three whose people nobody had named
    assert who(library, photo) == ["Ada", None] and who(library, photo.with_name("14.png")) == ["Ada"]
    again = sync(library)
    assert (again.written, again.named, again.enrolled) == (0, 0, 0)


def test_what_is_said_here_wins_till_it_is_changed_elsewhere(library, photo):
    name(library, photo, "red", "Eva")
    write(f"{photo}.xmp", ("Ada", *RED), ("Ben", *BLUE))
    assert sync(library).written == 1
    assert read(f"{photo}.xmp")[0] == {"Eva": RED, "Ben": BLUE} and who(library, photo) == ["Eva", "Ben"]
    text = Path(f"{photo}.xmp").read_text(encoding="utf-8")
    Path(f"{photo}.xmp").write_text(text.replace("Eva", "Cleo"), encoding="utf-8")  # by hand, in another program
    assert sync(library).written == 0 and who(library, photo) == ["Cleo", "Ben"]
    library.index.rename("Ben", "Benjamin")
    assert sync(library).written == 1
    assert read(f"{photo}.xmp")[0] == {"Cleo": RED, "Benjamin": BLUE} and who(library, photo) == ["Cleo", "Benjamin"]


def test_names_by_likeness_are_written_but_never_come_back_as_the_users(library, photo):
    library.people.add("Ada", picture(), library.index.faces(library.index.content(photo))[0][0].embedding)
    assert who(library, photo).count("Ada") == 1
    assert sync(library).written == 1 and list(read(f"{photo}.xmp")[0]) == ["Ada"]
    assert sync(library).named == 0 and library.index.said() == set()
    library.people.forget("Ada")
    assert sync(library).written == 1 and read(f"{photo}.xmp")[0] == {} and who(library, photo) == [None, None]


def test_whom_the_user_denies_goes_out_of_the_sidecar_and_does_not_come_back(library, photo):
    write(f"{photo}.xmp", ("Ada", *RED), ("Ben", *BLUE))
    sync(library)
    library.deny(photo, "Ada")
    assert sync(library).written == 1 and read(f"{photo}.xmp")[0] == {"Ben": BLUE}
    write(f"{photo}.xmp", ("Ada", *RED), ("Ben", *BLUE))
    sync(library)
    assert who(library, photo) == [None, "Ben"] and read(f"{photo}.xmp")[0] == {"Ben": BLUE}


def test_nobody_gets_a_second_region_where_another_program_sees_him_elsewhere(library, photo):
    write(f"{photo}.xmp", ("ada", 0.1, 0.6, 0.4, 0.9))
    name(library, photo, "red", "Ada")
    assert sync(library).written == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "tif"])
def test_boxes_are_of_the_stored_picture(library, tmp_path, orientation, kind):
    """The stored box is found by turning a picture of the box with Pillow, which knows nothing of ours."""
    upright = picture(("red", 10, 20, 40), side=120)[:90]
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # of Image.Transpose: what undoes the camera's turn
    stored = Image.fromarray(upright[..., ::-1].copy())
    stored = stored.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photos" / f"a.{kind}"
    path.parent.mkdir()
    stored.save(path, exif=exif, **({"quality": 95, "subsampling": 0} if kind == "jpg" else {}))
    with Image.open(path) as image:
        assert np.abs(np.asarray(ImageOps.exif_transpose(image)).astype(int) - upright[..., ::-1]).max() < 60
    look(library, path.parent)
    name(library, path, "red", "Ada")
    assert sync(library).refused == []
    red = np.abs(np.asarray(stored).astype(int) - COLOURS["red"][::-1]).max(2) < 25
    y, x = np.nonzero(red)
    box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) / (stored.size * 2)
    found, sizes = read(f"{path}.xmp")
    assert found["Ada"] == pytest.approx(box.tolist(), abs=0.02) and sizes == [stored.size]
    # What another program wrote so is found at that face; one that says it is of the upright picture, too
    library.index.forget("Ada")
    write(f"{path}.xmp", ("Ben", *box), size=stored.size)
    sync(library)
    assert who(library, path) == ["Ben"]
    if orientation > 4:
        library.index.forget("Ben")
        write(f"{path}.xmp", ("Cleo", 10 / 120, 20 / 90, 50 / 120, 60 / 90), size=(1200, 900))
        sync(library)
        assert who(library, path) == ["Cleo"]


def test_a_sidecar_of_a_picture_that_was_cut_since_is_left_alone(library, photo):
    write(f"{photo}.xmp", ("Ada", *RED), size=(400, 300))
    name(library, photo, "blue", "Ben")
    before = Path(f"{photo}.xmp").read_bytes()
    ((path, reason),) = sync(library).refused
    assert path == photo and "of a picture of 400x300 pixels" in reason
    assert Path(f"{photo}.xmp").read_bytes() == before and who(library, photo) == [None, "Ben"]
    write(f"{photo}.xmp", ("Ada", *RED), size=(1200, 1200))  # made smaller since
    assert sync(library).written == 1 and who(library, photo) == ["Ada", "Ben"]


def test_lightrooms_name_is_used_if_it_is_of_that_photo_alone(library, photo, tmp_path):
    shared = photo.with_suffix(".xmp")
    write(shared, ("Ada", *RED))
    name(library, photo, "blue", "Ben")
    assert sync(library).written == 1 and set(read(shared)[0]) == {"Ada", "Ben"}
    write(shared, ("Eva", *RED), more="<photoshop:SidecarForExtension>CR2</photoshop:SidecarForExtension>")
    before = shared.read_bytes()
    assert sync(library).written == 1 and shared.read_bytes() == before  # a raw photo's
    assert set(read(f"{photo}.xmp")[0]) == {"Ada", "Ben"}
    os.unlink(f"{photo}.xmp")
    write(shared, ("Eva", *RED))
    before = shared.read_bytes()
    photo.with_suffix(".cr2").write_bytes(b"raw")
    assert sync(library).written == 1 and shared.read_bytes() == before
    assert who(library, photo) == ["Ada", "Ben"]


def test_names_within_a_photo_are_read_and_stay_in_a_new_sidecar(library, tmp_path):
    (tmp_path / "photos").mkdir()
    path, embedded = tmp_path / "photos" / "a.jpg", tmp_path / "embedded"
    write(embedded, ("Ada", *RED), ("Rex", 0, 0.8, 0.2, 1), size=(120, 120))
    Image.fromarray(picture(*FACES)[..., ::-1].copy()).save(path, xmp=embedded.read_bytes(), quality=95, subsampling=0)
    look(library, path.parent)
    assert (sync(library).written, who(library, path)) == (0, ["Ada", None])
    name(library, path, "blue", "Ben")
    assert sync(library).written == 1
    assert read(f"{path}.xmp") == ({"Ada": RED, "Rex": [0, 0.8, 0.2, 1], "Ben": BLUE}, [(120, 120)])
    # Boxes of a picture that was cut since are no reason to write none
    os.unlink(f"{path}.xmp")
    write(embedded, ("Eva", *RED), size=(300, 120))
    image = Image.fromarray(picture(*FACES, seed=1)[..., ::-1].copy())
    image.save(path, xmp=embedded.read_bytes(), quality=95, subsampling=0)
    look(library, path.parent)
    assert sync(library).refused == [] and read(f"{path}.xmp") == ({"Ada": RED, "Ben": BLUE}, [(120, 120)])


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


def test_copies_have_sidecars_of_their_own_and_no_names_go_back_and_forth(library, photo):
    copy = photo.with_name("copy.png")
    copy.write_bytes(photo.read_bytes())
    look(library, photo.parent)
    name(library, photo, "red", "Ada")
    assert sync(library).written == 2
    text = Path(f"{copy}.xmp").read_text(encoding="utf-8")
    Path(f"{copy}.xmp").write_text(text.replace("Ada", "Eva"), encoding="utf-8")
    for _ in range(3):
        sync(library)
    assert [list(read(f"{path}.xmp")[0]) for path in (photo, copy)] == [["Eva"], ["Eva"]]
    assert who(library, photo) == ["Eva", None]


def test_nothing_of_a_forgotten_name_stays_in_the_index(library, photo, tmp_path):
    name(library, photo, "red", "Xaverl Unforgettable")
    sync(library)
    library.index.rename("Xaverl Unforgettable", "Quirina Memorable")
    sync(library)
    assert library.index.in_sidecars("Quirina Memorable") == 1
    library.index.forget("Quirina Memorable")
    left = b"".join(path.read_bytes() for path in tmp_path.glob("library.sqlite*"))
    assert b"Memorable" not in left and b"Unforgettable" not in left
