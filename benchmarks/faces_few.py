"""Measure the cnn that train.py makes of few ordinary photos: six people, five photos each, and strangers.

    python benchmarks/faces_few.py                      # three draws of six people: some ten minutes on two cores
    python benchmarks/faces_few.py --draws 1            # one of them
    python benchmarks/faces_few.py --half development   # the people to choose settings on; never the other half

Uses data/lfw. Its people fall into two halves by the hash of their names; six with more than five photos are drawn from
a half, five photos of each are trained on, the others are probes, and one photo of everybody else of that half is a
stranger's. SFace has the same photos, in the same run; its limits were chosen on half of these people, whichever half
is taken here. What train.py foresaw stands beside what happened.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import faces
import measuring
import numpy as np
from measuring import percent

from recognition import settings
from recognition.models import cards

PEOPLE, PHOTOS = 6, 5  # of each of so many people so many photos are trained on


@dataclass
class Config:
    half: Literal["held out", "development"] = "held out"  # of LFW's people: one to report on, one to choose on
    draws: tuple[int, ...] = (0, 1, 2)  # galleries of six people, by their numbers
    architecture: Literal["faces", "embedding"] = "faces"  # what train.py trains


def half_of(name: str) -> str:
    """Return the half that a person of LFW belongs to."""
    return "held out" if hashlib.sha256(name.encode()).digest()[0] % 2 else "development"


def drawn(half: str, draw: int, folder: Path) -> tuple[Path, Path]:
    """Return folders with the photos of a draw: of the people to train on, and the probes, strangers among them."""
    rng = np.random.default_rng(draw)
    names = [path.name for path in sorted(faces.LFW.iterdir()) if half_of(path.name) == half]
    photos = {name: sorted((faces.LFW / name).glob("*.jpg")) for name in names}
    many = [name for name, paths in photos.items() if len(paths) > PHOTOS]
    chosen = [many[k] for k in rng.choice(len(many), PEOPLE, replace=False)]
    own = {name: [photos[name][k] for k in rng.permutation(len(photos[name]))] for name in chosen}
    enrolled = [(name, path) for name in chosen for path in own[name][:PHOTOS]]
    probes = [(name, path) for name in chosen for path in own[name][PHOTOS:]]
    probes += [(name, paths[0]) for name, paths in photos.items() if name not in chosen]
    return faces.copy_photos(iter(enrolled), folder / "people"), faces.copy_photos(iter(probes), folder / "probes")


def trained(people: Path, folder: Path, architecture: str) -> tuple[dict, float]:
    """Return the card of a network that train.py made of those people, and the seconds that took."""
    start = time.perf_counter()
    train = [sys.executable, faces.ROOT / "face_recognition" / "train.py", "--faces", people, "--name", faces.CNN]
    train += ["--architecture", architecture, "--output", folder]
    subprocess.run(list(map(str, train)), check=True, stdout=subprocess.DEVNULL)
    return cards.read_card(faces.CNN, folder), time.perf_counter() - start


def main(config: Config) -> None:
    if not faces.LFW.exists():
        raise settings.UserError(f"{faces.LFW} not found: put LFW's people there")
    kinds, foreseen, seconds = {"cnn": [], "sface": []}, [], []
    for draw in config.draws:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            people, probes = drawn(config.half, draw, folder)
            card, took = trained(people, folder, config.architecture)
            foreseen.append(card["measured"])
            seconds.append(took)
            for kind, scores in kinds.items():
                model = ("--model", str(folder / faces.CNN)) if kind == "cnn" else ()
                scores.append(faces.script("evaluate.py", probes, "--faces", people, "--recognizer", kind, *model))
            settings.say(f"draw {draw}: {took:.0f} s; foreseen {card['measured']}; {text([kinds['cnn'][-1]])}")
    before = f"train.py foresaw {saw('found', 'photos', foreseen)} found, "
    before += f"{saw('strangers_named', 'stranger_photos', foreseen)} of strangers named"
    claim = f"{PEOPLE} people, {PHOTOS} ordinary photos each; {len(config.draws)} draws, {config.half}"
    photos, strangers = (sum(score[key] for score in kinds["cnn"]) for key in ("photos", "stranger_photos"))
    claim += f": {photos} other photos of them, {strangers} strangers"
    measured = f"cnn {text(kinds['cnn'])}; {before}; trained in {np.median(seconds):.0f} s"
    measuring.print_table([(claim, f"sface {text(kinds['sface'])}", "", measured)], faces.versions())


def text(scores: list[dict]) -> str:
    """Return the shares of all draws together, and how they differ from draw to draw."""
    shares = {}
    for key in ("nearest", "found", "mistaken", "strangers_named"):
        counts = [score["stranger_photos" if key == "strangers_named" else "photos"] for score in scores]
        single = [score[key] for score in scores]
        shares[key] = f"{percent(np.average(single, weights=counts))} ({min(single):.1%} to {max(single):.1%})"
    return (
        f"{shares['nearest']} nearest to the right person, {shares['found']} found, {shares['mistaken']} taken for "
        f"somebody else; {shares['strangers_named']} of strangers named"
    )


def saw(key: str, total: str, foreseen: list[dict]) -> str:
    """Return the share that train.py foresaw, of all draws together."""
    return percent(sum(measured[key] for measured in foreseen) / sum(measured[total] for measured in foreseen))


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
