"""Measure library.py: how well ways to group faces find people, and how fast and with what memory photos are looked at.

    python benchmarks/faces_library.py                    # all rows: eight minutes on two cores
    python benchmarks/faces_library.py --only grouping    # or: add, bad, many

Uses data/lfw with its list, and the models in data/models. Every way has one limit, the best one of a grid on LFW's
development half (see faces_recognizers.py); the one that library.py takes was then measured on the other half. HDBSCAN
is scikit-learn's, which is installed once into a virtual environment of its own, output/scikit-learn (200 MB).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import faces
import faces_recognizers
import measuring
import numpy as np
from measuring import percent

from recognition import settings
from recognition.embeddings.statistics import SFACE
from recognition.faces.gallery import unit
from recognition.files import ROOT
from recognition.library.grouping import group_faces

LIBRARY = ROOT / "face_recognition" / "library.py"
NEIGHBOURS = 10  # of each face, of which those count that are mutual
SIDES = 1154, 868  # pixels of a photo
LIMITS = np.arange(0.90, 1.161, 0.02)  # distances that are tried
HDBSCAN = """
import sys, numpy as np
from sklearn.cluster import HDBSCAN
rows = np.load(sys.argv[1])
for limit in map(float, sys.argv[2:]):
    try:
        found = HDBSCAN(min_cluster_size=2, min_samples=1, cluster_selection_epsilon=limit, copy=True).fit(rows).labels_
    except TypeError:  # scikit-learn 1.9 fails where the limit would join all
        break
    alone = found < 0
    found[alone] = len(rows) + np.arange(alone.sum())
    print(*found)
"""
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
"""
MANY = """
import numpy as np
from recognition.library.grouping import group_faces
rng = np.random.default_rng(0)
rows = rng.normal(size=({people}, 128))[rng.integers(0, {people}, {faces})] + 0.7 * rng.normal(size=({faces}, 128))
assert len(set(group_faces(rows.astype(np.float32), 1.04).tolist())) > 0.9 * {people}
"""


@dataclass
class Config:
    only: tuple[str, ...] = ()  # rows to print, by their names in ROWS; all by default
    photos: int = 2000  # that are looked at, and ten times as many copies of them
    bad: int = 100_000  # files that are empty, broken or copies
    faces: int = 50_000  # that are grouped
    environment: Path = Path("output/scikit-learn")  # virtual environment of scikit-learn, made if absent


