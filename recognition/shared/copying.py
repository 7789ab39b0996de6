"""Copy people between folders and shared galleries, both ways: photos, what was seen in them, and merges.

Nothing is taken away, and what is there already stays, so it can be stopped and done again. Photos keep their names and
their bytes, embeddings all their bits, with the detector and embedder that they come from: nobody looks at them anew.
"""

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from recognition.faces.labelled_photos import list_people
from recognition.files import close_to_others, make_folder, read_bytes
from recognition.media.frames import SUFFIXES
from recognition.names import check_person, key_of
from recognition.people import merges, photo_files
from recognition.people.database import INDEX
from recognition.people.photo_index import Photo, PhotoIndex
from recognition.progress import batches, watched
from recognition.settings import UserError
from recognition.shared import changes, schema
from recognition.shared.connection import Server, check_address

PART = 16  # photos of a transaction
Way = tuple[str, str, int]  # detector, embedder, version of the crop


@dataclass
class Copied:
    """A photo: its file's name and bytes, and the embedding, float32 (D,), or the reason why there is none, by ways."""

    file: str
    content: bytes
    seen: dict[Way, tuple[np.ndarray | None, str | None]]


class Folder:
    """A folder of people, to be copied from or to."""

    def __init__(self, folder: Path, may_be_new: bool):
        """Raises UserError for a folder that is not there, unless `may_be_new`."""
        self._folder, self.place = Path(os.path.realpath(folder.expanduser())), str(folder)
        if may_be_new:
            make_folder(self._folder, "TO", private=True)
            close_to_others(self._folder)
        elif not self._folder.is_dir():
            raise UserError(f"{folder}: no such folder: name a folder of people", 2)
        self._indexes: dict[Way, PhotoIndex] = {}
        self._there: tuple[str, dict[bytes, str]] = "", {}  # the person written to last: files by their hashes

    def _index(self, way: Way = ("", "", 0)) -> PhotoIndex:
        if way not in self._indexes:
            self._indexes[way] = PhotoIndex(self._folder / INDEX, way)
        return self._indexes[way]

    def people(self) -> list[str]:
        """Return everybody, sorted."""
        return sorted(list_people(self._folder))

    def photos(self, name: str) -> Iterator[Copied]:
        """Yield the photos of a person."""
        query = """SELECT detector, embedder, crop, embedding, checksum, reason FROM faces JOIN ways ON ways.id = way
            WHERE sha256 = ?"""
        for file in sorted(photo_files.list_photos(self._folder / name)):
            content = read_bytes(self._folder / name / file)
            sha256, seen = hashlib.sha256(content).digest(), {}
            rows = self._index().file.run(lambda db, sha256=sha256: db.execute(query, (sha256,)).fetchall())
            for *way, blob, checksum, reason in rows:
                if blob is None or zlib.crc32(blob) == checksum:
                    seen[tuple(way)] = None if blob is None else np.frombuffer(blob, np.float32), reason
            yield Copied(file, content, seen)

    def add(self, name: str, photos: list[Copied]) -> list[tuple[str, str, bool]]:
        """Add photos to a person, who may be new; return name and file as they are there, and whether each is new."""
        if self._there[0] != name and not (self._folder / name).is_dir():
            name = next((other for other in self.people() if key_of(other) == key_of(name)), name)
        folder = make_folder(photo_files.own_folder(self._folder, name), "TO", private=True)
        if self._there[0] != name:
            files = photo_files.list_photos(folder)
            self._there = name, {hashlib.sha256(read_bytes(folder / file)).digest(): file for file in files}
        done, seen = [], {}
        for one in photos:
            sha256, new = hashlib.sha256(one.content).digest(), False
            if sha256 not in self._there[1]:
                self._there[1][sha256], new = photo_files.write_as(folder, one.file, one.content), True
            file = self._there[1][sha256]
            state = os.stat(folder / file)
            for way, what in one.seen.items():
                seen.setdefault(way, []).append(Photo(name, file, state.st_size, state.st_mtime_ns, sha256, *what))
            done.append((name, file, new))
        for way, rows in seen.items():
            self._index(way).record(rows)
        return done

    def merged(self) -> list[merges.Merge]:
        """Return the merges that can be undone, the last one last."""
        return merges.read(self._folder)

    def keep_merges(self, new: list[merges.Merge]) -> None:
        """Add merges."""
        merges.change(self._folder, lambda before: [*new, *before])

    def finish(self) -> None:
        """Nothing is left to be done."""


