"""Pages to learn from are labelled as they are drawn, the same every time, and their maps say what the labels say."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from conftest import script_environment
from matplotlib import font_manager

from recognition.digits import detection
from recognition.digits.normalisation import stroke_thickness
from recognition.networks.pages import BOX
from recognition.settings import UserError
from recognition.synthetic import field_pages, forms, glyphs, layouts, scribbles
from recognition.synthetic.writing import OTHER, SIDE, SIGNS, UNSURE, Page
from recognition.training import augment_digits
from recognition.training.pages import batches, pool


@pytest.fixture(scope="module")
def sources():
    """Return what to write with where there is no data set: our own strokes and the fonts of this computer."""
    images, labels = augment_digits.written_digits(300, np.random.default_rng(0))
    found = glyphs.find_sources((images, labels), Path("nowhere"))
    assert found.printed  # Matplotlib brings fonts
    return found


def blank(sources, seed=0, height=30.0):
    page = Page(np.random.default_rng(seed), sources, glyphs.Fonts(), height)
    page.tilt, page.value = 0.0, 1.0
    return page


def inked(page):
    """Return the box around all ink of a page, measured on its pixels."""
    rows, columns = np.nonzero(page.ink > 0.3)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("style", ["sets", "strokes", "font"])
def test_a_digits_box_is_where_its_ink_is(sources, style):
    for seed in range(12):
        page = blank(sources, seed)
        page.style = style
        page.digit(160, 150, 40, seed % 10)
        ((*box, kind, height, printed),) = page.labels
        assert (kind, printed) == (seed % 10, False)
        assert np.abs(np.subtract(box, inked(page))).max() <= 1
        assert 36 <= height <= 60


@pytest.mark.parametrize("sign", SIGNS)
def test_a_signs_box_is_where_its_ink_is(sources, sign):
    page = blank(sources)
    page.sign(sign, 160, 150, 40)
    ((*box, kind, height, _),) = page.labels
    assert (kind, height) == (10 + SIGNS.index(sign), 40)
    assert np.abs(np.subtract(box, inked(page))).max() <= 1


@pytest.mark.parametrize("family", ["DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"])  # which Matplotlib brings
def test_every_printed_character_has_its_box(sources, family):
    for seed in range(10):
        page = blank(sources, seed)
        page.text("7a,3", 60, 150, 32, font_manager.findfont(family), 1.0, True)
        assert [label[4] for label in page.labels] == [7, OTHER, 11, 3]
        assert all(label[6] for label in page.labels)
        boxes = np.array([label[:4] for label in page.labels])
        together = *boxes[:, :2].min(0), *boxes[:, 2:].max(0)
        assert np.abs(np.subtract(together, inked(page))).max() <= 2
        assert (np.diff(boxes[:, 0]) > 0).all()


def test_what_is_crossed_out_or_hidden_is_not_learned(sources):
    page = blank(sources)
    page.digit(160, 150, 40, 5)
    for seed in range(40):
        page.rng = np.random.default_rng(seed)
        scribbles.strokes_over(page)
    assert page.labels[0][4] == UNSURE
    hidden = np.zeros((SIDE, SIDE), bool)
    hidden[:, 100:] = True
    labels = np.float32([[10, 10, 40, 40, 3, 30, 0], [90, 10, 120, 40, 4, 30, 0], [200, 10, 230, 40, 5, 30, 0]])
    assert field_pages._seen(labels, hidden)[:, 4].tolist() == [3, UNSURE]


@pytest.mark.parametrize("layout", [layouts.rows, forms.table, forms.combs, forms.form, layouts.sums])
def test_layouts_write_digits(sources, layout):
    page = blank(sources, 1, 20.0)
    layout(page)
    assert sum(label[4] < 10 for label in page.labels) >= 5


def test_pages_of_words_have_no_digits(sources):
    for seed in range(30):
        page = blank(sources, seed, 20.0)
        scribbles.word(page, 20, 100, 20)
        assert page.ink.any()
        assert not [label for label in page.labels if label[4] < 10]


def test_a_pool_is_the_same_every_time_and_goes_on_where_it_was(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "CHUNK", 3)
    images, labels = sources.digits[0]
    sources, fonts = glyphs.find_sources((images, labels)), glyphs.Fonts()
    pages = [field_pages.make(k, sources, fonts) for k in range(5)]
    for k, count in ((1, 2), (0, 3)):
        pool._make_chunk(0, (images, labels), tmp_path / f"{k:04}-{count}")
    again = pool.Pool([tmp_path / name for name in pool._chunks(5)])
    assert len(again) == 5
    for k, (image, rows) in enumerate(pages):
        assert np.array_equal(again.read(k)[0], image)
        assert np.array_equal(again.read(k)[1], rows)
    assert not np.array_equal(again.read(0)[0], again.read(1)[0])


def test_other_labels_letters_or_photos_make_other_pages(sources):
    (images, labels), letters = sources.digits[0], np.zeros((26, 28, 28), np.uint8)
    written = replace(sources, letters=letters, letter_labels=np.arange(26), photos=["a.jpg"])
    others = [
        sources, written, replace(written, digits=[(images, labels[::-1])]),
        replace(written, letter_labels=np.arange(26)[::-1]), replace(written, photos=["b.jpg"]),
    ]  # fmt: skip
    assert len({pool._fingerprint(one) for one in others}) == len(others)


STOPPED = """
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from recognition import settings
from recognition.training import augment_digits
from recognition.training.pages import pool

@dataclass
class Config:
    folder: Path

def main(config):
    pool.make_pool(config.folder, 50_000, 0, augment_digits.written_digits(30, np.random.default_rng(0)))