def scores(labels: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Return how well groups are people: pairs' F1, precision and recall; people in several groups, groups of several.

    `labels`: which group each face is in; `people`: whom it shows.
    """
    first, second = np.triu_indices(len(people), 1)
    together, same = labels[first] == labels[second], people[first] == people[second]
    right = float((together & same).sum())
    split = sum(len(set(labels[people == person])) > 1 for person in set(people))
    mixed = sum(len(set(people[labels == label])) > 1 for label in set(labels))
    precision, recall = right / max(1, together.sum()), right / max(1, same.sum())
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"f1": f1, "precision": precision, "recall": recall, "split": split, "mixed": mixed}


def mutual(rows: np.ndarray, limit: float) -> np.ndarray:
    """Return the components of the graph of mutual near neighbours that are nearer than a limit."""
    distances = np.sqrt(np.clip(2 - 2 * rows @ rows.T, 0, None))
    near = np.argsort(distances, 1)[:, : NEIGHBOURS + 1]
    linked = np.zeros(distances.shape, bool)
    np.put_along_axis(linked, near, True, 1)
    return components(linked & linked.T & (distances < limit))


def single(rows: np.ndarray, limit: float) -> np.ndarray:
    """Return the components of all faces that are nearer than a limit: DBSCAN where one neighbour is enough."""
    return components(2 - 2 * rows @ rows.T < limit**2)


def components(linked: np.ndarray) -> np.ndarray:
    """Return which component of a graph, bool (N, N), each node is in, by the first node in it, int64 (N,)."""
    labels = np.arange(len(linked))
    while True:
        least = np.minimum(labels, np.where(linked, labels, len(linked)).min(1))
        if (least == labels).all():
            return labels
        labels = least


def whispers(rows: np.ndarray, limit: float) -> np.ndarray:
    """Return the groups of dlib's Chinese whispers."""
    import dlib

    return np.array(dlib.chinese_whispers_clustering([dlib.vector(row.tolist()) for row in rows], limit))


def hdbscan(rows: np.ndarray, environment: Path) -> dict[float, np.ndarray]:
    """Return the groups of scikit-learn's HDBSCAN by the limits below which it separates nobody, as far as it goes."""
    python = measuring.environment(environment, ("scikit-learn",))
    limits = [0.0, *LIMITS.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "rows.npy", rows)
        command = [python, "-c", HDBSCAN, Path(folder) / "rows.npy", *limits]
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
    return {limit: np.array(line.split(), int) for limit, line in zip(limits, done.stdout.splitlines(), strict=False)}


def grouping_rows(config: Config) -> list[measuring.Row]:
    """Return a row for each way to group faces, on the half that chose its limit, and the chosen one on the other."""
    described = faces_recognizers.describe(names=("sface",))[0]
    rows, halves = unit(described.embeddings), faces_recognizers.halves()
    halves = {half: np.isin(described.people, list(people)) for half, people in halves.items()}
    chosen, people = rows[halves["development half"]], described.people[halves["development half"]]
    ways = {
        f"mutual nearest neighbours of {NEIGHBOURS}, components": {one: mutual(chosen, one) for one in LIMITS},
        "HDBSCAN": hdbscan(chosen, config.environment),
        "dlib's Chinese whispers": {one: whispers(chosen, one) for one in LIMITS},
        "single linkage": {one: single(chosen, one) for one in LIMITS},
        "average linkage": {one: group_faces(chosen, one) for one in LIMITS},
    }
    table = []
    for way, found in ways.items():
        measured = {limit: scores(labels, people) for limit, labels in found.items()}
        best = max(measured, key=lambda limit: measured[limit]["f1"])
        table.append((f"{size(people)}, development half: {way}, limit {best:.2f}", "", "", text(measured[best])))
    for half, mask in halves.items():
        people = described.people[mask]
        measured = text(scores(group_faces(rows[mask], SFACE.group), people))
        table.append((f"{size(people)}, {half}: as library.py does, {SFACE.group}", "", "F1 ≥ 97 %", measured))
    return table


def size(people: np.ndarray) -> str:
    """Return how many photos and people there are."""
    return f"{len(people)} photos of {len(set(people))} people"


def text(measured: dict[str, float]) -> str:
    """Return scores as the table shows them."""
    shares = ", ".join(f"{key} {percent(measured[key])}" for key in ("precision", "recall"))
    return (
        f"F1 {percent(measured['f1'])} ({shares}); {measured['split']} people split, {measured['mixed']} groups mixed"
    )


def vary(folder: Path, count: int) -> None:
    """Write photos of one megapixel, FOLDER/0/0.jpg and so on: parts of LFW's, in other light."""
    rng, sources = np.random.default_rng(0), sorted(faces.LFW.glob("*/*.jpg"))
    for k in range(count):
        image = cv2.imread(str(sources[k % len(sources)]))
        y = rng.integers(20, 41)
        image = cv2.resize(image[y : y + 188], SIDES, interpolation=cv2.INTER_CUBIC)
        path = folder / str(k // 100) / f"{k}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.clip(image * rng.uniform(0.6, 1.2), 0, 255).astype(np.uint8))


def add_rows(config: Config) -> list[measuring.Row]:
    """Return the rows of photos that are looked at: new ones, copies, and those that did not change."""
    table = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        add = [sys.executable, LIBRARY, "add", folder / "photos", "--library", folder / "library.sqlite"]
        vary(folder / "photos", config.photos // 4)
        few, little = measuring.start_to_answer(add, 1)
        vary(folder / "photos", config.photos)  # those of before are the same bytes, and are hashed again
        more, much = measuring.start_to_answer(add, 1)
        rate, seconds = 0.75 * config.photos / more, f"{config.photos // 4} in {few:.0f} s, {little:.0f} MB"
        claim = f"look at {config.photos * 3 // 4} photos of one megapixel, SFace"
        measured = f"{more:.0f} s, {rate:.0f} photos a second, {much:.0f} MB"
        table.append((claim, seconds, "≥ 40 photos a second, ≤ 500 MB", measured))
        for path in sorted((folder / "photos").glob("*/*.jpg")):
            for k in range(9):
                copy = folder / "photos" / f"copies {k} of {path.parent.name}" / path.name
                copy.parent.mkdir(exist_ok=True)
                os.link(path, copy)
        seconds, much = measuring.start_to_answer(add, 1)
        count = 9 * config.photos
        table.append((f"{count:,} copies", "", "", f"{count / seconds:,.0f} photos a second, {much:.0f} MB"))
        seconds, much = measuring.start_to_answer(add, 3)
        done = subprocess.run([*map(str, add), "--json"], check=True, stdout=subprocess.PIPE, text=True)
        counts = json.loads(done.stdout)
        if counts["looked_at"] or counts["photos"] != 10 * config.photos:
            raise settings.UserError(f"something changed: {counts}")
        measured = f"{counts['photos'] / seconds:,.0f} photos a second ({seconds:.2f} s with the start), {much:.0f} MB"
        table.append((f"{counts['photos']:,} photos, nothing changed", "", "≥ 5,000 a second", measured))
    return table


def bad_rows(config: Config) -> list[measuring.Row]:
    """Return the rows of files that are empty, no photo, cut short, or copies: a fifth each, and two fifths empty."""
    content, count = sorted(faces.LFW.glob("*/*.jpg"))[0].read_bytes(), config.bad
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k in range(count):
            path = folder / "photos" / (str(k // 1000) if k % 2 else "all") / f"{k}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            kinds = b"", b"", b"no photo %d" % k, content[: len(content) // 2] + b"%d" % k, content
            path.write_bytes(kinds[k % len(kinds)])
        add = [sys.executable, LIBRARY, "add", folder / "photos", "--library", folder / "library.sqlite"]
        table = []
        for claim in ("bad files, the first time", "bad files, nothing changed"):
            begin = time.monotonic()
            command = [sys.executable, "-c", PEAK, *map(str, add), "--json"]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            counts, peak = map(json.loads, done.stdout.splitlines())
            if counts["photos"] != count or counts["unreadable"] != count * 4 // 5:
                raise settings.UserError(f"other counts than the files that were written: {counts}")
            measured = f"{time.monotonic() - begin:.0f} s, {peak:.0f} MB"
            table.append((f"{count:,} {claim}", "", "", measured))
    return table


def many_rows(config: Config) -> list[measuring.Row]:
    """Return the row of many made-up faces that are grouped."""
    code = MANY.format(people=config.faces // 20, faces=config.faces)
    seconds, much = measuring.start_to_answer([sys.executable, "-c", code], 1)
    claim = f"group {config.faces:,} made-up faces of {config.faces // 20:,} people"
    return [(claim, "", "", f"{seconds:.0f} s, {much:.0f} MB")]


ROWS: dict[str, Callable[[Config], list[measuring.Row]]] = {
    "grouping": grouping_rows,
    "add": add_rows,
    "bad": bad_rows,
    "many": many_rows,
}


def main(config: Config) -> None:
    if unknown := set(config.only) - ROWS.keys():
        raise settings.UserError(f"--only {' '.join(sorted(unknown))}: no such row: there are {' '.join(ROWS)}", 2)
    if not faces.LFW.exists():
        raise settings.UserError(f"{faces.LFW} not found: these rows need it")
    measuring.print_table([row for name in config.only or ROWS for row in ROWS[name](config)], faces.versions())


if __name__ == "__main__":
    settings.run(main, Config, __doc__)
