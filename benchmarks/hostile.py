"""Measure what hostile files, kills and a full disk do to the scripts.

    python benchmarks/hostile.py                    # all rows of the table in docs/measured.md, an hour
    python benchmarks/hostile.py --only pictures    # one row: pictures, trainings, data, kills, disk, air, connections
    python benchmarks/hostile.py --count 50         # fewer pictures, and fewer of all else

Makes the files itself, the same for the same seed, in a temporary folder. What goes wrong is told on stderr as it is
found. Unix only; the rows of the disk and of connections need rights (to mount, to make a network namespace), and are
skipped by name without them.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import hostile_files
import hostile_kills
import hostile_live
import measuring
from hostile_runs import FILMS, PEOPLE, PHOTOS, Found, Place, judge, tiny_training, watch

from recognition import settings
from recognition.files import ROOT


@dataclass
class Config:
    only: str | None = None  # one row: pictures, trainings, data, kills, disk, air, connections
    count: int = 620  # damaged pictures; the other files are fewer in proportion
    kills: int = 150  # programs to kill
    minutes: float = 5.0  # that writing in the air is watched at each rate
    seed: int = 0  # of the files


def pictures(config: Config, place: Place) -> list[measuring.Row]:
    """Give damaged pictures to every script that takes pictures, with and without --json."""
    found, folder = Found(), place.folder / "pictures"
    count, good = hostile_files.save_pictures(folder, config.count, config.seed)
    run = partial(watch, folder=place.folder, limit=120 + 2 * count)
    for name, words in PHOTOS.items():
        for extra in ([], ["--json"]):
            done = run([*place.command(words), str(folder), "--no-show", *extra])
            judge(found, f"{name} {extra}", done, good)
            found.files += count
    each = place.folder / "each"
    hostile_files.deal(folder, each / "airplane", each / "ship")
    extra, crowd = place.folder / "extra", place.folder / "crowd"
    hostile_files.deal(folder, extra / "0", extra / "1")
    shutil.copytree(PEOPLE, crowd)
    hostile_files.deal(folder, crowd / "Airplane", crowd / "Ship")
    kept = ["--output", str(place.folder / "features")]
    output = ["--output", str(place.folder / "out")]
    others = {
        "enroll": ["face_recognition/enroll.py", "Ada", str(folder), "--faces", str(place.folder / "new")],
        "library": ["face_recognition/library.py", "add", str(folder), "--library", str(place.folder / "l.sqlite")],
        "features": ["cifar_recognition/extract_features.py", str(each), "--backbone", "cifar10", *kept],
        "evaluate": ["cifar_recognition/evaluate.py", str(each), "--model", "cifar10", *output],
        "evaluate faces": ["face_recognition/evaluate.py", str(crowd), "--faces", "PEOPLE", *output],
        "evaluate digits": ["digit_recognition/evaluate.py", str(extra), *output],
    }
    for name, words in others.items():
        judge(found, name, run(place.command(words)), [])
        found.files += count
    for path in sorted(folder.iterdir())[::10]:
        command = place.command(["face_recognition/verify.py", path, PEOPLE / "Ada" / "1.jpg"])
        judge(found, f"verify {path.name}", run(command), [])
        found.files += 1
    films = hostile_files.save_films(place.folder / "films", max(3, config.count // 25), config.seed)
    for words in FILMS:
        for film in films:
            judge(
                found,
                f"{words} {film.name}",
                watch([*place.command(words.split()), str(film), "--json"], place.folder, 60),
                [],
            )
        found.files += len(films)
    return rows(found, "pictures and films")


def trainings(config: Config, place: Place) -> list[measuring.Row]:
    """Train on good pictures, for TensorFlow takes about a gigabyte for itself, and on them and damaged ones."""
    found, folder, alone = Found(), place.folder / "trainings", 0.0
    count, _ = hostile_files.save_pictures(folder / "all", config.count, config.seed)
    extra, crowd, output = folder / "extra", folder / "crowd", ["--output", str(folder / "out")]
    hostile_files.deal(folder / "all", extra / "0", extra / "1")
    shutil.copytree(PEOPLE, crowd)
    run = partial(watch, folder=place.folder, limit=120 + 2 * count)
    digits = [*tiny_training(place.folder), *output]
    faces = ["face_recognition/train.py", "--faces", str(crowd), "--epochs", "1", "--views", "64", *output]
    for words in (digits, faces):
        alone = max(alone, run(place.command(words))[3])
    hostile_files.deal(folder / "all", crowd / "Airplane", crowd / "Ship")
    for name, words in {"train digits": [*digits, "--extra", str(extra)], "train faces": faces}.items():
        judge(found, name, run(place.command(words)), [])
        found.files += count
    return rows(found, "pictures to train on", f"good ones alone: {alone:.0f} MB")


def data(config: Config, place: Place) -> list[measuring.Row]:
    """Give damaged models, archives, strokes, labels and databases to the scripts that read them."""
    found, share = Found(), config.count / 620
    good = ROOT / "data" / "samples" / "digits" / "chalkboard.jpg"
    for name, script in (("pages", "digit_recognition/predict_static.py"), ("cifar10", PHOTOS["objects"][0])):
        cards = hostile_files.save_models(place.folder / "models", name, config.seed, max(5, round(60 * share)))
        for k, card in enumerate(cards):
            command = [*place.command([script]), str(good), "--no-show", "--model", str(card), *["--json"][: k % 2]]
            judge(found, f"{name} model {k}", watch(command, place.folder, 120), [])
        found.files += len(cards)
    for path in hostile_files.save_data(place.folder / "data", config.seed):
        command = [*place.command(["digit_recognition/evaluate.py"]), str(path)]
        judge(found, f"data {path.name}", watch(command, place.folder, 120), [])
        found.files += 1
    for k, bomb in enumerate(hostile_files.hdf5_bombs().values()):
        path = place.folder / f"features-{k}.h5"
        path.write_bytes(bomb)
        command = place.command(["cifar_recognition/train_transfer.py", path.stem, "--features", path.parent])
        judge(found, f"features {k}", watch(command, place.folder, 120), [])
        found.files += 1
    for k, folder in enumerate(
        hostile_files.save_databases(place.folder / "bases", place.people, config.seed, max(10, round(50 * share)))
    ):
        command = [*place.command(["face_recognition/people.py"]), "list", "--faces", str(folder), *["--json"][: k % 2]]
        judge(found, f"database {k}", watch(command, place.folder, 120), sorted(os.listdir(PEOPLE)))
        found.files += 1
    return rows(found, "models, archives, strokes, labels, databases")


def rows(found: Found, what: str, yardstick: str = "") -> list[measuring.Row]:
    claim = f"{found.files:,} times a hostile file and a script ({what}): "
    claim += "crashes by signal / tracebacks / hangs / good inputs lost"
    measured = f"{found.crashes} / {found.tracebacks} / {found.hangs} / {found.lost}"
    cost = f"{found.memory:.0f} MB; {found.seconds:.1f} s"
    return [
        (claim, "", "0 / 0 / 0 / 0", measured),
        (f"largest memory; longest time without a line ({what})", yardstick, "≤ 1 GB; ≤ 20 s", cost),
    ]


ROWS = {
    "pictures": pictures,
    "trainings": trainings,
    "data": data,
    "kills": hostile_kills.kills,
    "disk": hostile_kills.disk,
    "air": hostile_live.air,
    "connections": hostile_live.connections,
}


def main(config: Config) -> int:
    if config.only and config.only not in ROWS:
        raise settings.UserError(f"--only {config.only}: must be one of {', '.join(ROWS)}", 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ |= {"PYTHONPATH": str(ROOT)}
    os.environ.pop("DISPLAY", None)
    table: list[measuring.Row] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), Path(folder) / "people")
        subprocess.run(
            place.command(["face_recognition/enroll.py", "--each", str(PEOPLE), "--faces", str(place.people)]),
            check=True, capture_output=True,
        )  # fmt: skip
        for name, row in ROWS.items():
            if config.only in (None, name):
                table += row(config, place)
                print(json.dumps(table), file=sys.stderr)

    from recognition.training import finish

    measuring.print_table(table, finish.versions())
    return 0


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
