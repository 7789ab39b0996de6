"""The tables of a library's index, their rows, and what becomes of the user's words when a photo is changed."""

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recognition.faces.detection import Face
from recognition.faces.gallery import unit
from recognition.names import key_of
from recognition.people.merges import telling_of
from recognition.settings import UserError

VERSION = 2  # of the tables; raise it when they change, and say in UPGRADES how those of before become them
NEW_IN_2 = """
CREATE TABLE written (face INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (face, name)) WITHOUT ROWID;
CREATE TABLE merged (number INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, face INTEGER, denied INTEGER)
"""
TABLES = f"""
CREATE TABLE state (detector TEXT NOT NULL, embedder TEXT NOT NULL, crop INTEGER NOT NULL, following INTEGER NOT NULL);
CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE);
CREATE TABLE contents (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE);
CREATE TABLE photos (
    folder INTEGER NOT NULL, file BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content INTEGER,
    reason TEXT, gone INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (folder, file)
) WITHOUT ROWID;
CREATE INDEX photos_by_content ON photos (content);
CREATE TABLE faces (
    id INTEGER PRIMARY KEY, content INTEGER NOT NULL, box TEXT NOT NULL, landmarks BLOB NOT NULL,
    confidence REAL NOT NULL, quality REAL NOT NULL, clear INTEGER NOT NULL, embedding BLOB NOT NULL,
    name TEXT, number INTEGER, enrolled TEXT
);
CREATE INDEX faces_by_content ON faces (content);
CREATE INDEX faces_by_number ON faces (number);
CREATE TABLE denied (content INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (content, name)) WITHOUT ROWID;
{NEW_IN_2}"""
UPGRADES = {1: NEW_IN_2}
FACE = "id, content, box, landmarks, confidence, quality, clear, embedding, name, number"
THERE = "EXISTS (SELECT 1 FROM photos WHERE photos.content = faces.content AND NOT gone)"


@dataclass
class KnownFace:
    """A face of a photo, as the detector gave it; its embedding, float32 (D,); whether it is clear enough to be named,
    and how well it is seen, 0 to 1; what the user said: a name or None; the number of its group, 0 if it is alone,
    None if it was not grouped yet. `id` and `content` are the index's, 0 before it has them."""

    face: Face
    embedding: np.ndarray
    clear: bool
    quality: float
    name: str | None = None
    number: int | None = None
    id: int = 0
    content: int = 0


@dataclass
class File:
    """A photo file: its path, size in bytes and time of change (ns)."""

    path: Path
    size: int
    mtime_ns: int


def name_of(path: Path) -> bytes:
    """Return a photo's name as the tables have it: not every name of a file can be written in UTF-8."""
    return os.fsencode(path.name)


def face_of(row: tuple) -> KnownFace:
    """Return the face of a row with the columns of FACE."""
    key, content, box, landmarks, confidence, quality, clear, embedding, name, number = row
    try:
        x1, y1, x2, y2 = map(int, box.split())
        face = Face((x1, y1, x2, y2), np.frombuffer(landmarks, np.float32).reshape(5, 2), confidence)
        vector = np.frombuffer(embedding, np.float32)
    except ValueError:
        raise UserError(f"the library is damaged (face {key}): put a copy of its file there, or begin anew") from None
    return KnownFace(face, vector, bool(clear), quality, name, number, key, content)


