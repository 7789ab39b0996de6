"""What kills and a full disk do to the scripts: rows of the table of benchmarks/hostile.py."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import cv2
import hostile_files
import measuring
from hostile_runs import FRUIT, PEOPLE, Found, Place, judge, tiny_training, watch

from recognition import settings
from recognition.files import ROOT
from recognition.models import store

LITTLE = 10_000  # bytes of a film that has hardly begun


def kills(config, place: Place) -> list[measuring.Row]:
    """Kill programs that write, at any moment; then what they wrote has to be whole, and they have to start again."""
    rng, damaged, lost, done = random.Random(config.seed), [], 0, 0
    photos = sorted(PEOPLE.rglob("*.jpg"))
    people, film = place.folder / "killed", place.folder / "film.mp4"
    save_film(film)
    shutil.copytree(place.people, people)
    before = len([*people.rglob("*.jpg")])
    features = ["cifar_recognition/extract_features.py", str(FRUIT), "--backbone", "cifar10", "--name", "killed"]
    kinds = {  # seconds within which it is killed, share of all kills
        "enroll": (["face_recognition/enroll.py", "--each", str(PEOPLE), "--force", "--faces", str(people)], 4.0, 40),
        "rename": (["face_recognition/people.py", "rename", "A", "B", "--faces", str(people)], 1.5, 30),
        "forget": (["face_recognition/people.py", "forget", "Extra", "--yes", "--faces", str(people)], 1.5, 30),
        "features": (features, 2.5, 20),
        "record": (["digit_recognition/video.py", str(film), "--output", str(place.folder / "made.mp4")], 6.0, 20),
        "training": ([*tiny_training(place.folder), "--output", str(place.folder / "out")], 25.0, 10),
    }
    names = sorted(os.listdir(PEOPLE))
    for kind, (words, within, share) in kinds.items():
        for _ in range(round(share * config.kills / 150)):
            if kind == "rename":
                there = names[0] if (people / names[0]).is_dir() else "Other"
                words[2:4] = [there, "Other" if there == names[0] else names[0]]
            if kind == "forget":
                (people / "Extra").mkdir(exist_ok=True)
                shutil.copy(photos[0], people / "Extra" / "1.jpg")
            pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
            with subprocess.Popen(place.command(words), cwd=place.folder, **pipes) as process:
                time.sleep(within * rng.random())
                os.killpg(process.pid, 9) if process.poll() is None else None
            done += 1
            wrong = look(kind, place, people)
            damaged += wrong
            now = len(
                [
                    path
                    for path in people.rglob("*.jpg")
                    if path.parent.name != "Extra" and not path.name.startswith(".")
                ]
            )
            lost += max(0, before - now)
            for one in wrong:
                settings.say(f"after a kill of {kind}: {one}")
            shutil.rmtree(people / "Extra", ignore_errors=True) if kind != "forget" else None
    again = [
        kind
        for kind, (words, _, _) in kinds.items()
        if kind != "rename"
        and kind != "forget"
        and subprocess.run(place.command(words), cwd=place.folder, capture_output=True).returncode
    ]
    for kind in again:
        settings.say(f"{kind} does not start again")
    unplayable = sum("film" in one for one in damaged)
    for left in (ROOT / "data" / "features").glob("*killed*"):
        left.unlink()
    claim = f"{done} kills ({', '.join(kinds)}): damaged files / lost photos / recordings that cannot be played / "
    measured = f"{len(damaged) - unplayable} / {lost} / {unplayable} / {len(again)}"
    return [(claim + "programs that do not start again", "", "0 / 0 / 0 / 0", measured)]


def look(kind: str, place: Place, people: Path) -> list[str]:
    """Return what is damaged after a kill."""
    wrong = []
    if kind in ("enroll", "rename", "forget"):
        done = watch(
            [*place.command(["face_recognition/people.py"]), "list", "--json", "--faces", str(people)], place.folder, 60
        )
        if done[0] or "damaged" in done[2]:
            wrong.append(done[2][-200:])
        wrong += [
            str(path)
            for path in people.rglob("*.jpg")
            if not path.name.startswith(".") and cv2.imread(str(path)) is None
        ]
    if kind == "record":
        for path in [one for one in place.folder.iterdir() if "made" in one.name]:  # finished, or what was left
            if path.stat().st_size > LITTLE and not cv2.VideoCapture(str(path)).read()[0]:
                wrong.append(f"film {path.name} cannot be played ({path.stat().st_size} bytes)")
            path.unlink()
    if kind == "training":
        for card in (place.folder / "out").glob("digits.json"):
            try:
                store.load("digits", card.parent)
            except settings.UserError as error:
                wrong.append(str(error))
    return wrong


def save_film(path: Path) -> None:
    rng = random.Random(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (640, 480))
    for _ in range(200):
        writer.write(cv2.resize(hostile_files.picture(rng), (640, 480)))
    writer.release()


def disk(config, place: Place) -> list[measuring.Row]:
    """Have every script that writes write to a disk of one megabyte that is nearly full."""
    small = place.folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True).returncode:
        return [("full disk at every script that writes", "", "0", "skipped: no right to mount a disk")]
    found, film = Found(), place.folder / "long.mp4"
    save_film(film)
    samples = ROOT / "data" / "samples"
    digits, faces = "digit_recognition/predict_static.py", "face_recognition/predict_static.py"
    writers = {
        "pictures": [digits, samples / "digits", "--no-show", "--output", small / "o"],
        "table": [digits, samples / "digits" / "sums.jpg", "--json", "--csv", small / "a.csv"],
        "film": ["digit_recognition/video.py", film, "--output", small / "a.mp4"],
        "enroll": ["face_recognition/enroll.py", "--each", PEOPLE, "--faces", small / "people"],
        "library": ["face_recognition/library.py", "add", PEOPLE, "--library", small / "l.sqlite"],
        "crops": [faces, samples / "party.jpg", "--no-show", "--faces", "PEOPLE", "--crops", small / "c"],
        "training": [*tiny_training(place.folder), "--output", small],
    }
    false = 0
    try:
        for room in (0, 4, 40, 300):
            for name, words in writers.items():
                for left in small.iterdir():
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
                with open(small / "filler", "wb") as file:
                    file.write(bytes(1024 * (1024 - room)))
                done = watch(place.command(words), place.folder, 240)
                judge(found, f"{name} with {room} KB", done, [], refusal="cannot be written")
                false += done[0] == 0 and room == 0
                found.files += 1
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
    measured = f"{found.crashes} / {found.tracebacks} / {found.hangs} / {false}"
    claim = f"full disk, {found.files} runs of scripts that write: crashes / tracebacks / hangs / said to be done"
    return [(claim, "", "0 / 0 / 0 / 0", measured)]
