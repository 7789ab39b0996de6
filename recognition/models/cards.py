"""The card of a model, NAME.json: what it is, how good, and the SHA-256 of its other two files."""

import contextlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from recognition.files import ROOT, is_text, read_json, write_atomically
from recognition.settings import UserError

MODELS = ROOT / "models"
ENDINGS = (".weights.h5", ".tflite", ".json")  # of the files of a model


def check_name(name: str) -> None:
    """Raise UserError for a model's name that would lead out of its folder, or that no file can have."""
    if not re.fullmatch(r"\w[\w .-]*", name) or name.endswith(ENDINGS) or len(name.encode()) > 150:
        allowed = (
            f"letters, digits, '-', '_' and '.', without a folder, {', '.join(ENDINGS)} at its end, or great length"
        )
        raise UserError(f"model name '{name[:50]}': must be {allowed}", 2)


def locate(model: str, folder: Path = MODELS) -> tuple[str, Path]:
    """Return name and folder of a model: `model` is its name in `folder`, or the path of it or of one of its files."""
    path = Path(model).expanduser()
    name = path.name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    named = "/" in model or os.sep in model or (name != path.name and path.exists())
    return name, path.parent if named else folder


def card_path(model: str, folder: Path = MODELS) -> Path:
    """Return the path of a model's card, there or not; `model` as for `locate`. Raises UserError for no name."""
    name, folder = locate(model, folder)
    check_name(name)
    return folder / f"{name}.json"


def read_card(model: str, folder: Path = MODELS) -> dict:
    """Return the card of a model, `model` as for `locate`. Raises UserError where it is missing or damaged."""
    path = card_path(model, folder)
    complete(path.stem, path.parent)
    try:
        card = read_json(path)
        _check(card)
    except FileNotFoundError:
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json")))
        hint = f"there are {there}" if there else "train the model, or git checkout models"
        raise UserError(f"{path} not found: {hint}") from None
    except ValueError as error:  # no JSON, or JSON of another kind
        raise UserError(f"{path} is damaged ({error}): train the model again, or git checkout models") from error
    return card


def _check(card: object) -> None:
    """Raise ValueError for a card that lacks something, or has it in another form; it may come from anywhere."""
    if not isinstance(card, dict):
        raise ValueError("no card")
    for key, fits in FORMS.items():
        if key in card and not fits(card[key]):
            raise ValueError(f"{key} is {str(card[key])[:50]!r}")
        if key in NEEDED and key not in card:
            raise ValueError(f"without {key}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and is_text(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e15


def _are(fits: Callable[[object], bool], value: object, least: int = 0) -> bool:
    return isinstance(value, list) and len(value) >= least and all(map(fits, value))


def _has(value: object, **forms: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(key in value and fits(value[key]) for key, fits in forms.items())


NEEDED = ("architecture", "class_names", "threshold", "sha256")
FORMS: dict[str, Callable[[object], bool]] = {  # of what is in cards, and read
    "architecture": _is_text,
    "class_names": lambda names: _are(_is_text, names, 1) and len(set(names)) == len(names),
    "threshold": lambda value: _is_number(value) and 0 <= value <= 1,
    "sha256": lambda found: _has(found, **{"weights.h5": _is_text, "tflite": _is_text}),
    "script": lambda name: _is_text(name) and name.isprintable(),  # it is told
    "measured": lambda found: isinstance(found, dict),
    "dataset": lambda found: _has(found) and _are(_is_text, found.get("hashes", [])),
    "settings": lambda found: isinstance(found, dict),
    "seconds": _is_number,
    "start": lambda found: _has(found) and _is_number(found.get("seconds", 0)),
    "backbone": lambda found: _has(found, name=_is_text, sha256=_is_text, size=_is_number, version=_is_number),
    "shape": lambda found: _has(found) and all(_is_number(one) and one <= 1_000_000 for one in found.values()),
    "words": lambda found: _has(found) and all(_are(_is_text, words) for words in found.values()),
    "near": lambda found: _has(found, middle=_is_number, width=lambda width: _is_number(width) and width > 0),
    "line": lambda found: _are(_is_number, found),
    "calibration": lambda found: _are(_is_number, found, 2) and len(found) == 2,
}


def complete(name: str, folder: Path) -> None:
    """Move the files of a model that was finished into place, if a program was killed in the middle of that."""
    finished = folder / f".{name}.finished"
    if not finished.exists():
        return
    for path in finished.iterdir():
        with contextlib.suppress(OSError):  # another program does the same, or the folder cannot be written
            os.replace(path, folder / path.name)
    with contextlib.suppress(OSError):
        finished.rmdir()


def write_card(card: dict, name: str, folder: Path = MODELS) -> None:
    """Write a model's card, indented so that a person can read it; a list of numbers takes one line."""
    text = json.dumps(card, indent=2) + "\n"
    text = re.sub(r"\[\n[-+.\de,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    check_name(name)
    write_atomically(folder / f"{name}.json", lambda path: path.write_text(text, encoding="utf-8"))