def add_content(db: sqlite3.Connection, sha256: bytes, faces: list[KnownFace] | None) -> int | None:
    """Return the id of a content, added with its faces unless it is known; None where neither is.

    Two programs may have looked at the same photo: what the first one saw stays.
    """
    found = db.execute("SELECT id FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
    if found or faces is None:
        return found and found[0]
    content = db.execute("INSERT INTO contents (sha256) VALUES (?)", (sha256,)).lastrowid
    columns = "content, box, landmarks, confidence, quality, clear, embedding"
    for one in faces:
        box, landmarks = " ".join(map(str, one.face.box)), np.asarray(one.face.landmarks, np.float32).tobytes()
        row = content, box, landmarks, one.face.confidence, one.quality, one.clear, one.embedding.tobytes()
        db.execute(f"INSERT INTO faces ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return content


def carry_over(db: sqlite3.Connection, old: int, new: int, same: float) -> None:
    """Give what the user said of a photo's faces to those of the photo that took its place, where it shows the same.

    Programs that look after photos write stars and places into the files: then all is there, under another hash.
    `same`: distance of embeddings up to which two faces are the same picture.
    """
    before, after = (
        [face_of(row) for row in db.execute(f"SELECT {FACE} FROM faces WHERE content = ?", (content,))]
        for content in (old, new)
    )
    if not before or not after:
        return
    rows, others = (unit(np.stack([one.embedding for one in faces])) for faces in (after, before))
    distances = np.linalg.norm(rows[:, None] - others, axis=2)
    for one, row in zip(after, distances, strict=True):
        if row.min() <= same:
            said = "(SELECT name, number, enrolled FROM faces WHERE id = ?)"
            query = f"UPDATE faces SET (name, number, enrolled) = {said} WHERE id = ? AND name IS NULL"
            db.execute(query, (source := before[row.argmin()].id, one.id))
            db.execute("INSERT OR IGNORE INTO written SELECT ?, name FROM written WHERE face = ?", (one.id, source))
            query = "INSERT INTO merged SELECT number, source, target, ?, NULL FROM merged WHERE face = ?"
            db.execute(query, (one.id, source))
    if distances.min() <= same:
        db.execute("INSERT OR IGNORE INTO denied SELECT ?, name FROM denied WHERE content = ?", (new, old))
        query = "INSERT INTO merged SELECT number, source, target, NULL, ? FROM merged WHERE denied = ?"
        db.execute(query, (new, old))


def drop_unused(db: sqlite3.Connection, contents: Iterable[int]) -> None:
    """Delete those of some contents that no photo has any more, with their faces."""
    for content in contents:
        if db.execute("SELECT 1 FROM photos WHERE content = ?", (content,)).fetchone():
            continue
        for table in ("written", "merged"):  # ids of faces are used again
            db.execute(f"DELETE FROM {table} WHERE face IN (SELECT id FROM faces WHERE content = ?)", (content,))
        for query in ("merged WHERE denied", "faces WHERE content", "denied WHERE content", "contents WHERE id"):
            db.execute(f"DELETE FROM {query} = ?", (content,))


def spellings(db: sqlite3.Connection, name: str) -> list[str]:
    """Return how a person is written wherever the user said something of him, sorted; see names.key_of."""
    columns = "name FROM faces", "name FROM denied", "name FROM written", "source FROM merged", "target FROM merged"
    rows = db.execute(" UNION ".join(f"SELECT {column}" for column in columns)).fetchall()
    return sorted(known for (known,) in rows if known and key_of(known) == key_of(name))


def merge(db: sqlite3.Connection, source: str, target: str) -> None:
    """Call a person by the name of another one, and note what was his, for `undo_merge`."""
    if key_of(source) != key_of(target):  # else one of two folders of one name goes
        rename_all(db, source, source)
    (number,) = db.execute("SELECT ifnull(max(number), 0) + 1 FROM merged").fetchone()
    db.execute("INSERT INTO merged VALUES (?, ?, ?, NULL, NULL)", (number, source, target))  # though nothing be his
    for columns, table in (("id, NULL", "faces"), ("NULL, content", "denied")):
        query = f"INSERT INTO merged SELECT ?, ?, ?, {columns} FROM {table} WHERE name = ?"
        db.execute(query, (number, source, target, source))
    rename(db, source, target)


def undo_merge(db: sqlite3.Connection, source: str, target: str) -> int:
    """Give a person what was his before the last merge of these two; return how many faces that are."""
    key = "SELECT max(number) FROM merged WHERE source = ? AND target = ?"
    (number,) = db.execute(key, (source, target)).fetchone()
    mine = "SELECT {} FROM merged WHERE number = ?"
    query = f"UPDATE faces SET name = ? WHERE name = ? AND id IN ({mine.format('face')})"
    count = db.execute(query, (source, target, number)).rowcount
    query = f"UPDATE OR REPLACE denied SET name = ? WHERE name = ? AND content IN ({mine.format('denied')})"
    db.execute(query, (source, target, number))
    db.execute("DELETE FROM merged WHERE number = ?", (number,))
    return count


def rename(db: sqlite3.Connection, old: str, new: str) -> None:
    """Call a person by another name in all that the user said."""
    db.execute("UPDATE faces SET name = ? WHERE name = ?", (new, old))
    db.execute("UPDATE OR REPLACE denied SET name = ? WHERE name = ?", (new, old))
    # What sidecars have is not renamed with him: the old name there is ours as well
    db.execute("INSERT OR IGNORE INTO written SELECT face, ? FROM written WHERE name = ?", (new, old))


def rename_all(db: sqlite3.Connection, old: str, new: str) -> None:
    """Call a person, however written, by another name in all that the user said, and in what can be undone."""
    for one in spellings(db, old):
        rename(db, one, new)
        for column in ("source", "target"):
            db.execute(f"UPDATE merged SET {column} = ? WHERE {column} = ?", (new, one))


def forget(db: sqlite3.Connection, name: str) -> int:
    """Drop all that tells of a person, however written; return how many faces lost the name."""
    names = spellings(db, name)
    his = f"name IN ({', '.join('?' * len(names))})"
    db.execute(f"DELETE FROM denied WHERE {his}", names)
    rows = db.execute("SELECT DISTINCT number, source, target FROM merged ORDER BY number").fetchall()
    db.executemany("DELETE FROM merged WHERE number = ?", [(number,) for number in telling_of(rows, name)])
    # Other names that these faces had may have been his
    query = f"SELECT id FROM faces WHERE {his} UNION SELECT face FROM written WHERE {his}"
    db.execute(f"DELETE FROM written WHERE face IN ({query})", names * 2)
    return db.execute(f"UPDATE faces SET name = NULL, number = NULL, enrolled = NULL WHERE {his}", names).rowcount
