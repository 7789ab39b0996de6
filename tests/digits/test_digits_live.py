"""Live frames are read steadily and fast, scenes without paper stay silent, and the two scripts do what they say."""

import json
import signal
import subprocess
import sys
import time
from functools import partial

import cv2
import numpy as np
import pytest
from conftest import script_environment, write

from recognition import progress
from recognition.digits import drawing, live, numbers
from recognition.files import ROOT
from recognition.media import canvas, scenes
from recognition.media.roi import check_roi, draw_roi
from recognition.settings import UserError
from recognition.synthetic import pages

VIDEO, WEBCAM = "digit_recognition/video.py", "digit_recognition/webcam.py"
RATE = 30


def save_clip(path, frames):
    """Write frames, BGR uint8 (H, W, 3), as a video of 30 frames a second; return its path."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture
def clip(tmp_path):
    """Return a video of half a second of empty paper, one second of "407", a glimpse of "5", one second of "2 8"."""
    empty = np.full((360, 640, 3), 215, np.uint8)
    looks = {"height": 360, "width": 640}
    shots = [(empty, 15), (write([list("407")], **looks), 30), (write([["5"]], **looks), 5), (write([list("28")]), 30)]
    return save_clip(tmp_path / "clip.mp4", [cv2.resize(image, (640, 360)) for image, n in shots for _ in range(n)])


def live_reader(pages_model, **more):
    return live.LiveReader(pages_model, pages_model.card["threshold"], **more)


def texts(pages_model, frames, **more):
    """Return what is shown on each frame."""
    read = live_reader(pages_model, **more).read
    return [numbers.text_of(read(frame), digits_only=True) for frame in frames]


def noisy(image, seed, sigma=4):
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("look", [{}, {"ruling": "ruled"}, {"ruling": "graph"}, {"shadow": 0.5}])
def test_a_still_page_is_read_from_the_third_frame_on(pages_model, look):
    page = write([list("31415"), list("92653")], height=720, width=1280, **look)
    shown = texts(pages_model, [noisy(page, seed) for seed in range(8)])
    assert shown[0] == "" and shown[2:] == ["31415\n92653"] * 6


def test_boxes_stay_on_the_digits_of_moving_pages(pages_model):
    """On four pages; of 245 digits in view two are missed, each as it comes into view; by the network before, four."""
    page, errors = pages.Page(height=480, width=1300, wobble=0.2), []
    for seed in range(4):
        photo, ((*boxes,),) = pages.write_page([list("314159")], page, np.random.default_rng(seed))
        read = live_reader(pages_model).read
        for step in range(25):
            left = 20 * step
            found = numbers.digits_of(read(noisy(photo[:, left : left + 640], step)))
            whole = [box for box in boxes if box[0] - left > 25 and box[2] - left < 615]
            for x1, y1, x2, y2 in whole if step > 2 else []:
                away = [np.abs(np.subtract(one.box, (x1 - left, y1, x2 - left, y2))).max() for one in found]
                errors.append(min(away, default=np.inf))
    assert len(errors) > 200
    assert np.mean(np.array(errors) <= 6) > 0.98


def test_a_blackboard_that_comes_into_view_is_read_within_a_second(pages_model):
    paper, board = write([list("12")]), write([list("345")], ink=(225, 230, 230), paper=(60, 80, 50))
    assert texts(pages_model, [paper] * 5 + [board] * 30)[-1] == "345"


def test_after_a_cut_nothing_of_the_old_page_is_shown(pages_model):
    # A 2 upside down is nearly a 5, which the page lacks
    page, other = write([list("3746")]), cv2.flip(write([["2"]], paper=(60, 80, 50), ink=(225, 230, 230)), 0)
    shown = texts(pages_model, [page] * 5 + [other] * 3)
    assert shown[4] == "3746"
    assert not set("3746") & set("".join(shown[5:]))


def test_boxes_are_pixels_of_the_whole_frame(pages_model):
    """Also of a part, and where frames are shrunk before they are read."""
    page = pages.Page(height=1080, width=1920, digit=150, pen=9, wobble=0.2)
    photo, (left, right) = pages.write_page([list("31"), list("27")], page, np.random.default_rng(0))
    boxes = [*left, *right]
    for roi, wanted in ((None, boxes), ((0, 540, 1920, 1080), boxes[2:])):
        read = live_reader(pages_model, roi=roi).read
        for _ in range(3):
            read(photo)
        found = [digit.box for digit in numbers.digits_of(read(photo))]
        assert len(found) == len(wanted)
        assert np.abs(np.subtract(found, wanted)).max() <= 0.1 * page.digit


@pytest.mark.parametrize("roi", [(10, 10, 10, 50), (-1, 0, 50, 50), (0, 0, 641, 50), (0, 50, 60, 40), (0, 0, 5, 5)])
def test_a_part_outside_the_frame_is_refused(roi):
    with pytest.raises(UserError, match=r"--roi .*640 360") as error:
        check_roi(roi, (640, 360))
    assert error.value.code == 2
    check_roi((0, 0, 640, 360), (640, 360))


def room(seed):
    """Return things without paper, dark gaps beside their edges: as likely to be read as ones as anything."""
    rng, image = np.random.default_rng(seed), np.full((480, 640), 200, np.uint8)
    for x in range(40, 600, 100):
        y, height = rng.integers((40, 60), (200, 200)).tolist()
        cv2.rectangle(image, (x, y), (x + 50, y + height), int(rng.integers(120, 160)), cv2.FILLED)
        cv2.rectangle(image, (x + 50, y), (x + 58, y + height), 60, cv2.FILLED)
    return cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.5), cv2.COLOR_GRAY2BGR)


def test_without_paper_nothing_is_shown(pages_model):
    shown = 0
    for seed in range(10):
        read = live_reader(pages_model).read
        shown += len(numbers.digits_of([read(noisy(room(seed), k)) for k in range(6)][-1]))
    assert shown <= 2


@pytest.mark.parametrize("digit", [60, 150, 340])
def test_a_digit_alone_is_shown_whatever_its_size(pages_model, digit):
    pages_of_one = [write([[glyph]], height=480, width=640, pen=14, digit=digit) for glyph in "0123456789"]
    shown = [texts(pages_model, [page] * 3)[-1] for page in pages_of_one]
    assert sum(text == glyph for text, glyph in zip(shown, "0123456789", strict=True)) >= 9


def test_live_text_is_told_once_when_it_has_stayed(capsys):
    steady = scenes.Steady()
    shown = {0.0: "", 1.0: "4", 1.5: "40", 1.8: "4", 2.0: "40", 2.9: "40", 3.0: "40", 9.0: "40", 9.1: "", 9.5: "40"}
    shown |= {9.6: "", 10.6: "", 11.0: "40", 12.0: "40"}  # away for a second, and back
    for seconds, text in shown.items():
        steady.tell(seconds, text)
        if seconds == 9.5:
            assert capsys.readouterr().out == "40\n"
    assert capsys.readouterr().out == "40\n"


def test_lasting_texts_have_their_times():
    shown = [(0.0, ""), (0.1, "4"), (0.2, "40"), (1.0, ""), (1.1, "40"), (2.0, "7"), (2.3, ""), (3.0, "40"), (4.0, "")]
    assert scenes.lasting(shown) == [(0.2, 2.0, "40"), (3.0, 4.0, "40")]
    assert scenes.lasting([]) == []


def test_what_was_seen_is_printed_when_a_video_is_broken_off(capsys):
    with pytest.raises(KeyboardInterrupt), scenes.Stays(10, "no digits") as stays:
        for k in range(10):
            stays.add(k / 10, "40" if k < 6 else "")
        raise KeyboardInterrupt
    assert capsys.readouterr().out == "0.0-0.6 s: 40\n"
    for nothing in ("no digits", None):
        with scenes.Stays(10, nothing) as stays:
            stays.add(0.0, "")
        assert capsys.readouterr().out == (f"{nothing}\n" if nothing else "")


def test_letters_of_labels_fit_strips():
    shapes = (720, 1280), (1280, 720), (3000, 4000), (40, 30_000), (30_000, 100)
    assert [canvas.letters(np.empty((*shape, 3), np.uint8)) for shape in shapes] == [31, 31, 96, 14, 14]


def test_drawing_is_quick_and_stays_in_the_frame():
    frame = np.zeros((720, 1280, 3), np.uint8)
    lines = [[numbers.join([numbers.Digit(5, 0.97, (100 * k, 5, 100 * k + 60, 90)) for k in range(10)])]]
    start = time.process_time()
    for _ in range(20):
        drawing.draw_digits(frame, lines)
        canvas.draw_fps(frame, 59.6)
        draw_roi(frame, (0, 0, 1280, 720))
    assert time.process_time() - start < 20 * 0.01
    assert frame[: 720 // 10, -200:].any()


def test_bars_are_for_terminals_only(capsys):
    assert list(progress.watched(range(5), None)) == [0, 1, 2, 3, 4]
    assert capsys.readouterr() == ("", "")


def test_a_video_is_read_and_its_summary_printed(script, clip, tmp_path):
    done = script(VIDEO, clip)
    assert (done.returncode, done.stderr) == (0, "saved output/clip_read.mp4\n")
    lines = done.stdout.splitlines()
    assert [line.split(" s: ")[1] for line in lines] == ["407", "2 8"]
    start, end = map(float, lines[0].split(" s: ")[0].split("-"))
    assert 0.5 <= start <= 0.7
    assert 1.5 <= end <= 1.8
    capture = cv2.VideoCapture(str(tmp_path / "output" / "clip_read.mp4"))
    assert abs(capture.get(cv2.CAP_PROP_FRAME_COUNT) - 80) <= 1
    capture.set(cv2.CAP_PROP_POS_FRAMES, 30)
    assert (np.ptp(capture.read()[1].astype(int), axis=2) > 60).any()  # coloured boxes


@pytest.mark.parametrize("name", [VIDEO, WEBCAM])
def test_json_is_one_object_a_frame_and_nothing_is_written(script, clip, tmp_path, name):
    source = [clip] if name == VIDEO else ["--source", clip]
    done = script(name, *source, "--json", "--roi", "0", "0", "640", "350")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["frame"] for record in records] == list(range(80))
    assert all(record["source"] == str(clip) for record in records)
    assert [records[k]["text"] for k in (10, 35, 75)] == ["", "407", "2 8"]
    digit = records[35]["digits"][0]
    assert list(digit) == ["digit", "confidence", "box", "printed"]
    assert digit["digit"] == 4
    assert 0.5 < digit["confidence"] <= 1
    assert all(type(value) is int for value in digit["box"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4"]


@pytest.mark.parametrize("name", [VIDEO, WEBCAM])
def test_frames_are_read_with_a_model_of_pages_too(script, clip, name):
    source = [clip] if name == VIDEO else ["--source", clip]
    done = script(name, *source, "--json", "--model", "pages", "--roi", "0", "0", "640", "350")
    assert (done.returncode, done.stderr) == (0, "")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 80
    assert [record["digits"] for record in records[:10]] == [[]] * 10  # empty paper
    found = [digit for record in records[20:45] for digit in record["digits"]]
    assert {digit["digit"] for digit in found} >= {4, 7}
    assert all(0 <= digit["box"][0] < digit["box"][2] <= 640 and digit["box"][3] <= 350 for digit in found)


@pytest.mark.parametrize("name", [VIDEO, WEBCAM])
def test_text_may_be_digits_only(script, tmp_path, name):
    page = write([list("407")], height=360, width=960)  # two heights apart
    path = save_clip(tmp_path / "clip.mp4", [page] * 40)
    command = [name, *(["--source"] * (name == WEBCAM)), path, "--json"]
    for more, text in ([], "4 0 7"), (["--digits-only"], "407"):
        assert json.loads(script(*command, *more).stdout.splitlines()[-1])["text"] == text
    said = script(*command[:-1], "--no-show").stdout
    assert said.endswith(" s: 4 0 7\n" if name == VIDEO else "4 0 7\n")


def test_webcam_records_where_there_is_no_display(script, clip, tmp_path):
    done = script(WEBCAM, "--source", clip)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "output" / "clip_read.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([VIDEO, "nothing.mp4"], 1, "error: nothing.mp4: not found"),
        ([VIDEO, "CLIP", "--roi", "0", "0", "9999", "10"], 2, "error: --roi 0 0 9999 10"),
        ([VIDEO, "CLIP", "--threshold", "2"], 2, "error: --threshold 2.0"),
        ([VIDEO, "CLIP", "--output", "read.xyz"], 2, "error: read.xyz"),
        ([VIDEO, "CLIP", "--model", "nothing"], 1, "nothing.json not found"),
        ([WEBCAM, "--source", "97"], 1, "error: camera 97"),
    ],
)
def test_mistakes_are_one_line(script, clip, arguments, code, message):
    done = script(*(clip if argument == "CLIP" else argument for argument in arguments))
    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(("stop", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stopped_recording_can_be_played(clip, tmp_path, stop, code):
    """Ctrl-C, a kill or a closed terminal ends a recording; what was recorded till then is kept."""
    if sys.platform == "win32":
        pytest.skip("signals cannot be sent to one process on Windows")
    long = save_clip(tmp_path / "long.mp4", [write([list("407")])] * 1500)
    command = [sys.executable, str(ROOT / VIDEO), str(long), "--json", "--output", "read.mp4"]
    obey = partial(signal.signal, getattr(signal, stop), signal.SIG_DFL)  # background jobs are born deaf to Ctrl-C
    pipe = {"stdout": subprocess.PIPE, "text": True}
    running = subprocess.Popen(command, cwd=tmp_path, env=script_environment(), preexec_fn=obey, **pipe)
    for _ in range(20):
        running.stdout.readline()
    running.send_signal(getattr(signal, stop))
    running.communicate(timeout=30)
    assert running.returncode == code
    capture = cv2.VideoCapture(str(tmp_path / "read.mp4"))
    assert 15 <= capture.get(cv2.CAP_PROP_FRAME_COUNT) < 1500
