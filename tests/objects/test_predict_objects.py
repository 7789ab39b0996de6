"""The script that says what photos show, run as a user runs it: what it prints, where, and with which exit code."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import start_without_heavy_imports
from PIL import Image
from test_predict_digits import one_line, records

from recognition.files import ROOT
from recognition.objects.classes import CIFAR10

SCRIPT = "cifar_recognition/predict_static.py"
RED, GREEN, BLUE = (30, 30, 220), (30, 220, 30), (220, 30, 30)


def thing(height=300, width=450, color=RED):
    """Return a photo of something coloured on gray, BGR."""
    frame = np.full((height, width, 3), 128, np.uint8)
    centre = width // 2, height // 2
    cv2.circle(frame, centre, max(1, round(0.42 * min(height, width))), color, cv2.FILLED)
    return frame


@pytest.fixture
def predict(script, colours):
    """Return a function that runs the script with the model that tells colours."""
    return lambda *arguments, **environment: script(SCRIPT, *arguments, root=colours, **environment)


@pytest.fixture
def red(tmp_path) -> Path:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), thing())
    return path


def test_json_lines_are_the_contract_and_nothing_else(predict, red):
    done = predict(red, red, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = records(done)
    assert first == second
    assert list(first) == ["source", "frame", "known", "top"]
    assert (first["source"], first["frame"], first["known"]) == (str(red), 0, True)
    assert [list(one) for one in first["top"]] == [["label", "confidence"]] * 5
    assert first["top"][0]["label"] == "airplane"
    confidences = [one["confidence"] for one in first["top"]]
    assert confidences == sorted(confidences, reverse=True)
    assert min(confidences) >= 0
    assert 0.5 < sum(confidences) <= 1.001
    assert len({one["label"] for one in first["top"]} & set(CIFAR10)) == 5
    assert not (red.parent / "output").exists()


def test_without_display_text_is_printed_and_pictures_are_saved(predict, red):
    gray = red.parent / "gray.png"
    cv2.imwrite(str(gray), np.full((300, 450, 3), 128, np.uint8))
    done = predict(red, gray)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    pictures = [Path("output") / f"{name}_named.png" for name in ("red", "gray")]
    assert first.startswith(f"{red}: airplane ")
    assert first.endswith(f"%   -> {pictures[0]}")
    assert second.startswith(f"{gray}: none of these (nearest: ")
    assert "%, fit 0." in second and second.endswith(f")   -> {pictures[1]}")
    assert all((red.parent / path).exists() for path in pictures)


@pytest.mark.parametrize(("height", "width"), [(250, 2000), (900, 400), (32, 32), (7, 7), (1, 200), (200, 1)])
def test_photos_of_any_form(predict, tmp_path, height, width):
    colors = RED, GREEN, BLUE
    for k, color in enumerate(colors):
        cv2.imwrite(str(tmp_path / f"{k}.png"), thing(height, width, color))
    done = predict(*(f"{k}.png" for k in range(3)), "--json", "--output", "named")
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["top"][0]["label"] for record in records(done)] == ["airplane", "automobile", "bird"]
    assert all(record["known"] for record in records(done))
    assert len(list((tmp_path / "named").iterdir())) == 3


def test_photos_of_any_kind(predict, tmp_path):
    """Of any colour model and depth, turned by its camera: a thing is where it is when upright, and has its colour."""
    image = Image.fromarray(thing()[..., ::-1].copy())
    image.convert("CMYK").save(tmp_path / "a.jpg")
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(thing()[..., 2] > 200, 255, 0).astype(np.uint8)))
    clear.save(tmp_path / "b.png")
    image.quantize(16).save(tmp_path / "c.gif")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "d.jpg", exif=exif)
    cv2.imwrite(str(tmp_path / "e.png"), np.full((60, 80), 40_000, np.uint16))
    done = predict("a.jpg", "b.png", "c.gif", "d.jpg", "e.png", "--json", "--output", "named")
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["top"][0]["label"] for record in records(done)][:4] == ["airplane"] * 4
    assert cv2.imread(str(tmp_path / "named" / "d_named.png")).shape == (450, 300, 3)


def test_bad_files_are_named_and_the_others_are_looked_at(predict, red, tmp_path):
    bad = [tmp_path / name for name in ("none.jpg", "void.png", "text.png", "cut.jpg", "one.png")]
    bad[1].touch()
    bad[2].write_text("Dear diary")
    cv2.imwrite(str(bad[3]), np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
    bad[3].write_bytes(bad[3].read_bytes()[:5000])
    cv2.imwrite(str(bad[4]), np.zeros((1, 1, 3), np.uint8))
    done = predict(*bad, red, "--json")
    assert done.returncode == 1
    assert [record["source"] for record in records(done)] == [str(red)]
    for path, line in zip(bad, done.stderr.splitlines(), strict=True):
        assert line.startswith(f"error: {path}: ")


def test_folders_and_patterns(predict, red, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("b.png", "a.png"):
        (tmp_path / "photos" / name).write_bytes(red.read_bytes())
    for argument in ("photos", "photos/*.png"):
        sources = [Path(record["source"]) for record in records(predict(argument, "--json"))]
        assert sources == [Path("photos/a.png"), Path("photos/b.png")]


def test_threshold_and_top(predict, red):
    for threshold, known in (("0", True), ("1", False)):
        (record,) = records(predict(red, "--json", "--threshold", threshold, "--top", "3"))
        assert record["known"] is known
        assert len(record["top"]) == 3
    assert len(records(predict(red, "--json", "--top", "99"))[0]["top"]) == 10


def test_a_photo_is_explained(predict, tmp_path):
    """The warmest colours lie on the thing, wherever it is; the words and bars are where they always are."""
    frame = np.full((600, 900, 3), 128, np.uint8)
    cv2.circle(frame, (500, 250), 190, RED, cv2.FILLED)
    cv2.imwrite(str(tmp_path / "a.png"), frame)
    done = predict("a.png", "--explain", "--json", "--output", "why.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert records(done)[0]["top"][0]["label"] == "airplane"
    image = cv2.imread(str(tmp_path / "why.png"))
    assert image.shape == frame.shape
    free = image[40:420].astype(int)
    warmth = free[..., 2] - free[..., 0]  # from blue to yellow
    y, x = np.nonzero(warmth > np.percentile(warmth, 99))
    assert np.hypot(x - 500, y + 40 - 250).max() < 190
    assert image[:30, :200].max() > 240  # words
    assert predict("a.png", "--explain", "--output", "why").returncode == 0
    assert [path.name for path in (tmp_path / "why").iterdir()] == ["a_explained.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ([], 2, "name at least one image"),
        (["--threshold", "7"], 2, "--threshold"),
        (["--top", "0"], 2, "--top 0"),
        (["--output", "red.png/named"], 2, "red.png"),
        (["--explain", "--json"], 2, "--explain colours pictures"),
        (["--model", "nonsense"], 1, "nonsense.json not found"),
        (["--model", "../digits"], 1, "../digits.json not found"),
        (["--model", ".."], 2, "model name"),
        (["--model", "digits"], 1, "digits is no object model"),
    ],
)
def test_mistakes_are_one_line(predict, red, arguments, code, named):
    done = predict(*([red] if arguments else []), *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert named in one_line(done)


@pytest.mark.parametrize("name", ["predict_static", "webcam", "video"])
def test_scripts_for_digits_refuse_a_model_of_objects(script, colours, red, name):
    source = ["--source", red] if name == "webcam" else [red]
    done = script(f"digit_recognition/{name}.py", *source, "--model", "cifar10", root=colours)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cifar10 does not read pages" in one_line(done)


def test_start_is_quick_because_nothing_heavy_is_imported(colours, red):
    imported, lines = start_without_heavy_imports(colours / SCRIPT, red, "--json", cwd=red.parent)
    assert json.loads(lines[0])["known"]
    assert "ai_edge_litert" in imported


def test_the_models_for_photos_answer_without_keras(tmp_path):
    ship = ROOT / "data" / "samples" / "objects" / "ship.jpg"
    for model, label in (("photos", "ship"), ("imagenet", "ship")):
        loaded, printed = start_without_heavy_imports(ROOT / SCRIPT, ship, "--json", "--model", model, cwd=tmp_path)
        assert not {"tensorflow", "keras", "torch", "matplotlib"} & loaded
        assert json.loads(printed[0])["top"][0]["label"] == label
