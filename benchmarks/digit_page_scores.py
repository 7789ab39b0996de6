"""How well whole pages are read: rows of the table of benchmarks/digit_pages.py, beside their yardsticks."""

import re
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import page_pictures
import samples
import sheets
from digit_readers import Readers, folder_for
from measuring import Row

from recognition import files, settings
from recognition.digits import detection, scoring
from recognition.media import frames
from recognition.media.sinks import save_picture
from recognition.synthetic import field_pages, glyphs
from recognition.training import datasets, labelled_digits

# Kinds of digit_pages that nothing was tried on while the reader was made, a third of its pictures
ASIDE = "don-sabu", "Nanored", "simepavlic", "ujwalkasturi", "st9540808", "githubharald_nodigit_5"
ALL_COUNT = "wichtounet"  # its labels have the printed digits, too; those of the other pages have what is handwritten
LEARNED = 14, 18, 24, 32, 48  # pixels: spans of height that made digits are told apart by
UNSEEN = 49_000_000  # first seed of made pages that no training saw, see training.pages.pool
PRINTED = "_print_"  # in the name of a page without handwriting: it has printed digits, which may be read


def labels_of(name: str) -> dict[str, dict]:
    """Return the labels of a folder of data/, which say whether only what is handwritten counts; {} without it."""
    labels = labelled_digits.load_photo_labels(files.DATA / name) or {}
    by_hand = name == "digit_pages"
    return {key: row | {"handwritten": by_hand and not key.startswith(ALL_COUNT)} for key, row in labels.items()}


def beside(results: dict[str, dict], show: Callable[[dict], str]) -> str:
    """Return what the yardsticks did, as `show` puts a result."""
    return "; ".join(f"{name} {show(result)}" for name, result in results.items() if name != "ours")


def score(result: dict) -> str:
    return f"{result['score']:.1%}, {result['exact']} of {result['pictures']} exact"


def pages_row(readers: Readers) -> list[Row]:
    labels = {name: row for name, row in labels_of("digit_pages").items() if row["digits"]}
    if not labels:
        return []
    results = readers.score(files.DATA / "digit_pages", labels)
    parts = [[], []]
    for photo in results["ours"]["photos"]:
        parts[photo["photo"].startswith(ASIDE)].append(photo)
    tried, aside = map(scoring.total, parts)
    return [(
        f"{results['ours']['digits']} digits on {len(labels)} pages of other people (1 - edit distance / digits)",
        beside(results, score),
        "≥ 92 %, ≥ 22 exact",
        f"{score(results['ours'])} (kinds that were at hand: {score(tried)}; kept aside: {score(aside)})",
    )]  # fmt: skip


def blank_row(readers: Readers) -> list[Row]:
    labels = {name: row for name, row in labels_of("digit_pages").items() if not row["digits"] and PRINTED not in name}
    if not labels:
        return []
    results = readers.score(files.DATA / "digit_pages", labels)
    everything = {name: row | {"handwritten": False} for name, row in labels.items()}
    ours = readers.score(files.DATA / "digit_pages", everything, yardsticks=False)["ours"]
    most = max(results["ours"]["photos"], key=lambda photo: len(photo["read"]))
    return [(
        f"false digits a page on {len(labels)} pages without any",
        beside(results, lambda result: f"{result['false_digits']:.1f}"),
        "≤ 1.5",
        f"{results['ours']['false_digits']:.1f}, at most {len(most['read'])} ({most['photo']}); "
        f"{ours['false_digits']:.1f} with those that it takes for print",
    )]  # fmt: skip


def photos_row(readers: Readers) -> list[Row]:
    labels = labels_of("digit_photos")
    if not labels:
        return []
    results = readers.score(files.DATA / "digit_photos", labels)

    def show(result: dict) -> str:
        worst = min(result["photos"], key=lambda photo: -photo["edit_distance"] / len(photo["digits"]))
        lowest = 1 - worst["edit_distance"] / len(worst["digits"])
        return f"{score(result)}, the worst picture {lowest:.0%}"

    digits = results["ours"]["digits"]
    text = f"{digits} digits in {len(labels)} photos of handwriting"
    return [(text, beside(results, show), "≥ 98 %, none below 90 %", show(results["ours"]))]


def sheets_rows(readers: Readers) -> list[Row]:
    sources = {"MNIST test digits, never trained on,": (*(part[:2400] for part in datasets.load_mnist()[2:]), 3)}
    usps, letters = files.DATA / "usps_train.npz", files.DATA / "letters.npz"
    if usps.exists():
        with np.load(usps, allow_pickle=False) as archive:
            sources["USPS digits, which are part of the training,"] = archive["x"], archive["y"], 4
    if letters.exists():
        with np.load(letters, allow_pickle=False) as archive:
            sources["letters of EMNIST, none of them trained on,"] = archive["x"], None, 3
    rows = []
    for name, (characters, truth, scale) in sources.items():
        folder = folder_for(name.split()[0])
        labels, on_sheet = {}, sheets.COLUMNS * sheets.ROWS
        for k in range(0, len(characters), on_sheet):
            picture, _ = sheets.lay_out(characters[k : k + on_sheet], scale, np.random.default_rng(k))
            labels[f"{k:05}.png"] = {"digits": "" if truth is None else "".join(map(str, truth[k : k + on_sheet]))}
            save_picture(folder / f"{k:05}.png", picture)
        few = dict(list(labels.items())[:10])  # as much as the yardsticks have time for
        results = readers.score(folder, few) | readers.score(folder, labels, yardsticks=False)

        def show(result: dict, count: int = on_sheet, letters: bool = truth is None) -> str:
            return f"{result['false_digits'] / count:.1%}" if letters else f"{result['score']:.1%}"

        what = f"{len(characters):,} {name} on {len(labels)} sheets of paper"
        what += ": read as digits" if truth is None else ""
        required = "≤ 8 %" if truth is None else "≥ 98 %"
        theirs = beside(results, show)
        rows.append((what, f"on 10 of them {theirs}" if theirs else "", required, show(results["ours"])))
    return rows


