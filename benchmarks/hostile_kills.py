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
from recognition.objects import features
from recognition.synthetic.portraits import write_people

LITTLE = 10_000  # bytes of a film that has hardly begun


def kills(config, place: Place) -> list[measuring.Row]:
    """Kill programs that write, at any moment; then what they wrote has to be whole, and they have to start again."""
    rng, damaged, lost, done, enrolled = random.Random(config.seed), [], 0, 0, 0
    photos = sorted(PEOPLE.rglob("*.jpg"))
    people, new, film = place.folder / "killed", place.folder / "new", place.folder / "film.mp4"
    crowd, made = place.folder / "crowd", place.folder / "features"
    save_film(film)
    write_people(crowd, 24, 1)
    shutil.copytree(place.people, people)
    there = count_photos(people)
    extract = ["cifar_recognition/extract_features.py", str(FRUIT), "--backbone", "cifar10", "--output", str(made)]
    kinds = {  # seconds within which it is killed, share of all kills
        "enroll": (["face_recognition/enroll.py", "--each", str(crowd), "--force", "--faces", str(new)], 4.0, 40),
        "rename": (["face_recognition/people.py", "rename", "A", "B", "--faces", str(people)], 1.5, 30),
        "forget": (["face_recognition/people.py", "forget", "Extra", "--yes", "--faces", str(people)], 1.5, 30),
        "features": (extract, 2.5, 20),
        "record": (["digit_recognition/video.py", str(film), "--output", str(place.folder / "made.mp4")], 6.0, 20),
        "training": ([*tiny_training(place.folder), "--output", str(place.folder / "out")], 25.0, 10),
    }
    names = sorted(os.listdir(PEOPLE))
    for kind, (words, within, share) in kinds.items():
        for _ in range(round(share * config.kills / 150)):
            if kind in ("enroll", "features"):  # what is there is not done again
                shutil.rmtree(new if kind == "enroll" else made, ignore_errors=True)
            if kind == "rename":
                old = names[0] if (people / names[0]).is_dir() else "Other"
                words[2:4] = [old, "Other" if old == names[0] else names[0]]
            if kind == "forget":
                (people / "Extra").mkdir(exist_ok=True)
                shutil.copy(photos[0], people / "Extra" / "1.jpg")
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "start_new_session": True}
            with subprocess.Popen(place.command(words), cwd=place.folder, **pipes) as process:
                time.sleep(within * rng.random())
                os.killpg(process.pid, 9) if process.poll() is None else None
                said = process.stdout.read()
            done += 1
            wrong = look(kind, place, {"enroll": new, "features": made}.get(kind, people))
            damaged += wrong
            lost += max(0, there - count_photos(people))
            if kind == "enroll":
                enrolled += count_photos(new)
                lost += max(0, said.count(b": enrolled as ") - count_photos(new))
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
    again += ["enroll"] * (count_photos(new) != count_photos(crowd))
    for kind in again:
        settings.say(f"{kind} does not start again")
    unplayable = sum("film" in one for one in damaged)
    claim = f"{done} kills ({', '.join(kinds)}; {enrolled} photos were enrolled before): damaged files / lost photos / "
    claim += "recordings that cannot be played / "
    measured = f"{len(damaged) - unplayable} / {lost} / {unplayable} / {len(again)}"
    return [(claim + "programs that do not start again", "", "0 / 0 / 0 / 0", measured)]


def count_photos(people: Path) -> int:
    """Return how many photos of people there are, without those that are being written and those to be forgotten."""
    photos = [path for path in people.rglob("*.[jp][pn]g") if path.parent.name != "Extra"]
    return sum(not path.name.startswith(".") for path in photos)


def look(kind: str, place: Place, folder: Path) -> list[str]:
    """Return what is damaged after a kill; `folder`: of people, or of features."""
    wrong = []
    if kind in ("enroll", "rename", "forget") and folder.exists():
        done = watch(
            [*place.command(["face_recognition/people.py"]), "list", "--json", "--faces", str(folder)], place.folder, 60
        )
        if done[0] or "damaged" in done[2]:
            wrong.append(done[2][-200:])
        wrong += [
            str(path)
            for path in folder.rglob("*.[jp][pn]g")
            if not path.name.startswith(".") and cv2.imread(str(path)) is None
        ]
    if kind == "features":
        for path in folder.glob("*.h5"):
            try:
                wrong += [f"{path}: not whole"] * (len(features.read(path).files) != len([*FRUIT.rglob("*.jpg")]))
            except settings.UserError as error:
                wrong.append(str(error))
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