class Database:
    """A shared gallery, to be copied from or to."""

    def __init__(self, address: str):
        self.place = check_address(address)
        self._server = Server(address, partial(schema.prepare, place=self.place))
        rows = self._rows("SELECT detector, embedder, crop, id FROM ways")
        self._ways: dict[Way, int] = {tuple(way): number for *way, number in rows}

    def _rows(self, query: str, *values: object) -> list[tuple]:
        return self._server.read(lambda db: db.execute(query, values, binary=True).fetchall())

    def people(self) -> list[str]:
        """Return everybody, sorted."""
        return sorted(name for (name,) in self._rows("SELECT name FROM people"))

    def photos(self, name: str) -> Iterator[Copied]:
        """Yield the photos of a person."""
        query = "SELECT id FROM photos WHERE person = (SELECT id FROM people WHERE key = %s) ORDER BY id"
        for (photo,) in self._rows(query, key_of(name)):
            query = """SELECT detector, embedder, crop, embedding, reason FROM descriptions JOIN ways ON ways.id = way
                WHERE photo = %s"""
            seen = {}
            for *way, embedding, reason in self._rows(query, photo):
                seen[tuple(way)] = None if embedding is None else embedding.to_numpy(), reason
            for file, content in self._rows("SELECT file, content FROM photos WHERE id = %s", photo):
                yield Copied(file, content, seen)

    def add(self, name: str, photos: list[Copied]) -> list[tuple[str, str, bool]]:
        """Add photos to a person, who may be new; return name and file as they are there, and whether each is new."""
        for one in photos:
            for way, (embedding, _) in one.seen.items():
                if way not in self._ways and embedding is not None:
                    make = partial(schema.make_way, way=way, dimensions=len(embedding), index=False)
                    self._ways[way] = self._server.write(make)[0]

        def work(db) -> list[tuple[str, str, bool]]:
            done = []
            for one in photos:
                seen = {self._ways[way]: what for way, what in one.seen.items() if way in self._ways}
                done.append(changes.add(db, name, one.file, one.content, seen))
            return done

        return self._server.write(work)

    def merged(self) -> list[merges.Merge]:
        """Return the merges that can be undone, the last one last."""
        query = """SELECT source, target, array(SELECT file FROM photos WHERE id = ANY(merges.photos) ORDER BY file)
            FROM merges ORDER BY id"""
        return [merges.Merge(*row) for row in self._rows(query)]

    def keep_merges(self, new: list[merges.Merge]) -> None:
        """Add merges."""
        query = """INSERT INTO merges (source, target, photos) SELECT %s, name, array(SELECT photos.id FROM photos
            WHERE person = people.id AND file = ANY(%s)) FROM people WHERE key = %s"""
        rows = [(one.source, one.photos, key_of(one.into)) for one in new]
        self._server.write(lambda db: [db.execute(query, row) for row in rows] and None)

    def finish(self) -> None:
        """Make the indexes of networks that were not known there: at the end that takes less time."""
        for way, dimensions in self._rows("SELECT id, dimensions FROM ways"):
            self._server.write(partial(schema.make_index, way=way, dimensions=dimensions))


def copy(source: Folder | Database, target: Folder | Database) -> dict[str, int]:
    """Copy people, and return how many there are, how many photos were copied and how many were there already.

    Raises UserError for names that cannot be a folder's.
    """
    names, counts, written = source.people(), {"people": 0, "photos": 0, "there": 0}, {}
    before = source.merged()
    wanted = {(merge.into, file) for merge in before for file in merge.photos}
    for name in watched(names, len(names), "person"):
        check_person(name)
        for some in batches(source.photos(name), PART):
            for one in some:
                one.file = safe_name(one)
            for one, (there, file, new) in zip(some, target.add(name, some), strict=True):
                counts["photos" if new else "there"] += 1
                if (name, one.file) in wanted:
                    written[name, one.file] = there, file
        counts["people"] += 1
    known = {(one.source, one.into) for one in target.merged()}
    kept = []
    for one in before:
        files = [written[one.into, file] for file in one.photos if (one.into, file) in written]
        if files and (one.source, files[0][0]) not in known:
            kept.append(merges.Merge(one.source, files[0][0], [file for _, file in files]))
    if kept:
        target.keep_merges(kept)
    target.finish()
    return counts


def safe_name(one: Copied) -> str:
    """Return the name of a photo's file; another one where it would be no photo's, or lead somewhere else."""
    stem, suffix = os.path.splitext(one.file)
    plain = stem and not set(one.file) & set('/\\<>:"|?*\0') and one.file[0] != "." and one.file.isprintable()
    return (
        one.file
        if plain and suffix.lower() in SUFFIXES and len(one.file.encode()) < 200
        else photo_files.file_of(one.content)
    )
