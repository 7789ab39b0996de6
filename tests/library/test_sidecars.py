"""Sidecars of a library whose faces are coloured squares: names are read, written and merged."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from coloured_faces import COLOURS, picture
from coloured_library import BLUE, FACES, RED, look, name, new_library, new_photo, read, sync, who, write
from PIL import Image, ImageOps

from recognition.library import naming, sidecars


@pytest.fixture
def library(tmp_path, monkeypatch):
    return new_library(tmp_path, monkeypatch)


@pytest.fixture
def photo(library, tmp_path):
    return new_photo(library, tmp_path)


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
    assert report.unknown == {}
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
