"""Which people were merged, so that it can be undone: FOLDER/.merges.json, a list, the last one last."""

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from recognition.faces.gallery import Gallery
from recognition.files import alone, read_json, write_atomically
from recognition.names import key_of
from recognition.people import photo_files
from recognition.settings import UserError, reason_of, say

FILE, LOCK = ".merges.json", ".merges.lock"
KEPT = 100  # merges that can be undone


@dataclass
class Merge:
    """All photos of `source` went to `into`; `photos`: what their files are called there."""

    source: str
    into: str
    photos: list[str]


def read(folder: Path) -> list[Merge]:
    """Return the merges of a folder of people that can be undone, the last one last."""
    try:
        found = [Merge(**merge) for merge in read_json(folder / FILE)]
        if not all(isinstance(name, str) for one in found for name in (one.source, one.into, *one.photos)):
            raise ValueError("names are texts")
        return found
    except FileNotFoundError:
        return []
    except (UserError, OSError, ValueError, TypeError) as error:
        say(f"{folder / FILE} cannot be read ({reason_of(error)}): merges before cannot be undone")
        return []


def names(folder: Path) -> set[str]:
    """Return who was merged, and with whom, in merges of a folder of people that can be undone."""
    return {name for one in read(folder) for name in (one.source, one.into)}


def write(folder: Path, merges: list[Merge]) -> None:
    """Keep these merges, and no file where there are none."""
    if not merges:
        (folder / FILE).unlink(missing_ok=True)
        return
    content = json.dumps([asdict(merge) for merge in merges[-KEPT:]], ensure_ascii=False)
    write_atomically(folder / FILE, lambda path: path.write_text(content, encoding="utf-8"), private=True)


def change(folder: Path, work: Callable[[list[Merge]], list[Merge]]) -> None:
    """Keep what `work` makes of the merges of a folder, while no other program changes them."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # where nothing can be locked, or there is no room
            (folder / LOCK).touch(0o600)
            stack.enter_context(alone(folder / LOCK))
        before = read(folder)
        if (after := work(before)) != before:
            write(folder, after)


def move(folder: Path, source: Path, into: Path) -> None:
    """Give all photos of a person to another one, both by their folders in the folder of people.

    It is noted before: what a kill leaves done can be undone. Raises FileNotFoundError where one of them is gone.
    """
    names = photo_files.names_there(source, into)
    new = Merge(source.name, into.name, [name for name in names.values() if not os.path.lexists(into / name)])

    def begin(before: list[Merge]) -> list[Merge]:
        for one in (source, into):
            one.stat()  # whoever is forgotten after that is forgotten with this merge, too
        last = before[-1] if before else None
        if not last or not _same_people(last, new) or (new.photos and not set(new.photos) & set(last.photos)):
            return [*before, new]
        return [*before[:-1], replace(last, photos=sorted({*last.photos, *new.photos}))]  # the rest after a kill

    change(folder, begin)
    try:
        moved = photo_files.move_photos(source, into, names)
    except OSError:
        if not any(os.path.lexists(into / name) for name in new.photos):
            drop(folder, new)
        raise
    if others := {names[name]: there for name, there in moved.items() if there != names[name]}:
        change(folder, lambda before: [_corrected(one, others) if _same_people(one, new) else one for one in before])


def _corrected(merge: Merge, others: dict[str, str]) -> Merge:
    """Return a merge with the names that photos got instead of those that were noted."""
    return replace(merge, photos=[others.get(name, name) for name in merge.photos])


def _same_people(merge: Merge, other: Merge) -> bool:
    return (merge.source, merge.into) == (other.source, other.into)


def drop(folder: Path, merge: Merge) -> None:
    """Take in that a merge was undone, or cannot be."""
    change(folder, lambda before: [one for one in before if one != merge])


def rename(folder: Path, old: str, new: str) -> None:
    """Take in that somebody has another name."""

    def renamed(merge: Merge) -> Merge:
        return Merge(*(new if name == old else name for name in (merge.source, merge.into)), merge.photos)

    change(folder, lambda before: list(map(renamed, before)))


def forget(folder: Path, name: str) -> None:
    """Take in that somebody was forgotten: nothing tells of him then, if need be nothing of anybody."""

    def without(before: list[Merge]) -> list[Merge]:
        if not before:  # or what is there cannot be read, and may tell of him
            write(folder, [])
        told = telling_of(((k, merge.source, merge.into) for k, merge in enumerate(before)), name)
        return [merge for k, merge in enumerate(before) if k not in told]

    try:
        change(folder, without)
    except OSError:  # no room
        write(folder, [])


def telling_of(merges: Iterable[tuple[int, str, str]], name: str) -> list[int]:
    """Return the numbers of the merges that tell of a person, however written: those of his own, and those of whoever
    became his with them.

    `merges`: number, source and target of each, the last one last.
    """
    names, numbers = {key_of(name)}, []
    for number, source, target in reversed(list(merges)):
        source, target = key_of(source), key_of(target)
        if target in names or source == key_of(name):
            numbers.append(number)
        names |= {source} if target in names else set()
    return numbers


def sources(before: list[Merge], name: str) -> set[str]:
    """Return whose photos a person got by these merges."""
    names = {name}
    for merge in reversed(before):
        names |= {merge.source} if merge.into in names else set()
    return names - {name}


def gone(merge: Merge) -> str:
    """Return why a merge that has no photos any more is not undone, and what becomes of it."""
    return (
        f"the photos that {merge.into} got from {merge.source} are gone: nothing can be undone of this merge, which is "
        "dropped: undo is about the one before from now on"
    )


def check_alike(people, source: str, into: str) -> None:
    """Raise UserError unless most of one's photos would be given the other's name, if nobody else were enrolled."""
    if distance := unlike(people, people.embeddings(source), into):
        raise UserError(
            f"{source} and {into} look like two people (distance {distance:.2f}): --force merges them nevertheless"
        )


def unlike(people, embeddings: np.ndarray, name: str) -> float | None:
    """Return how far most faces, float32 (N, D), are from a person's photos, if they would not be given the name if
    nobody else were enrolled; None if they would, and without faces or photos."""
    known = people.embeddings(name)
    if not len(embeddings) or not len(known):
        return None
    alone = Gallery([name], known, np.zeros(len(known), int), people.embedder.statistics, people.accepted)
    matches = alone.match(embeddings)
    if 2 * sum(match.name is not None for match in matches) >= len(matches):
        return None
    return float(np.median([match.distance for match in matches]))
