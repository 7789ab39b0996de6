"""What reading whole pages costs, also hostile ones: rows of the table of benchmarks/digit_pages.py."""

import sys
from pathlib import Path

import measuring
import numpy as np
import page_pictures
from digit_readers import Readers, folder_for
from measuring import Row

from recognition import files
from recognition.digits import scoring
from recognition.media.sinks import save_picture
from recognition.synthetic.pages import Page, write_page
from recognition.training import datasets

PREDICT = files.ROOT / "digit_recognition" / "predict_static.py"


def predict(readers: Readers, path: Path) -> list:
    """Return the command that reads a picture as a user does."""
    return [sys.executable, PREDICT, path, "--json", *readers.flags]


def speed_rows(readers: Readers) -> list[Row]:
    rng, folder = np.random.default_rng(0), folder_for("costs")
    page = Page(height=3000, width=4000, digit=180, pen=12, ruling="ruled", shadow=0.3)
    lines = [[str(digit) for digit in rng.integers(0, 10, 15)] for _ in range(8)]
    large, small = folder / "12mp.jpg", folder / "small.png"
    save_picture(large, write_page(lines, page, rng)[0])
    save_picture(small, write_page([list("31415"), list("92653")], Page(), rng)[0])
    theirs = [readers.command("rapidocr", path) for path in (small, large)] if readers.names else []
    theirs = [measuring.start_to_answer(command, 3) for command in theirs]
    ours = [measuring.start_to_answer(predict(readers, path), runs) for path, runs in ((small, 9), (large, 3))]
    seconds = measuring.median_seconds(lambda: readers.read(large), 5)
    wanted = "".join(map("".join, lines))
    right = 120 - scoring.edit_distance(wanted, scoring.only_digits(readers.read(large)))
    beside = [f"RapidOCR {s:.1f} s, {mb:.0f} MB" for s, mb in theirs] or ["", ""]
    return [
        ("start to answer, one photo", beside[0], "≤ 0.6 s", f"{ours[0][0]:.2f} s, {ours[0][1]:.0f} MB"),
        (
            "12-megapixel page with 120 digits; memory from start to answer",
            f"{beside[1]}, from start to answer" if theirs else "",
            "≤ 0.9 s, ≤ 300 MB",
            f"{seconds:.2f} s ({right} of 120 right), {ours[1][1]:.0f} MB",
        ),
    ]


def hostile_row(readers: Readers) -> list[Row]:
    digits = datasets.load_mnist()[2]
    pictures = {
        "12 megapixels of texture": page_pictures.texture(np.random.default_rng(0)),
        "10,000 digits": page_pictures.many_digits(digits),
        "a strip of 30,000x40": page_pictures.strip(digits),
        "a digit larger than the picture": page_pictures.larger_than_the_picture(digits[0]),
    }
    measured = []
    for name, picture in pictures.items():
        path = folder_for("costs") / f"{name.replace(' ', '_')}.jpg"
        save_picture(path, picture)
        count = len(scoring.only_digits(readers.read(path)))
        seconds, megabytes = measuring.start_to_answer(predict(readers, path), 1)
        measured.append(f"{name} {seconds:.1f} s, {megabytes:.0f} MB ({count:,} digits)")
    return [("hostile pictures, from start to answer", "", "≤ 3 s, ≤ 600 MB each", "; ".join(measured))]


def training_row(readers: Readers) -> list[Row]:
    card = readers.model.card
    hours = (card.get("seconds", 0) + card.get("start", {}).get("seconds", 0)) / 3600
    off = readers.model.card["measured"].get("calibration_error", 1)
    return [
        ("training of the page reader, two cores", "", "≤ 6 h", f"{hours:.1f} h"),
        (
            "confidence against share right, digits of made pages (calibration error), as training measured",
            "",
            "",
            f"{off:.1%}",
        ),
    ]
