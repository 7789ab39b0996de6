"""The script that names the people in photos, run as a user runs it, on drawn faces, and on real ones where there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import start_without_heavy_imports
from PIL import Image

from recognition.detectors import yunet_conversion
from recognition.files import ROOT
from recognition.media import canvas
from recognition.synthetic.portraits import draw_face, write_people

SCRIPT = "face_recognition/predict_static.py"
QUICK = (
    "--detector",
    "yunet" if yunet_conversion.NETWORK.is_here() else "hog",
    "--recognizer",
    "dlib",
)  # need no download
STRICT = "0.0000003"  # share of strangers: drawn people are more alike than real ones
STRANGER = 16


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    """Return a folder of the drawn people 0 to 3."""
    return write_people(tmp_path_factory.mktemp("known") / "people", 4, 2)


@pytest.fixture
def name(script, people):
    """Return a function that runs the script with the four people, or those of another folder, enrolled."""

    def run(*arguments, folder: Path = people, **environment: str) -> subprocess.CompletedProcess:
        return script(SCRIPT, *arguments, "--faces", folder, "--accept", STRICT, *QUICK, **environment)

    return run


def save(path: Path, image: np.ndarray) -> Path:
    """Write a BGR picture and return its path."""
    cv2.imwrite(str(path), image)
    return path


def row(*persons: int, photo: int = 7) -> np.ndarray:
    """Return a picture of drawn people side by side, each 240 pixels wide."""
    return np.hstack([draw_face(person, photo) for person in persons])


def records(done) -> list[dict]:
    """Return the JSON objects of stdout: one a line, and nothing else may be there."""
    assert "Traceback" not in done.stderr
    assert done.stdout == "" or done.stdout.endswith("\n")
    return [json.loads(line) for line in done.stdout.splitlines()]


def named(record: dict) -> list[str | None]:
    """Return the names of a record, from left to right."""
    return [face["name"] for face in sorted(record["faces"], key=lambda face: face["box"][0])]


def one_line(done) -> str:
    """Return the only line of stderr."""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def test_json_lines_are_the_contract_and_nothing_else(name, tmp_path):
    larger = cv2.resize(draw_face(1, 7), (360, 360))
    frame = cv2.copyMakeBorder(row(3, 0, STRANGER, 2), 60, 60, 0, 0, cv2.BORDER_REPLICATE)
    save(tmp_path / "all.png", np.hstack([frame, larger]))
    save(tmp_path / "wall.png", np.full((300, 400, 3), 180, np.uint8))
    done = name("all.png", "wall.png", "all.png", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    first, wall, again = records(done)
    assert first == again
    assert wall == {"source": "wall.png", "frame": 0, "faces": []}
    assert list(first) == ["source", "frame", "faces"]
    assert (first["source"], first["frame"]) == ("all.png", 0)
    assert named(first) == ["person 3", "person 0", None, "person 2", "person 1"]
    for face in first["faces"]:
        assert list(face) == ["name", "perhaps", "confidence", "distance", "box"]
        assert type(face["confidence"]) is type(face["distance"]) is float
        assert 0 <= face["confidence"] <= 1
        assert (face["confidence"] > 0.5) == (face["name"] is not None)
        assert 0 < face["distance"] < 0.5
        assert [type(value) for value in face["box"]] == [int] * 4
    sides = [max(x2 - x1, y2 - y1) for x1, y1, x2, y2 in (face["box"] for face in first["faces"])]
    assert sides == sorted(sides, reverse=True)  # the largest first
    for k, face in enumerate(sorted(first["faces"], key=lambda face: face["box"][0])[:4]):
        x1, y1, x2, y2 = face["box"]
        assert abs((x1 + x2) / 2 - (240 * k + 120)) < 30 and abs((y1 + y2) / 2 - 180) < 40
        assert 80 < x2 - x1 < 180 and 80 < y2 - y1 < 200
    assert not (tmp_path / "output").exists()  # --json alone writes nothing


def test_without_display_names_are_printed_and_pictures_are_saved(name, tmp_path):
    save(tmp_path / "photo.png", row(2, STRANGER, 0))
    save(tmp_path / "wall.png", np.full((300, 400, 3), 180, np.uint8))
    done = name("photo.png", "wall.png")
    pictures = [Path("output") / f"{stem}_named.png" for stem in ("photo", "wall")]
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"photo.png: person 2, unknown, person 0   -> {pictures[0]}\nwall.png: no face   -> {pictures[1]}\n"
    )
    assert cv2.imread(str(tmp_path / pictures[0])).shape == (240, 720, 3)
    assert np.array_equal(cv2.imread(str(tmp_path / pictures[1])), cv2.imread(str(tmp_path / "wall.png")))


def test_boxes_are_drawn_at_the_faces_and_nowhere_else(name, tmp_path):
    source = save(tmp_path / "photo.png", cv2.copyMakeBorder(row(1, STRANGER), 100, 100, 90, 90, cv2.BORDER_REPLICATE))
    done = name(source, source, "--json", "--output", "named")
    assert sorted(path.name for path in (tmp_path / "named").iterdir()) == ["photo-2_named.png", "photo_named.png"]
    original, annotated = cv2.imread(str(source)), cv2.imread(str(tmp_path / "named" / "photo_named.png"))
    changed = (original != annotated).any(-1)
    near = np.zeros(changed.shape, bool)
    assert named(records(done)[0]) == ["person 1", None]
    for face in records(done)[0]["faces"]:
        x1, y1, x2, y2 = face["box"]
        colour = canvas.GRAY if face["name"] is None else canvas.GREEN
        for side in (np.s_[y1, x1:x2], np.s_[y2, x1:x2], np.s_[y1:y2, x1], np.s_[y1:y2, x2]):
            assert (annotated[side] == colour).all(-1).mean() > 0.9
        assert not changed[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].any()  # the face itself stays visible
        assert (annotated[y1 - 12 : y1 - 5, x1 : x1 + 40] == colour).all(-1).any()  # a label
        near[y1 - 40 : y2 + 4, x1 - 4 : x2 + 120] = True
    assert not changed[~near].any()


def test_output_may_be_one_file(name, tmp_path):
    assert name(save(tmp_path / "a.png", row(1)), "--output", "new/named.jpg").returncode == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["named.jpg"]
    assert (tmp_path / "new" / "named.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_where_nobody_is_enrolled_all_are_unknown(name, tmp_path):
    (tmp_path / "nobody").mkdir()
    done = name(save(tmp_path / "a.png", row(0, 1)), "--json", folder=tmp_path / "nobody")
    assert done.returncode == 0
    assert "nobody is enrolled" in one_line(done) and "enroll.py" in done.stderr
    seen = records(done)[0]["faces"]
    assert [(face["name"], face["confidence"], face["distance"]) for face in seen] == [(None, 0.0, None)] * 2


def test_every_kind_of_picture_shows_the_same_face_in_the_same_place(name, tmp_path):
    frame = draw_face(2, 7)
    image = Image.fromarray(frame[..., ::-1])
    save(tmp_path / "plain.png", frame)
    image.convert("L").save(tmp_path / "gray.png")
    image.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    save(tmp_path / "deep.png", frame.astype(np.uint16) * 257)
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(tmp_path / "deep gray.tif")
    alpha = np.full((240, 240), 255, np.uint8)
    alpha[:10] = 0  # white above the head, whatever colour is there
    save(tmp_path / "alpha.png", np.dstack([np.where(alpha[..., None], frame, 0), alpha]))
    for orientation, turn in ((3, cv2.ROTATE_180), (6, cv2.ROTATE_90_COUNTERCLOCKWISE), (8, cv2.ROTATE_90_CLOCKWISE)):
        exif = Image.Exif()
        exif[274] = orientation
        turned = Image.fromarray(cv2.rotate(frame, turn)[..., ::-1])
        turned.save(tmp_path / f"turned {orientation}.jpg", exif=exif, quality=95)
    done = name(".", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {Path(record["source"]).name: record for record in records(done)}
    assert len(found) == 9
    plain = np.array(found["plain.png"]["faces"][0]["box"])
    for file, record in found.items():
        assert len(record["faces"]) == 1, file
        assert np.abs(record["faces"][0]["box"] - plain).max() <= 8, file
        if "gray" not in file:  # drawn people differ in their colours
            assert named(record) == ["person 2"], file


def test_faces_at_the_border_are_found_and_named(name, tmp_path):
    for side, part in {
        "left": np.s_[:, 75:],
        "right": np.s_[:, :165],
        "bottom": np.s_[:190],
        "top": np.s_[55:],
    }.items():
        save(tmp_path / f"{side}.png", draw_face(1, 7)[part])
    done = name(".", "--json", "--output", "named")
    assert (done.returncode, done.stderr) == (0, "")
    found = {Path(record["source"]).stem: record["faces"] for record in records(done)}
    assert {side: len(seen) for side, seen in found.items()} == {"left": 1, "right": 1, "bottom": 1, "top": 1}
    assert {seen[0]["name"] for seen in found.values()} <= {"person 1", None}
    assert len(list((tmp_path / "named").iterdir())) == 4


def test_twenty_faces_are_all_told(name, tmp_path):
    rows = [row(*(person % 4 for person in range(k, k + 5)), photo=9 + k) for k in range(4)]
    done = name(save(tmp_path / "crowd.png", np.vstack(rows)), "--json")
    seen = records(done)[0]["faces"]
    assert len(seen) == 20
    for face in seen:
        column, line = (int((face["box"][k] + face["box"][k + 2]) / 2 // 240) for k in (0, 1))
        assert face["name"] == f"person {(line + column) % 4}"


def test_bad_files_are_named_and_the_others_are_looked_at(name, tmp_path):
    good = save(tmp_path / "good.jpg", draw_face(3, 7))
    bad = [tmp_path / file for file in ("none.jpg", "void.png", "text.png", "cut.jpg", "x.heic")]
    bad[1].touch()
    bad[2].write_text("Dear diary")
    bad[3].write_bytes(good.read_bytes()[:5000])
    bad[4].write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder := tmp_path / "no images").mkdir()
    done = name(*bad, folder, good, "nothing*.png", "--json")
    assert done.returncode == 1
    assert [named(record) for record in records(done)] == [["person 3"]]
    for path, line in zip([*bad, folder, "nothing*.png"], done.stderr.splitlines(), strict=True):
        assert line.startswith(f"error: {path}: ")


def test_folders_patterns_and_names_of_any_letters(name, tmp_path):
    (tmp_path / "képek").mkdir()
    for file in ("b 数.png", "a.png"):
        save(tmp_path / "a.png", draw_face(0, 7)).replace(tmp_path / "képek" / file)
    done = name("képek", "k*/*数.png", "--json")
    assert [(Path(one["source"]), named(one)) for one in records(done)] == [
        (Path("képek") / file, ["person 0"]) for file in ("a.png", "b 数.png", "b 数.png")
    ]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_hostile_names_of_people_and_of_their_folder(name, tmp_path):
    folder = tmp_path / "[p]* ~ $(touch hacked) é数"
    names = ["line\nbreak\t\x1b[31m", "'; DROP TABLE photos;--", "--json", "%s {0} \\n", "\u202eada", "Ö" * 120]
    for person, own in enumerate(names):
        (folder / own).mkdir(parents=True)
        (folder / own / "x.png").write_bytes(cv2.imencode(".png", draw_face(person))[1].tobytes())
    shutil.copytree(folder / "--json", folder / ".hidden")
    for person in range(len(names)):
        save(tmp_path / f"{person}.png", draw_face(person, 7))
    done = name("*.png", "--json", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [named(record) for record in records(done)] == [[own] for own in names]
    done = name(".", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2 * len(names)  # the folder of people is in this one, too
    assert done.stdout.replace("\n", "").isprintable()
    assert names[1] in done.stdout
    assert {path.name for path in (tmp_path / "output").iterdir()} >= {f"{k}_named.png" for k in range(6)}
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name at least one image"),
        (["a.png", "--output", "a.png/named"], "a.png"),
        (["a.png", "--output", "named.heic"], "named.heic"),
        (["a.png", "--accept", "0"], "--accept"),
        (["a.png", "--faces", "a.png"], "a.png"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(script, people, tmp_path, arguments, told):
    save(tmp_path / "a.png", draw_face(0))
    done = script(SCRIPT, "--faces", people, *QUICK, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in one_line(done)


def test_nothing_heavy_is_imported(people, tmp_path):
    photo = save(tmp_path / "a.png", draw_face(0))
    more = ("--json", "--faces", people, *QUICK)
    start_without_heavy_imports(ROOT / SCRIPT, photo, *more, cwd=tmp_path)


def test_real_people_are_named_and_strangers_are_not(script, lfw, tmp_path):
    known = [folder for folder in sorted(lfw.iterdir()) if len(list(folder.iterdir())) >= 6][:6]
    strangers = [folder for folder in sorted(lfw.iterdir()) if folder not in known][::60][:12]
    probes = []
    for folder in known:
        (tmp_path / "people" / folder.name).mkdir(parents=True)
        photos = sorted(folder.iterdir())
        for photo in photos[:3]:
            shutil.copy(photo, tmp_path / "people" / folder.name)
        probes += [(photo, folder.name) for photo in photos[3:6]]
    probes += [(sorted(folder.iterdir())[0], None) for folder in strangers]
    done = script(SCRIPT, *(photo for photo, _ in probes), "--json", "--faces", tmp_path / "people")
    assert done.returncode == 0, done.stderr
    found = {Path(record["source"]): [face["name"] for face in record["faces"]] for record in records(done)}
    assert np.mean([person in found[photo] for photo, person in probes if person]) > 0.85
    named_wrongly = [(photo, found[photo]) for photo, person in probes if set(found[photo]) - {None, person}]
    assert len(named_wrongly) <= 1, named_wrongly
