"""Weights that others published, converted once on this computer into a file that LiteRT runs, in data/models.

A card beside it keeps the hash of the weights, so that other numbers under the same name are noticed. What a killed
program left is cleared by the next one; of programs that start together one converts, and the others wait for it.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from recognition.files import PUBLISHED, ROOT, alone, hash_of, read_bytes, read_json, sha256, write_atomically
from recognition.models.store import export
from recognition.settings import UserError, say

KINDS = {"sha256": str, "tflite": str, "stamp": list}  # of what every card keeps
LIMIT = 180  # seconds, after which something must be wrong


def read(name: str, kept: dict[str, object], folder: Path = PUBLISHED) -> tuple[dict, bytes] | None:
    """Return the card of a conversion and its .tflite file; None where there is none, or it is damaged.

    `kept`: what else is in the card, each entry's type, or the value that it must have.
    """
    card, tflite = _read_card(folder / f"{name}.json", kept), folder / f"{name}.tflite"
    content = read_bytes(tflite) if card and tflite.exists() else b""
    return (card, content) if card and sha256(content) == card["tflite"] else None


def fetch(
    name: str, kept: dict[str, object], folder: Path, module: str, find: Callable[[], Path], title: str, cost: str
) -> bytes:
    """Return a conversion as the bytes of a .tflite file, converted now if it was not; UserError if that cannot be.

    `name`, `kept`, `folder`: see `read`. `module`: whose function `convert`, given the file of the weights and the
    folder, writes it, in a program of its own: TensorFlow would stay in memory for as long as the caller runs. `find`:
    returns that file, checked. `title`: what the network is called, `cost` what converting takes.
    """
    found = read(name, kept, folder)
    if found is None:
        source = find()
        missing = [needed for needed in ("tensorflow", "keras") if importlib.util.find_spec(needed) is None]
        if missing:
            raise UserError(f"{title} can only be made fast by {missing[0]}: pip install {missing[0]}")
        say(f"converting {title}, once on this computer (this takes about {cost})")
        _start(module, source, folder, title)
        found = read(name, kept, folder)
    if found is None:
        raise UserError(f"{title} was converted but cannot be read back: delete {folder / name}.*")
    return found[1]


def program(module: str) -> str:
    """Return the Python program that converts, given the file of the weights and the folder."""
    return f"import sys; import {module} as conversion; conversion.convert(*map(conversion.Path, sys.argv[1:]))"


def _start(module: str, source: Path, folder: Path, title: str) -> None:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    try:
        # -P: whatever lies where the user happens to be is not imported
        subprocess.run(
            [sys.executable, "-P", "-c", program(module), str(source), str(folder)],
            env=os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1", "CUDA_VISIBLE_DEVICES": ""},  # no need of a GPU
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=LIMIT,
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise UserError(f"{title} was not converted ({reason})") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{title} was not converted within {LIMIT} seconds") from None


def convert(
    weights: Path,
    name: str,
    build: Callable[[Path], tuple[object, dict]],
    kept: dict[str, object],
    title: str,
    cost: str,
    folder: Path = PUBLISHED,
    bits: int = 32,
) -> tuple[dict, bytes]:
    """Return card and content of folder/NAME.tflite, after converting a file of weights to it, unless that was done.

    `build` makes a Keras model and what the card keeps of it, see `read`; `title` is what the network is called, `cost`
    what converting takes; `bits`: see store.export. Raises UserError for a file that is not what it was when first
    used.
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
        content = export(model, bits)
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
        card = read_json(path)
        wanted = (KINDS | kept).items()
        whole = all(isinstance(card[key], one) if isinstance(one, type) else card[key] == one for key, one in wanted)
        return card if whole else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
