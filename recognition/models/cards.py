"""The card of a model, NAME.json: what it is, how good, and the SHA-256 of its other two files."""

import contextlib
import json
import os
import re
from pathlib import Path

from recognition.files import ROOT, write_atomically
from recognition.settings import UserError

MODELS = ROOT / "models"


def check_name(name: str) -> None:
    """Raise UserError for a model's name that would lead out of its folder, or that no file can have."""
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise UserError(f"model name '{name}': must be letters, digits, '-', '_' and '.', without a folder", 2)


def locate(model: str, folder: Path = MODELS) -> tuple[str, Path]:
    """Return name and folder of a model: `model` is its name in `folder`, or the path of it or of one of its files."""
    path = Path(model).expanduser()
    name = path.name
    for suffix in (".weights.h5", ".tflite", ".json"):
        name = name.removesuffix(suffix)
    return name, folder if len(path.parts) < 2 else path.parent


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
        missing = {"architecture", "class_names", "threshold", "sha256"} - card.keys()
        missing |= {"weights.h5", "tflite"} - card.get("sha256", {}).keys()
        if missing:
            raise ValueError("without " + ", ".join(sorted(missing)))
    except FileNotFoundError:
        raise UserError(f"{path} not found: train the model, or git checkout models") from None
    except (ValueError, AttributeError) as error:  # no JSON, or JSON of another kind
        raise UserError(f"{path} is damaged ({error}): train the model again, or git checkout models") from error
    return card


def complete(name: str, folder: Path) -> None:
    """Move the files of a model that was finished into place, if a program was killed in the middle of that."""
    finished = folder / f".{name}.finished"
    if not finished.exists():
        return
    for path in finished.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another program does the same
            os.replace(path, folder / path.name)
    with contextlib.suppress(OSError):
        finished.rmdir()


def write_card(card: dict, name: str, folder: Path = MODELS) -> None:
    """Write a model's card, indented so that a person can read it; a list of numbers takes one line."""
    text = json.dumps(card, indent=2) + "\n"
    text = re.sub(r"\[\n[-+.\de,\s]+\]", lambda numbers: " ".join(numbers[0].split()), text)
    check_name(name)
    write_atomically(folder / f"{name}.json", lambda path: path.write_text(text, encoding="utf-8"))
