"""Weights that others published, converted once on this computer into a file that LiteRT runs, in data/models.

A card beside it keeps the hash of the weights, so that other numbers under the same name are noticed. What a killed
program left is cleared by the next one; of programs that start together one converts, and the others wait for it.
"""

import json
from collections.abc import Callable
from pathlib import Path

from recognition.files import PUBLISHED, alone, hash_of, sha256, write_atomically
from recognition.models.store import export
from recognition.settings import UserError, say

KINDS = {"sha256": str, "tflite": str, "stamp": list}  # of what every card keeps


def read(name: str, kept: dict[str, object], folder: Path = PUBLISHED) -> tuple[dict, bytes] | None:
    """Return the card of a conversion and its .tflite file; None where there is none, or it is damaged.

    `kept`: what else is in the card, each entry's type, or the value that it must have.
    """
    card, tflite = _read_card(folder / f"{name}.json", kept), folder / f"{name}.tflite"
    content = tflite.read_bytes() if card and tflite.exists() else b""
    return (card, content) if card and sha256(content) == card["tflite"] else None


def convert(
    weights: Path,
    name: str,
    build: Callable[[Path], tuple[object, dict]],
    kept: dict[str, object],
    title: str,
    cost: str,
    folder: Path = PUBLISHED,
    rounded: bool = False,
) -> tuple[dict, bytes]:
    """Return card and content of folder/NAME.tflite, after converting a file of weights to it, unless that was done.

    `build` makes a Keras model and what the card keeps of it, see `read`; `title` is what the network is called, `cost`
    what converting takes. Raises UserError for a file that is not what it was when first used.
    """
    card_path, tflite = folder / f"{name}.json", folder / f"{name}.tflite"
    first = _read_card(card_path, kept)
    if weights.exists():
        _compare(weights, first, card_path)
    if done := read(name, kept, folder):
        return done
    if not weights.exists():
        raise UserError(f"{weights} not found: --weights names an .h5 file of {title}")
    model, told = build(weights)
    digest = hash_of(weights)
    say(f"{weights}: {title}, SHA-256 {digest}")
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / f".{name}.lock"):
        if done := read(name, kept, folder):  # by another program, meanwhile
            _compare(weights, done[0], card_path)
            return done
        for left in folder.glob(f".{name}.*.*"):
            left.unlink()
        say(f"converting it once, which takes {cost}")
        content = export(model, rounded)
        write_atomically(tflite, lambda path: path.write_bytes(content))
        card = {"sha256": digest, "stamp": _stamp(weights), "tflite": sha256(content)} | told
        write_atomically(card_path, lambda path: path.write_text(json.dumps(card, indent=2), encoding="utf-8"))
    return card, content


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


def _read_card(path: Path, kept: dict[str, object]) -> dict:
    """Return what was kept of the weights used first, or nothing, which makes it anew."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        wanted = (KINDS | kept).items()
        whole = all(isinstance(card[key], one) if isinstance(one, type) else card[key] == one for key, one in wanted)
        return card if whole else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
