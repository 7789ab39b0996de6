"""Score how well photos of many digits are read."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recognition.media.frames import FrameSource
from recognition.settings import UserError

# What a label may say beside its digits, and how: an example of each
FORMS = {"kind": '"form"', "handwritten": "true", "numbers": '["12", "3.50"]', "note": '"pencil"'}


def edit_distance(wanted: str, read: str) -> int:
    """Return how many characters to insert, delete or replace to make one text of the other (Levenshtein, 1966)."""
    row = list(range(len(read) + 1))
    for i, a in enumerate(wanted, 1):
        above, row = row, [i]
        for j, b in enumerate(read, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (a != b)))
    return row[-1]


def only_digits(text: str) -> str:
    """Return a text without all that is no digit: spaces, signs and the ends of lines."""
    return "".join(letter for letter in text if letter in "0123456789")


def score_photos(
    read: Callable[[np.ndarray, bool], str], folder: Path, labels: dict[str, dict], handwritten: bool = False
) -> dict:
    """Return how well the digits of a folder's photos are read; see score_texts.

    `read` maps a BGR frame, and whether to leave printed digits out, to text; `handwritten` leaves them out in all
    photos, a label's "handwritten": true in its own. Photos that cannot be used are listed as "failed".
    """
    check(labels, folder)
    source = FrameSource([str(folder / name) for name in labels])
    names = {folder / name: name for name in labels}
    texts = {}
    for photo in source:
        name = names.get(Path(photo.source))
        if name is None:  # what a folder holds, or a pattern fits
            source.fail(photo.source, f"{photo.source}: no photo that labels.json names")
            continue
        texts[name] = read(photo.image, handwritten or labels[name].get("handwritten", False))
    return score_texts(texts, labels) | {"failed": source.failed}


def score_texts(texts: dict[str, str], labels: dict[str, dict]) -> dict:
    """Return how well photos were read, all together and as "kinds" apart; `texts`: what was read, by their names.

    `labels`: from labelled_digits.load_photo_labels; a photo whose note says SCATTERED has no reading order, so its
    digits are compared sorted. Photos without a text count as unread. Keys: see `total`; "photos" has a record of each.
    """
    photos = [_compare(name, label, texts.get(name)) for name, label in labels.items()]
    kinds: dict[str, list[dict]] = {}
    for photo, kind in zip(photos, kinds_of(labels), strict=True):
        kinds.setdefault(kind, []).append(photo)
    return total(photos) | {"kinds": {kind: total(some) for kind, some in kinds.items()}, "photos": photos}


def kinds_of(labels: dict[str, dict]) -> list[str]:
    """Return the kind of every photo: its label's "kind", or its name up to the first "_" if others begin so, too."""
    starts = [name.split("_")[0] for name in labels]
    shared = {start for start, count in Counter(starts).items() if count > 1}
    names = [start if start in shared else "others" for start in starts]
    return [label.get("kind", name) for label, name in zip(labels.values(), names, strict=True)]


def total(photos: list[dict]) -> dict:
    """Return how well some photos were read, from their records.

    Of those with digits: "pictures", "digits", "score" (1 - edit distance / digits, below 0 where more is invented than
    there is), "exact". "pages_without" any and "false_digits" read there, a page. "numbers" and "numbers_right", of
    photos whose labels name them. What there is nothing to measure with is None.
    """
    written = [photo for photo in photos if photo["digits"]]
    without = [photo for photo in photos if not photo["digits"] and photo["used"]]
    digits = sum(len(photo["digits"]) for photo in written)
    wrong = [photo["edit_distance"] for photo in written]
    numbers = [photo for photo in photos if "numbers" in photo]
    return {
        "pictures": len(written),
        "digits": digits,
        "score": 1 - sum(wrong) / digits if digits else None,
        "exact": wrong.count(0),
        "pages_without": len(without),
        "false_digits": sum(len(photo["read"]) for photo in without) / len(without) if without else None,
        "numbers": sum(photo["numbers"] for photo in numbers) if numbers else None,
        "numbers_right": sum(photo["numbers_right"] for photo in numbers) if numbers else None,
    }


def describe(result: dict) -> str:
    """Return what `total` gives as a line of text."""
    parts = []
    if result["pictures"]:
        parts.append(f"{result['score']:.1%} of {result['digits']} digits")
        parts.append(f"{result['exact']} of {result['pictures']} exact")
    if result["pages_without"]:
        parts.append(f"{result['false_digits']:.1f} false digits a page on {result['pages_without']} without any")
    if result["numbers"]:
        parts.append(f"{result['numbers_right']} of {result['numbers']} numbers right")
    return ", ".join(parts) or "nothing to measure"


def check(labels: dict[str, dict], folder: Path) -> None:
    """Raise UserError where a label says something in another form than score_photos needs it in."""
    for name, label in labels.items():
        for key in FORMS.keys() & label.keys():
            value, example = label[key], json.loads(FORMS[key])
            if type(value) is not type(example) or (key == "numbers" and not all(isinstance(n, str) for n in value)):
                where = folder / "labels.json"
                raise UserError(f"{where}: {key} of {name} is {value!r}: write it as {FORMS[key]}")


def _compare(name: str, label: dict, text: str | None) -> dict:
    """Return the record of one photo: what was wanted, what was read, and how far apart they are."""
    wanted, read = only_digits(label["digits"]), only_digits(text or "")
    if "SCATTERED" in label.get("note", ""):
        wanted, read = "".join(sorted(wanted)), "".join(sorted(read))
    record = {"photo": name, "digits": wanted, "read": read, "edit_distance": edit_distance(wanted, read)}
    record["used"] = text is not None
    if "numbers" in label:
        right = Counter(label["numbers"]) & Counter((text or "").split())
        record |= {"numbers": len(label["numbers"]), "numbers_right": right.total()}
    return record
