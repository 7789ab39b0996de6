"""What was seen in the photos of people, in an SQLite file beside them, so that no photo is looked at twice.

The file is a memory that may be lost: everything in it comes from the photos. It holds, for each photo, its hash, and
for each hash and way of looking (detector, embedder, crop version) the embedding of the face or why there is none.
"""

import os
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.sqlite.file import SqliteFile

VERSION = 1  # of the tables; raise it when they change
TABLES = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL DEFAULT 0);
CREATE TABLE photos (
    person INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    sha256 BLOB NOT NULL, PRIMARY KEY (person, file)
) WITHOUT ROWID;
CREATE INDEX photos_by_hash ON photos (sha256, person);
CREATE TABLE ways (
    id INTEGER PRIMARY KEY, detector TEXT NOT NULL, embedder TEXT NOT NULL, crop INTEGER NOT NULL,
    UNIQUE (detector, embedder, crop)
);
CREATE TABLE faces (
    sha256 BLOB NOT NULL, way INTEGER NOT NULL, embedding BLOB, checksum INTEGER, reason TEXT
);
CREATE UNIQUE INDEX faces_by_hash ON faces (sha256, way);
"""
WAY = "faces.way = (SELECT id FROM ways WHERE detector = ? AND embedder = ? AND crop = ?)"


@dataclass
class Photo:
    """One photo: its person and file name, size in bytes and time of change, SHA-256, and what was seen in it.

    `embedding`: float32 (D,), or None, and then `reason` says why there is none. Both None: see what its hash has.
    """

    person: str
    file: str
    size: int
    mtime_ns: int
    sha256: bytes
    embedding: np.ndarray | None = None
    reason: str | None = None


class PhotoIndex:
    """What was seen in the photos of a folder of people. Not for several threads at once.

    `way`: names of detector and embedder and version of the crop. `file`: see there for what else can be asked.
    """

    def __init__(self, path: Path, way: tuple[str, str, int]):
        self.file = SqliteFile(path, TABLES, VERSION)
        self._folder, self._way = path.parent, way

    def seen(self) -> dict[str, int]:
        """Return the people and, of each, the time of change of the folder (ns) when its photos were last listed."""
        return dict(self.file.run(lambda db: db.execute("SELECT name, seen FROM people").fetchall()))

    def people(self) -> list[str]:
        """Return everybody with at least one photo, sorted."""
        query = "SELECT name FROM people WHERE EXISTS (SELECT 1 FROM photos WHERE person = people.id) ORDER BY name"
        return [row[0] for row in self.file.run(lambda db: db.execute(query).fetchall())]

    def photos(self, person: str) -> dict[str, tuple[int, int, bytes]]:
        """Return size, time of change (ns) and SHA-256 of a person's photos by their file names."""
        query = "SELECT file, size, mtime_ns, sha256 FROM photos WHERE person = (SELECT id FROM people WHERE name = ?)"
        return {row[0]: row[1:] for row in self.file.run(lambda db: db.execute(query, (person,)).fetchall())}

    def knows(self, sha256: bytes) -> bool:
        """Tell whether a photo of that hash was looked at in this way."""
        query = f"SELECT 1 FROM faces WHERE sha256 = ? AND {WAY}"
        return self.file.run(lambda db: db.execute(query, (sha256, *self._way)).fetchone()) is not None

    def record(self, photos: Iterable[Photo]) -> None:
        """Take in photos, in one transaction; those whose file is gone by then are left out.

        That is asked while nobody else can write, so that a person forgotten meanwhile does not come back.
        """
        photos = list(photos)

        def work(db: sqlite3.Connection) -> None:
            there = [photo for photo in photos if os.path.lexists(self._folder / photo.person / photo.file)]
            db.executemany("INSERT OR IGNORE INTO people (name) VALUES (?)", {(photo.person,) for photo in there})
            old = [db.execute(_HASH, (photo.person, photo.file)).fetchone() for photo in there]
            db.executemany(
                "INSERT OR REPLACE INTO photos VALUES ((SELECT id FROM people WHERE name = ?), ?, ?, ?, ?)",
                [(photo.person, photo.file, photo.size, photo.mtime_ns, photo.sha256) for photo in there],
            )
            db.execute("INSERT OR IGNORE INTO ways (detector, embedder, crop) VALUES (?, ?, ?)", self._way)
            db.executemany(
                "INSERT OR REPLACE INTO faces VALUES "
                "(?, (SELECT id FROM ways WHERE detector = ? AND embedder = ? AND crop = ?), ?, ?, ?)",
                map(self._face, filter(_looked_at, there)),
            )
            _drop_faces(db, [row[0] for row in old if row])

        self.file.write(work)

    def _face(self, photo: Photo) -> tuple:
        blob = None if photo.embedding is None else np.asarray(photo.embedding, np.float32).tobytes()
        return photo.sha256, *self._way, blob, None if blob is None else zlib.crc32(blob), photo.reason

    def mark_seen(self, times: dict[str, int]) -> None:
        """Keep the times of change (ns) that people's folders had before their photos were listed."""
        query = "INSERT INTO people (name, seen) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen"
        there = [(name, seen) for name, seen in times.items() if (self._folder / name).is_dir()]
        self.file.write(lambda db: db.executemany(query, there))

    def drop(self, person: str, files: Iterable[str] | None = None) -> list[bytes]:
        """Forget photos of a person, or with None all of it; return the embeddings that nobody has any more."""

        def work(db: sqlite3.Connection) -> list[bytes]:
            mine = {file: sha256 for file, (_, _, sha256) in self.photos(person).items()}
            names = list(mine) if files is None else [file for file in files if file in mine]
            delete = "DELETE FROM photos WHERE person = (SELECT id FROM people WHERE name = ?) AND file = ?"
            db.executemany(delete, [(person, file) for file in names])
            if files is None:
                db.execute("DELETE FROM people WHERE name = ?", (person,))
            return _drop_faces(db, [mine[file] for file in names])

        return self.file.write(work)

    def rename(self, old: str, new: str) -> None:
        """Give a person's photos to another name, one that nobody has."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM people WHERE name = ? AND id NOT IN (SELECT person FROM photos)", (new,))
            db.execute("UPDATE OR IGNORE people SET name = ? WHERE name = ?", (new, old))

        self.file.write(work)

    def load(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return the people with a usable photo, sorted; all embeddings, float32 (N, D); their owners, int64 (N,)."""
        return self.file.run(self._load)

    def _load(self, db: sqlite3.Connection) -> tuple[list[str], np.ndarray, np.ndarray]:
        # Faces in the order of the file, and their photos from an index that fits into memory: 100,000 in 0.4 s
        query = f"""SELECT photos.person, faces.embedding, faces.checksum FROM faces CROSS JOIN photos
            ON photos.sha256 = faces.sha256 WHERE {WAY} AND faces.embedding NOT NULL"""
        owners, embeddings, done = np.zeros(0, np.int64), np.zeros((0, 0), np.float32), 0
        cursor = db.execute(query, self._way)
        while rows := cursor.fetchmany(4096):
            persons, blobs, checksums = zip(*rows, strict=True)
            if not done:  # room for all at once: twice the memory would be needed to join the parts
                count = db.execute("SELECT count(*) FROM photos").fetchone()[0]
                owners, embeddings = np.empty(count, np.int64), np.empty((count, len(blobs[0]) // 4), np.float32)
            joined = b"".join(blobs)
            if tuple(map(zlib.crc32, blobs)) != checksums or len(joined) != embeddings[: len(rows)].nbytes:
                raise sqlite3.DatabaseError("a wrong checksum")
            embeddings[done : done + len(rows)] = np.frombuffer(joined, np.float32).reshape(len(rows), -1)
            if done + len(rows) > len(owners):
                raise sqlite3.DatabaseError("more faces than photos")
            owners[done : done + len(rows)] = persons
            done += len(rows)
        names = dict(db.execute("SELECT id, name FROM people"))
        ids, owners = np.unique(owners[:done], return_inverse=True)
        if not set(ids.tolist()) <= names.keys():
            raise sqlite3.DatabaseError("photos of nobody")
        order = sorted(range(len(ids)), key=lambda k: names[ids[k]])
        rank = np.empty(len(ids), np.int64)
        rank[order] = np.arange(len(ids))
        return [names[ids[k]] for k in order], embeddings[:done], rank[owners]

    def embeddings(self, person: str) -> np.ndarray:
        """Return the embeddings of a person's photos, float32 (N, D)."""
        query = f"""SELECT embedding, checksum FROM photos JOIN people ON people.id = photos.person
            JOIN faces USING (sha256) WHERE people.name = ? AND {WAY} AND embedding NOT NULL"""

        def work(db: sqlite3.Connection) -> list[bytes]:
            rows = db.execute(query, (person, *self._way)).fetchall()
            if any(zlib.crc32(blob) != checksum for blob, checksum in rows):
                raise sqlite3.DatabaseError("a wrong checksum")
            return [blob for blob, _ in rows]

        return np.array([np.frombuffer(blob, np.float32) for blob in self.file.run(work)])

    def not_embedded(self) -> list[tuple[str, str]]:
        """Return the photos, person and file, that were never looked at in this way."""
        query = f"""SELECT people.name, photos.file FROM photos JOIN people ON people.id = photos.person
            WHERE NOT EXISTS (SELECT 1 FROM faces WHERE faces.sha256 = photos.sha256 AND {WAY})"""
        return self.file.run(lambda db: db.execute(query, self._way).fetchall())

    def unusable(self) -> list[tuple[str, str, str]]:
        """Return the photos without a usable face: person, file, reason."""
        query = f"""SELECT people.name, photos.file, reason FROM faces JOIN photos USING (sha256)
            JOIN people ON people.id = photos.person WHERE {WAY} AND embedding IS NULL ORDER BY 1, 2"""
        return self.file.run(lambda db: db.execute(query, self._way).fetchall())


_HASH = "SELECT sha256 FROM photos WHERE person = (SELECT id FROM people WHERE name = ?) AND file = ?"


def _looked_at(photo: Photo) -> bool:
    return photo.embedding is not None or photo.reason is not None


def _drop_faces(db: sqlite3.Connection, hashes: list[bytes]) -> list[bytes]:
    """Delete what was seen in photos that are not there any more; return the embeddings deleted."""
    dropped = []
    for sha256 in hashes:
        if not db.execute("SELECT 1 FROM photos WHERE sha256 = ?", (sha256,)).fetchone():
            dropped += db.execute("SELECT embedding FROM faces WHERE sha256 = ?", (sha256,)).fetchall()
            db.execute("DELETE FROM faces WHERE sha256 = ?", (sha256,))
    return [row[0] for row in dropped if row[0]]
