"""The card of a model, NAME.json: what it is, how good, and the SHA-256 of its other two files."""

import contextlib
import json
import os
import re
from pathlib import Path

from recognition.files import ROOT, write_atomically
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
        card = json.loads(path.read_text(encoding="utf-8"))
        _check(card)
    except FileNotFoundError:
        there = ", ".join(sorted(other.stem for other in path.parent.glob("*.json")))
        hint = f"there are {there}" if there else "train the model, or git checkout models"
        raise UserError(f"{path} not found: {hint}") from None
    except ValueError as error:  # no JSON, or JSON of another kind
        raise UserError(f"{path} is damaged ({error}): train the model again, or git checkout models") from error
    return card


def _check(card: object) -> None:
    """Raise ValueError for a card that lacks something, or has it in another form."""
    if not isinstance(card, dict):
        raise ValueError("no card")
    forms = {"architecture": str, "class_names": list, "threshold": int | float, "sha256": dict}
    forms |= {key: dict for key in ("measured", "dataset", "near", "words") if key in card}
    for key, form in forms.items():
        if not isinstance(card.get(key), form):
            raise ValueError(f"without {key}" if key not in card else f"{key} is {card[key]!r}")
    if not 0 <= card["threshold"] <= 1:
        raise ValueError(f"threshold is {card['threshold']}")
    if not {"weights.h5", "tflite"} <= card["sha256"].keys():
        raise ValueError("without the hashes of its files")


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