if __name__ == "__main__":
    settings.run(main, Config, None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signals")
@pytest.mark.parametrize(("stop", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", -9)])
def test_a_pool_that_is_stopped_leaves_nobody_working(tmp_path, stop, code):
    (tmp_path / "stopped.py").write_text(STOPPED)
    command = [sys.executable, tmp_path / "stopped.py", "--folder", tmp_path / "pool"]
    obey = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs are born deaf to Ctrl-C
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(command, env=script_environment(), preexec_fn=obey, **pipes)
    limit = time.monotonic() + 60
    while not (tmp_path / "pool").exists():
        assert running.poll() is None and time.monotonic() < limit
        time.sleep(0.1)
    time.sleep(4)  # its processes are there
    running.send_signal(getattr(signal, stop))
    printed, said = running.communicate(timeout=20)  # ends when all have ended that print there
    assert (running.returncode, printed) == (code, "")
    assert stop == "SIGKILL" or "Traceback" not in said


def test_a_process_that_is_ended_while_it_makes_pages_is_one_line(sources, tmp_path):
    def end_one():
        while not (workers := active_children()):
            time.sleep(0.1)
        workers[0].kill()

    Thread(target=end_one, daemon=True).start()
    with pytest.raises(UserError, match="for want of memory: start again"):
        pool.make_pool(tmp_path, 50_000, 0, sources.digits[0])
    assert not active_children()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_labels_turn_with_the_page(turns):
    page = np.zeros((SIDE, SIDE), np.uint8)
    page[30:70, 100:120] = 255
    labels = np.float32([[100, 30, 120, 70, 7, 40, 0], [100, 30, 120, 70, 8, 40, 0]])
    found = batches.turned(labels, turns, SIDE)
    x, y, width, height = cv2.boundingRect(np.rot90(page, turns).copy())
    assert found[0, :4].tolist() == [x, y, x + width, y + height]
    kinds = {0: [7, 8], 1: [OTHER, OTHER], 2: [OTHER, UNSURE], 3: [OTHER, OTHER]}[turns]
    assert found[:, 4].tolist() == kinds
    assert labels[:, 4].tolist() == [7, 8]


def maps_of(labels, side=128):
    maps = np.zeros((side // 4, side // 4, len(batches.CLASSES) + BOX + 3), np.float32)
    batches.draw_maps(maps, np.float32(labels))
    return maps


def test_maps_are_read_as_what_was_drawn():
    """What detection makes of perfect maps are the labels."""
    labels = [[20, 30, 40, 62, 3, 32, 0], [44, 30, 52, 60, 1, 30, 1], [80, 80, 84, 85, 10, 30, 0]]
    maps = maps_of(labels)
    found = detection._peaks(maps[..., :21], 1.0)
    order = np.argsort(found.boxes[:, 0])
    assert found.kinds[order].tolist() == [3, 1, 10]
    assert found.scores[order] == pytest.approx([1, 1, 1])
    assert found.boxes[order] + detection.MARGIN == pytest.approx(np.float32(labels)[:, :4], abs=0.01)
    assert found.printed[order].tolist() == [0, 1, 0]


def test_heat_falls_off_around_a_centre_and_unsure_places_do_not_count():
    maps = maps_of([[40, 40, 60, 80, 4, 40, 0], [100, 40, 120, 80, UNSURE, 40, 0], [8, 100, 10, 104, 5, 4, 0]])
    heat, counts, marked = maps[..., 4], maps[..., -2], maps[..., -1]
    assert heat[15, 12] == 1
    assert 0 < heat[15, 14] < heat[15, 13] < 1
    assert marked.sum() == 1
    assert counts[12, 27] == counts[25, 2] == 0
    assert counts[15, 12] == counts[0, 0] == 1
    assert maps[..., :16].sum() == heat.sum()  # nothing of what is unsure or too small


def test_parts_of_a_digit_too_large_for_the_scale_are_none():
    counts = maps_of([[40, 20, 80, 74, 8, 54, 0]])[..., -2]
    assert counts[11, 15] == 0  # its centre may be read or not
    assert counts[7, 15] == counts[16, 15] == 1  # its loops may not


def test_pens_are_as_thick_as_wanted():
    rng = np.random.default_rng(0)
    for digit in "0358":
        mask = glyphs.crop(glyphs.stroke_glyph(digit, 0.08, rng))
        thickness = [stroke_thickness(glyphs.thicken(mask, pen) > 0) / len(mask) for pen in (0.04, 0.12, 0.18)]
        assert thickness == pytest.approx([0.04, 0.12, 0.18], abs=0.025)


def test_fonts_of_ones_own_are_taken_for_handwriting(tmp_path):
    folder = tmp_path / "handwriting_fonts"
    folder.mkdir()
    (folder / "mine.ttf").write_bytes(Path(font_manager.findfont("DejaVu Sans")).read_bytes())
    (folder / "notes.txt").write_text("no font")
    digits = np.zeros((1, 28, 28), np.uint8), np.zeros(1, int)
    assert str(folder / "mine.ttf") in glyphs.find_sources(digits, tmp_path).written
    assert str(folder / "notes.txt") not in glyphs.find_sources(digits, tmp_path).written


def test_a_frame_of_plain_paper_cuts_characters_off_or_leaves_one_digit():
    image = np.random.default_rng(0).integers(150, 250, (256, 256), np.uint8)
    labels = np.float32([[120, 120, 140, 150, 3, 30, 0], [10, 120, 40, 150, 4, 30, 0]])
    alone = 0
    for seed in range(100):
        framed, left = batches.framed(image, labels, np.random.default_rng(seed))
        assert framed.shape == (256, 256)
        assert {3, 4} & set(left[:, 4].tolist())  # one of them is whole
        alone += (framed == image).mean() < 0.1  # the digits have 1 %, and as much is alike by chance
    assert 10 <= alone <= 40
