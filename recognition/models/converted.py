"""Weights that others published, converted once on this computer into a file that LiteRT runs, in data/models.

A card beside it keeps the hash of the weights, so that other numbers under the same name are noticed.
"""

import json
from collections.abc import Callable
from pathlib import Path

from recognition.files import ROOT, alone, hash_of, write_atomically
from recognition.models.store import export
from recognition.settings import UserError, say

FOLDER = ROOT / "data" / "models"
KINDS = {"sha256": str, "tflite": str, "stamp": list}  # of what every card keeps


def converted(name: str, kept: dict[str, type], folder: Path = FOLDER) -> dict:
    """Return the card of a conversion, {} unless the .tflite beside it is whole; `kept`: what else is in the card."""
    card, tflite = _read_card(folder / f"{name}.json", kept), folder / f"{name}.tflite"
    return card if card and tflite.exists() and hash_of(tflite) == card["tflite"] else {}


def convert(
    weights: Path,
    name: str,
    build: Callable[[Path], tuple[object, dict]],
    kept: dict[str, type],
    title: str,
    cost: str,
    folder: Path = FOLDER,
    rounded: bool = False,
) -> dict:
    """Return the card of folder/NAME.tflite, after converting an .h5 file of weights to it, unless that was done.

    `build` makes a Keras model and what the card keeps of it, of the types `kept`; `title` is what the network is
    called, `cost` what converting takes. Raises UserError for a file that is not what it was when first used.
    """
    card_path, tflite = folder / f"{name}.json", folder / f"{name}.tflite"
    first = _read_card(card_path, kept)
    if weights.exists():
        _compare(weights, first, card_path)
    if card := converted(name, kept, folder):
        return card
    if not weights.exists():
        raise UserError(f"{weights} not found: --weights names an .h5 file of {title}")
    model, told = build(weights)
    sha256 = hash_of(weights)
    say(f"{weights}: {title}, SHA-256 {sha256}")
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / f".{name}.lock"):
        if card := converted(name, kept, folder):  # by another program, meanwhile
            _compare(weights, card, card_path)
            return card
        say(f"converting it once, which takes {cost}")
        content = export(model, rounded)
        write_atomically(tflite, lambda path: path.write_bytes(content))
        card = {"sha256": sha256, "stamp": _stamp(weights), "tflite": hash_of(tflite)} | told
        write_atomically(card_path, lambda path: path.write_text(json.dumps(card, indent=2), encoding="utf-8"))
    return card


def _compare(weights: Path, card: dict, card_path: Path) -> None:
    """Raise UserError where a file is not what it was when it was first used; hash it only if it was touched since."""
    if not card or card["stamp"] == _stamp(weights):
        return
    if hash_of(weights) != card["sha256"]:
        raise UserError(
            f"{weights} is not the file first used (its SHA-256 was {card['sha256']}): "
            f"if you replaced it yourself, delete {card_path}"
        )


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _read_card(path: Path, kept: dict[str, type]) -> dict:
    """Return what was kept of the weights used first, or nothing, which makes it anew."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        return card if all(isinstance(card[key], kind) for key, kind in (KINDS | kept).items()) else {}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}
