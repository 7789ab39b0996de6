"""The script that reads photos, run as a user runs it: what it prints, where, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import script_environment, start_without_heavy_imports, write
from test_frames import huge_png

from recognition.files import ROOT

SCRIPT = "digit_recognition/predict_static.py"


def records(done) -> list[dict]:
    """Return the JSON objects of stdout: one a line, and nothing else may be there."""
    assert done.stdout == "" or done.stdout.endswith("\n")
    return [json.loads(line) for line in done.stdout.splitlines()]


def one_line(done) -> str:
    """Return the only line of stderr."""
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_json_lines_are_the_contract_and_nothing_else(script, photo):
    done = script(SCRIPT, photo, photo, "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    first, second = records(done)
    assert first == second
    assert list(first) == ["source", "frame", "text", "digits", "numbers"]
    assert first["source"] == str(photo)
    assert first["frame"] == 0
    assert first["text"] == "407\n5"
    height, width = cv2.imread(str(photo)).shape[:2]
    for digit in first["digits"]:
        assert list(digit) == ["digit", "confidence", "box", "printed"]
        assert digit["printed"] is False
        assert 0 <= digit["confidence"] <= 1
        x1, y1, x2, y2 = digit["box"]
        assert all(isinstance(value, int) for value in digit["box"])
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    assert [digit["digit"] for digit in first["digits"]] == [4, 0, 7, 5]
    assert not (photo.parent / "output").exists()  # --json alone writes nothing


def test_without_display_text_is_printed_and_pictures_are_saved(script, photo):
    done = script(SCRIPT, photo)
    assert done.returncode == 0
    assert done.stderr == ""
    picture = Path("output") / "photo_read.png"
    assert done.stdout == f"{photo}: 407 / 5   -> {picture}\n"
    assert cv2.imread(str(photo.parent / picture)).shape == cv2.imread(str(photo)).shape


def test_annotated_picture_differs_at_the_boxes_only(script, photo, tmp_path):
    done = script(SCRIPT, photo, "--json", "--output", "read")
    original, annotated = cv2.imread(str(photo)), cv2.imread(str(tmp_path / "read" / "photo_read.png"))
    changed = (original != annotated).any(-1)
    near = np.zeros(changed.shape, bool)
    for digit in records(done)[0]["digits"]:
        x1, y1, x2, y2 = digit["box"]
        for side in (np.s_[y1, x1:x2], np.s_[y1:y2, x1]):
            assert changed[side].mean() > 0.9
        assert not changed[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].any()  # the digit itself stays visible
        near[max(0, y1 - 40) : y2 + 40, max(0, x1 - 40) : x2 + 120] = True  # the box and its label
    assert not changed[~near].any()


def test_numbers_are_parted_by_spaces_and_joined_by_digits_only(script, tmp_path):
    cv2.imwrite(str(tmp_path / "photo.png"), write([["4", "0", "7"]], width=1200))  # two heights apart
    (record,) = records(script(SCRIPT, "photo.png", "--json", "--handwritten"))
    assert record["text"] == "4 0 7"
    assert [number["text"] for number in record["numbers"]] == ["4", "0", "7"]
    assert [number["box"] for number in record["numbers"]] == [digit["box"] for digit in record["digits"]]
    assert records(script(SCRIPT, "photo.png", "--json", "--digits-only"))[0]["text"] == "407"
    assert script(SCRIPT, "photo.png", "--digits-only").stdout.startswith("photo.png: 407 ")


def test_a_table_is_written_for_one_picture_and_for_several(script, photo, tmp_path):
    assert script(SCRIPT, photo, "--json", "--csv", "new/one.csv").returncode == 0
    assert (tmp_path / "new" / "one.csv").read_text() == "407\n5\n"
    done = script(SCRIPT, photo, "missing.png", "--json", "--csv", "new/more.csv")
    assert (done.returncode, len(records(done))) == (1, 1)
    assert (tmp_path / "new" / "more.csv").read_text() == f"{photo},407\n{photo},5\n"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["more.csv", "one.csv"]


def test_no_digit_is_an_empty_result_and_no_error(script, tmp_path):
    cv2.imwrite(str(tmp_path / "empty.png"), write([["+"]], ink=(215, 225, 228)))
    done = script(SCRIPT, "empty.png", "--json")
    assert done.returncode == 0
    assert records(done) == [{"source": "empty.png", "frame": 0, "text": "", "digits": [], "numbers": []}]
    assert script(SCRIPT, "empty.png").stdout.startswith("empty.png: no digit ")


def test_bad_files_are_named_and_the_others_are_read(script, photo, tmp_path):
    bad = [tmp_path / name for name in ("none.jpg", "void.png", "text.png", "cut.jpg", "one.png", "huge.png", "x.heic")]
    bad[1].touch()
    bad[2].write_text("Dear diary")
    cv2.imwrite(str(bad[3]), cv2.imread(str(photo)))
    bad[3].write_bytes(bad[3].read_bytes()[:5000])
    cv2.imwrite(str(bad[4]), np.zeros((1, 1, 3), np.uint8))
    huge_png(bad[5])
    bad[6].write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    folder = tmp_path / "no images"
    folder.mkdir()
    done = script(SCRIPT, *bad, folder, photo, "--json")
    assert done.returncode == 1
    assert [record["text"] for record in records(done)] == ["407\n5"]
    lines = done.stderr.splitlines()
    for path, line in zip([*bad, folder], lines, strict=True):
        assert line.startswith(f"error: {path}: ")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_non_ascii_names_whatever_the_terminal_can_print(script, photo, tmp_path, encoding):
    name = "számok 数字.png"
    (tmp_path / name).write_bytes(photo.read_bytes())
    done = script(SCRIPT, name, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.split(": ")[0] == (name if encoding == "utf-8" else "sz\\xe1mok \\u6570\\u5b57.png")
    assert (tmp_path / "output" / "számok 数字_read.png").exists()
    assert records(script(SCRIPT, name, "--json", PYTHONIOENCODING=encoding))[0]["source"] == name


def test_folders_and_patterns(script, photo, tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("b.png", "a.png"):
        (tmp_path / "photos" / name).write_bytes(photo.read_bytes())
    for argument in ("photos", "photos/*.png"):
        sources = [Path(record["source"]) for record in records(script(SCRIPT, argument, "--json"))]
        assert sources == [Path("photos/a.png"), Path("photos/b.png")]


def test_output_may_be_one_file(script, photo, tmp_path):
    assert script(SCRIPT, photo, "--output", "new/read.jpg").returncode == 0
    assert (tmp_path / "new" / "read.jpg").read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "name at least one image"),
        (["--output", "photo.png/read"], "photo.png"),
        (["--output", "read.heic"], "read.heic"),
        (["--threshold", "7"], "--threshold"),
        (["--csv", "photo.png"], "name it .csv"),
        (["--csv", "photo.png/read.csv"], "--csv"),
        (["--csv", "."], "--csv"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(script, photo, arguments, named):
    done = script(SCRIPT, *([photo] if arguments else []), *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert named in one_line(done)


@pytest.mark.parametrize("arguments", [["--bogus"], ["--threshold", "high"], ["--output"]])
def test_unknown_flags_and_values_are_exit_code_2(script, photo, arguments):
    done = script(SCRIPT, photo, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_setting_with_its_comment(script):
    done = script(SCRIPT, "--help", COLUMNS="200")
    assert done.returncode == 0
    for text in (
        "--model",
        "--threshold",
        "--output",
        "--csv",
        "--json",
        "--digits-only",
        "--handwritten",
        "--show",
        "least confidence of a digit",
    ):
        assert text in done.stdout


def test_unknown_model_is_one_line(script, photo):
    done = script(SCRIPT, photo, "--model", "nonsense")
    assert done.returncode == 1
    assert "nonsense.json not found" in one_line(done)


def test_models_of_pages_are_taken_and_no_others(script, photo):
    (record,) = records(script(SCRIPT, photo, "--json", "--model", "pages"))
    assert list(record) == ["source", "frame", "text", "digits", "numbers"]
    assert {digit["digit"] for digit in record["digits"]} >= {4, 7}
    done = script(SCRIPT, photo, "--json", "--model", "cifar10")
    assert done.returncode == 1
    assert "does not read pages: use --model pages" in one_line(done)


def test_threshold_1_reads_nothing_and_0_reads_all(script, photo):
    texts = [records(script(SCRIPT, photo, "--json", "--threshold", value))[0]["text"] for value in ("1", "0")]
    assert texts == ["", "407\n5"]


def test_a_reader_that_stops_early_is_no_error(photo):
    command = [sys.executable, str(ROOT / SCRIPT), *[str(photo)] * 20, "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=script_environment(), cwd=photo.parent, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_start_is_quick_because_nothing_heavy_is_imported(photo):
    imported, _ = start_without_heavy_imports(ROOT / SCRIPT, photo, "--json", cwd=photo.parent)
    assert "ai_edge_litert" in imported