def changed_row(readers: Readers) -> list[Row]:
    both = {name: labels_of(name) for name in ("digit_pages", "digit_photos")}
    pictures = {
        f"{folder}_{name}.png": (files.DATA / folder / name, row)
        for folder, labels in both.items()
        for name, row in labels.items()
        if row["digits"]
    }
    if not pictures:
        return []
    labels = {name: row for name, (_, row) in pictures.items()}
    shares: dict[str, dict[str, float]] = {}
    for change, how in {"upright": np.copy, **page_pictures.CHANGES}.items():
        settings.say(f"pictures {change}")
        with tempfile.TemporaryDirectory() as folder:
            for name, (path, _) in pictures.items():
                save_picture(Path(folder) / name, how(frames.read_image(path)))
            for reader, result in readers.score(Path(folder), labels).items():
                shares.setdefault(reader, {})[change] = 100 * result["score"]

    def show(of: dict[str, float]) -> str:
        return ", ".join(f"{change} {of[change] - of['upright']:+.1f}" for change in list(of)[1:])

    def worst(of: dict[str, float]) -> str:
        change = min(of, key=of.get)
        return f"{of['upright']:.1f} %, {change} {of[change] - of['upright']:+.1f}"

    ours = shares["ours"]
    return [(
        f"the {len(labels)} pages and photos changed, in points of what is read of them as they are",
        beside(shares, worst),
        "within 3",
        f"{ours['upright']:.1f} %: {show(ours)}",
    )]  # fmt: skip


def numbers_row(readers: Readers) -> list[Row]:
    folder, labels = folder_for("forms"), {}
    for name, form in sheets.forms().items():
        save_picture(folder / name, form.photo())
        labels[name] = {"digits": "".join(form.numbers), "numbers": form.numbers}
    forms = readers.score(folder, labels)
    # Whether 56-14 is a number, as in a date, or two, nothing in the picture tells
    wanted = re.findall(r"\d+", " ".join(samples.PAGES["sums"][1]))
    sums = readers.score(
        files.DATA / "samples" / "digits",
        {"sums.jpg": {"digits": "".join(wanted), "numbers": wanted}},
        lambda text: re.sub(r"(?<=\d)-(?=\d)", " ", text),
    )

    def show(name: str) -> str:
        right = sums[name]["numbers_right"] + forms[name]["numbers_right"]
        return f"{right / count:.1%} ({sums[name]['numbers_right']} of {len(wanted)} in the sums)"

    count = len(wanted) + forms["ours"]["numbers"]
    return [(
        f"{count} numbers of sums.jpg in data/samples and of ten drawn tables, invoices, score sheets: exactly right",
        "; ".join(f"{name} {show(name)}" for name in forms if name != "ours"),
        "≥ 95 %",
        show("ours"),
    )]  # fmt: skip


def crops_row(readers: Readers) -> list[Row]:
    images, truth = (part[:200] for part in datasets.load_mnist()[2:])
    folder, shares = folder_for("crops"), {}
    for margin in (0, 0.03, 0.08, None):
        labels = {}
        for k, (image, digit) in enumerate(zip(images, truth, strict=True)):
            name = f"{k:03}_{'28x28' if margin is None else f'{margin:.0%}'}.png"
            size = page_pictures.SIZES[k % len(page_pictures.SIZES)]
            save_picture(folder / name, 255 - image if margin is None else page_pictures.crop(image, size, margin))
            labels[name] = {"digits": str(digit)}
        for reader, result in readers.score(folder, labels).items():
            shares.setdefault(reader, []).append(f"{result['exact'] / len(labels):.1%}")
    return [(
        "200 MNIST test digits, tight crops with margins of 0, 3, 8 %, and as 28x28 files: that digit, nothing else",
        beside(shares, ", ".join),
        "≥ 98 %",
        ", ".join(shares["ours"]),
    )]  # fmt: skip


def learned_rows(readers: Readers) -> list[Row]:
    """How many digits of pages like those that it learned from, but others, the network reads, on the scale that they
    are made for: at a digit's centre its own heat is the highest."""
    sources, fonts = glyphs.find_sources(datasets.load_mnist()[2:]), glyphs.Fonts()
    heights, right = [], []
    for seed in range(UNSEEN, UNSEEN + 400):
        page, labels = field_pages.make(seed, sources, fonts)
        heat = readers.model.run(detection.normalise(page))[..., : detection.OTHER + 1]
        for x1, y1, x2, y2, kind, height, printed in labels:
            row, column = int((y1 + y2) / 2 // detection.STRIDE), int((x1 + x2) / 2 // detection.STRIDE)
            if kind < detection.DIGITS and not printed and 0 <= row < len(heat) and 0 <= column < heat.shape[1]:
                heights.append(height)
                right.append(heat[row, column].argmax() == kind)
    place = np.digitize(heights, LEARNED)
    shares = ", ".join(f"{np.mean(np.array(right)[place == k + 1]):.0%}" for k in range(len(LEARNED) - 1))
    spans = ", ".join(f"{low} to {high}" for low, high in pairwise(LEARNED))
    return [(f"handwritten digits of 400 made pages, never trained on, {spans} pixels high", "", "", shares)]
