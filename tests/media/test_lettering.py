"""Names in any script are drawn as themselves: by OpenCV where it has the letters, else with a font of the system."""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.media import canvas
from recognition.media.lettering import fonts, lines
from recognition.synthetic.portraits import draw_face, write_people

NAMES = {
    "Hindi": "नेहा शर्मा",
    "Thai": "สมชาย ใจดี",
    "Arabic": "محمد علي",
    "Hebrew": "שרה כהן",
    "Tamil": "செல்வி",
    "emoji": "\U0001f600 Tom",
    "Georgian": "ქეთევან",
}


def drawn(text: str, size: int = 24, color=(255, 255, 255)) -> np.ndarray:
    """Return a text, white on black, BGR uint8."""
    frame = np.zeros((2 * size, canvas.text_size(text, size)[0] + 2 * size, 3), np.uint8)
    canvas.write(frame, text, (size // 2, size // 4), size, color)
    return frame


def need(text: str) -> str:
    """Skip a test where this system has no font for a text; return the text."""
    for letter in text:
        if not letter.isascii() and fonts.find(letter) is None:
            pytest.skip(f"no font with {letter} here")
    return text


@pytest.fixture
def no_fonts(monkeypatch):
    """Have no font be found."""
    monkeypatch.setattr(fonts, "font_files", list)
    monkeypatch.setattr(fonts, "_found", {})
    for function in (canvas._drawable, lines._parts, lines.width, lines.picture):
        function.cache_clear()
    yield
    for function in (canvas._drawable, lines._parts, lines.width, lines.picture):
        function.cache_clear()


@pytest.mark.parametrize("text", ["Ada Zoë", "Ωμέγα", "Иван", "李雷 山田", "김철수", "Nguyễn Văn"])
def test_what_opencv_has_is_drawn_by_opencv(text):
    frame = np.zeros((48, 300, 3), np.uint8)
    canvas.write(frame, text, (12, 6), 24)
    expected = np.zeros_like(frame)
    cv2.putText(expected, text, (12, 30), (255, 255, 255), cv2.FontFace("sans"), 24, canvas.WEIGHT)
    assert np.array_equal(frame, expected) and frame.any()


def test_accents_apart_are_one_letter():
    assert np.array_equal(drawn("Zoe\u0301"), drawn("Zo\u00e9"))


@pytest.mark.parametrize("script", NAMES)
def test_what_opencv_has_not_is_drawn_with_a_font_of_the_system(script):
    text = need(NAMES[script])
    image = drawn(text)
    assert image.max() > 150 and image[:, -12:].max() == 0  # it fits into what it says is its width
    width = canvas.text_size(text, 24)[0]
    assert 20 < width < 200 and canvas.text_size(text, 48)[0] == pytest.approx(2 * width, rel=0.1)
    letters = [letter for letter in dict.fromkeys(text) if letter.isalpha()]
    pictures = {drawn(letter).tobytes() for letter in letters}
    assert len(pictures) == len(letters)  # no two are the same box, or the same "?"
    missing = fonts.load(fonts.find(letters[0]), 24).getmask(fonts.NOT_THERE)
    assert not any(bytes(fonts.load(fonts.find(one), 24).getmask(one)) == bytes(missing) for one in letters)


def test_hebrew_begins_at_the_right():
    first, second = need("ל"), need("ם")  # the first one rises above the line, the other one does not
    image = drawn(first + second)[..., 0]
    width = canvas.text_size(first + second, 24)[0]
    middle = 12 + width - canvas.text_size(first, 24)[0]
    top = [np.flatnonzero(half.max(1) > 100)[0] for half in (image[:, :middle], image[:, middle:])]
    assert top[1] < top[0]
    both = drawn("Ada " + first + second)[..., 0]
    ada = canvas.text_size("Ada ", 24)[0]
    assert both[:, 12 : 12 + ada // 2].max() > 100  # and in a line that begins in Latin it stands behind that


def test_arabic_letters_are_joined_where_pillow_can():
    text = need("محمد")
    if not lines._orders_letters():
        pytest.skip("Pillow has no libraqm here")
    apart = "\u200c".join(text)  # what keeps letters from being joined
    assert canvas.text_size(text, 48)[0] != canvas.text_size(apart, 48)[0]


def test_without_libraqm_letters_still_run_to_the_left(monkeypatch):
    monkeypatch.setattr(lines, "_orders_letters", lambda: False)
    assert lines._ordered("שרה") == "הרש" and lines._ordered("Ada") == "Ada"
    assert lines._ordered("שָׂר") == "רשָׂ"  # marks stay behind the letter that they belong to


def test_colours_and_the_brightness_below():
    text = need(NAMES["Hindi"])
    image = drawn(text, 40, (0, 110, 230))
    assert image[..., 0].max() == 0 and image[..., 2].max() > 200
    frame = np.full((60, 200, 3), 90, np.uint8)
    canvas.write(frame, text, (5, 5), 30)
    assert frame.min() == 90 and frame.max() > 240  # white on gray: nothing gets darker


@pytest.mark.parametrize("place", [(-30, 5), (5, -30), (180, 50), (-500, 5), (500, 5), (5, 500), (5, -500)])
def test_at_the_border_as_much_as_there_is_room_for(place):
    text = need(NAMES["Thai"])
    frame = np.zeros((60, 200, 3), np.uint8)
    canvas.write(frame, text, place, 24)
    large = np.zeros((1200, 1400, 3), np.uint8)
    canvas.write(large, text, (place[0] + 600, place[1] + 600), 24)
    assert np.array_equal(frame, large[600:660, 600:800])


def test_without_a_font_letters_are_told_as_in_json(no_fonts):
    text = "Tom \u0928\U0001f600"
    assert canvas._drawable(text) == ("Tom \\u0928\\ud83d\\ude00", True)
    assert np.array_equal(drawn(text), drawn("Tom \\u0928\\ud83d\\ude00"))


def test_letters_that_nobody_has_and_damaged_fonts_do_no_harm(tmp_path, monkeypatch, no_fonts):
    (tmp_path / "a.ttf").write_bytes(b"\0\1\0\0" + bytes(300))
    (tmp_path / "empty.otf").touch()
    monkeypatch.setattr(
        fonts, "font_files", lambda: [tmp_path / "a.ttf", tmp_path / "empty.otf", tmp_path / "gone.ttf"]
    )
    assert canvas._drawable("\u0928")[0] == "\\u0928"
    assert canvas._drawable("a\u0378\udc80")[0] == "a\\u0378\\udc80"


def test_fonts_are_looked_for_where_each_system_has_them(monkeypatch):
    for platform, folder in {"win32": "Fonts", "darwin": "/System/Library/Fonts", "linux": "/usr/share/fonts"}.items():
        monkeypatch.setattr(fonts.sys, "platform", platform)
        assert any(str(path).endswith(str(Path(folder))) for path in fonts.font_folders())


def test_names_that_come_again_cost_little():
    text = need(NAMES["Hindi"])
    frame = np.zeros((480, 640, 3), np.uint8)
    canvas.draw_box(frame, (100, 100, 200, 200), text, canvas.GREEN)
    began = time.process_time()
    for _ in range(200):
        canvas.draw_box(frame, (100, 100, 200, 200), text, canvas.GREEN)
    assert (time.process_time() - began) / 200 < 0.002


def test_pillow_is_loaded_only_for_what_opencv_has_not():
    code = (
        "import sys; from recognition.media import canvas; canvas.text_size('Zoë 李', 20); print('PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_name_of_somebody_who_is_found_stands_in_the_picture(script, tmp_path):
    name = need("नेहा")
    folder = write_people(tmp_path / "people", 1, 2)
    (folder / "person 0").rename(folder / name)
    cv2.imwrite(str(tmp_path / "photo.png"), cv2.resize(draw_face(0, 7), None, fx=3, fy=3))
    quick = ("--detector", "hog", "--recognizer", "dlib", "--faces", folder, "--output", "out")
    done = script("face_recognition/predict_static.py", "photo.png", *quick)
    assert done.returncode == 0 and name in done.stdout, done.stderr
    picture = cv2.imread(str(tmp_path / "out" / "photo_named.png"))
    size = canvas.letters(picture)
    width, height = canvas.text_size(name, size)
    label = np.full((height, width + 2, 3), canvas.GREEN, np.uint8)
    canvas.write(label, name, (0, 0), size)
    assert cv2.matchTemplate(picture, label, cv2.TM_CCOEFF_NORMED).max() > 0.9
