"""What changes people in the tables: each function is part of one transaction, which it notifies the others of.

Whoever changes something about a person locks that person's row first, of two the one with the lower id: so the others
wait, and see all of it or nothing.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import psycopg
from psycopg import errors
from psycopg.types.json import Json

from recognition.faces.gallery import lot_of, lots_of
from recognition.files import names_like
from recognition.names import key_of
from recognition.people.merges import KEPT, Merge, telling_of
from recognition.people.photo_files import AlreadyThere
from recognition.settings import UserError
from recognition.shared import corrections
from recognition.shared.connection import CHANNEL

Seen = tuple[int, np.ndarray | None, str | None]  # a photo's id, and its embedding, float32 (D,), or why it has none


def notify(db: psycopg.Connection, persons: Iterable[int]) -> None:
    """Tell all machines, when the transaction is done, that these people changed."""
    for person in persons:
        db.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(person)])


def lock(db: psycopg.Connection, *names: str) -> list[tuple[int, str]]:
    """Lock people; return the id of each and the name as it is written there. UserError if one is not there."""
    keys = [key_of(name) for name in names]
    rows = db.execute("SELECT id, name, key FROM people WHERE key = ANY(%s) ORDER BY id FOR UPDATE", [keys]).fetchall()
    found = {key: (person, name) for person, name, key in rows}
    for name, key in zip(names, keys, strict=True):
        if key not in found:
            raise UserError(f"nobody is called '{name}': renamed or forgotten by another program at this moment?")
    return [found[key] for key in keys]


def take(db: psycopg.Connection, name: str) -> tuple[int, str]:
    """Lock a person, who may be new; return the id, and the name as it is written there."""
    query = """INSERT INTO people (name, key, lot) VALUES (%s, %s, %s)
        ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING id, name"""
    return db.execute(query, [name, key_of(name), lot_of(name)]).fetchone()


def add(db: psycopg.Connection, name: str, file: str, content: bytes, seen: dict[int, tuple]) -> tuple[str, str, bool]:
    """Add a photo to a person, who may be new; return name and file as they are there, and whether it was done.

    `seen`: its embedding, float32 (D,), or None and the reason, by the ids of ways.
    """
    person, name = take(db, name)
    sha256 = hashlib.sha256(content).digest()
    old = db.execute("SELECT id, file FROM photos WHERE (person, sha256) = (%s, %s)", [person, sha256]).fetchone()
    if old:
        photo, file = old
    else:
        file = _free(db, person, file)
        query = "INSERT INTO photos (person, file, sha256, content) VALUES (%s, %s, %s, %b) RETURNING id"
        (photo,) = db.execute(query, [person, file, sha256, content]).fetchone()
    for way, (embedding, reason) in seen.items():
        describe(db, way, [(photo, embedding, reason)])
    centre(db, [person])
    notify(db, [person])
    return name, file, not old


def add_one(db: psycopg.Connection, *what: object) -> tuple[str, str]:
    """Add a photo as `add` does; raise AlreadyThere for one that is there."""
    name, file, new = add(db, *what)
    if not new:
        raise AlreadyThere("already there: the same photo")
    return name, file


def _free(db: psycopg.Connection, person: int, file: str) -> str:
    """Return the name of a file, or one like it that no other photo of the person has."""
    taken = {name for (name,) in db.execute("SELECT file FROM photos WHERE person = %s", [person])}
    return next(name for name in names_like(file) if name not in taken)


def describe(db: psycopg.Connection, way: int, seen: Iterable[Seen]) -> None:
    """Keep what was seen in photos, unless another machine was faster; `centre` has to follow."""
    query = """INSERT INTO descriptions (photo, way, embedding, reason, lot)
        SELECT id, %s::integer, %b::vector, %s::text, %s::bigint FROM photos WHERE id = %s ON CONFLICT DO NOTHING"""
    for photo, embedding, reason in seen:
        lot = None if embedding is None else int(lots_of(embedding[None])[0])
        db.execute(query, [way, embedding, reason, lot, photo])


def describe_all(db: psycopg.Connection, way: int, seen: list[Seen]) -> None:
    """Keep what was seen in photos of people, in a transaction of its own."""
    query = "SELECT id FROM people WHERE id IN (SELECT person FROM photos WHERE id = ANY(%s)) ORDER BY id FOR UPDATE"
    persons = [person for (person,) in db.execute(query, [[photo for photo, *_ in seen]])]
    describe(db, way, seen)
    centre(db, persons)
    notify(db, persons)


def centre(db: psycopg.Connection, persons: list[int]) -> None:
    """Bring the centres of people up to the descriptions of their photos."""
    mine = """FROM photos JOIN descriptions ON photo = photos.id
        WHERE person = {} AND embedding IS NOT NULL"""
    gone = f"DELETE FROM centres WHERE person = ANY(%s) AND NOT EXISTS (SELECT 1 {mine.format('centres.person')} "
    db.execute(f"{gone} AND descriptions.way = centres.way)", [persons])
    query = f"""INSERT INTO centres (person, way, photos, centre)
        SELECT person, way, count(*), avg(l2_normalize(embedding)) {mine.format("ANY(%s)")} GROUP BY 1, 2
        ON CONFLICT (person, way) DO UPDATE SET photos = excluded.photos, centre = excluded.centre
        WHERE (centres.photos, centres.centre) IS DISTINCT FROM (excluded.photos, excluded.centre)"""
    db.execute(query, [persons])


def rename(db: psycopg.Connection, old: str, new: str) -> None:
    """Give a person another name, one that nobody has."""
    ((person, old),) = lock(db, old)
    try:
        with db.transaction():
            query = "UPDATE people SET (name, key, lot) = (%s, %s, %s) WHERE id = %s"
            db.execute(query, [new, key_of(new), lot_of(new), person])
    except errors.UniqueViolation:
        raise UserError(
            f"there is a {new} already: python face_recognition/people.py merge puts them together"
        ) from None
    corrections.rename(db, old, new)
    for column in ("source", "target"):
        db.execute(f"UPDATE merges SET {column} = %s WHERE {column} = %s", [new, old])
    notify(db, [person])


def merge(db: psycopg.Connection, source: str, into: str) -> None:
    """Give all photos of a person to another one; the first one is gone then."""
    (one, source), (other, into) = lock(db, source, into)
    moved = _move(db, one, other, None)
    said = Json(corrections.rename(db, source, into))
    db.execute("INSERT INTO merges (source, target, photos, said) VALUES (%s, %s, %s, %s)", [source, into, moved, said])
    db.execute("DELETE FROM merges WHERE id <= (SELECT max(id) - %s FROM merges)", [KEPT])
    db.execute("DELETE FROM people WHERE id = %s", [one])


def undo_merge(db: psycopg.Connection) -> Merge:
    """Give back the photos of the last merge, those that are still there, and return it; UserError without one.

    One without photos any more is dropped, and nothing else is changed.
    """
    last = "SELECT id, source, target, photos, said FROM merges ORDER BY id DESC LIMIT 1 FOR UPDATE"
    row = db.execute(last).fetchone()
    if not row:
        raise UserError("nobody was merged there, or that was undone")
    number, source, into, photos, said = row
    there = """SELECT photos.id FROM photos JOIN people ON people.id = person
        WHERE photos.id = ANY(%s) AND key = %s FOR UPDATE OF people"""
    photos = [photo for (photo,) in db.execute(there, [photos, key_of(into)])]
    if not photos:  # else it would be the last one for good
        db.execute("DELETE FROM merges WHERE id = %s", [number])
        return Merge(source, into, [])
    ((target, into),) = lock(db, into)
    back, source = take(db, source)
    _move(db, target, back, photos)
    corrections.undo(db, said, source, into)
    db.execute("DELETE FROM merges WHERE id = %s", [number])
    _drop_if_empty(db, target)
    files = db.execute("SELECT file FROM photos WHERE id = ANY(%s) ORDER BY file", [photos])
    return Merge(source, into, [file for (file,) in files])


def _move(db: psycopg.Connection, source: int, into: int, photos: list[int] | None) -> list[int]:
    """Move photos of one person to another one, all unless `photos` are given, and return the ids of those moved.

    Those that are there already go.
    """
    rows = db.execute("SELECT id, file, sha256 FROM photos WHERE person = %s ORDER BY id", [source]).fetchall()
    moved = []
    for photo, file, sha256 in rows:
        if photos is not None and photo not in photos:
            continue
        if db.execute("SELECT 1 FROM photos WHERE (person, sha256) = (%s, %s)", [into, sha256]).fetchone():
            db.execute("DELETE FROM photos WHERE id = %s", [photo])
            continue
        db.execute("UPDATE photos SET (person, file) = (%s, %s) WHERE id = %s", [into, _free(db, into, file), photo])
        moved.append(photo)
    centre(db, [source, into])
    notify(db, [source, into])
    return moved


def remove(db: psycopg.Connection, name: str, file: str) -> int:
    """Delete a photo of a person; return how many there were, 0 or 1. Without any photo the person is gone, too."""
    ((person, _),) = lock(db, name)
    count = db.execute("DELETE FROM photos WHERE (person, file) = (%s, %s)", [person, file]).rowcount
    centre(db, [person])
    _drop_if_empty(db, person)
    notify(db, [person])
    return count


def _drop_if_empty(db: psycopg.Connection, person: int) -> None:
    db.execute(
        "DELETE FROM people WHERE id = %s AND NOT EXISTS (SELECT 1 FROM photos WHERE person = people.id)", [person]
    )


def forget(db: psycopg.Connection, name: str) -> int:
    """Delete a person and all that is known and was said; return how many photos there were."""
    here = db.execute("SELECT 1 FROM people WHERE key = %s FOR UPDATE", [key_of(name)]).fetchone()
    if corrections.forget(db, name) + _forget_merges(db, name) and not here:
        return 0  # only words and merges told of him
    ((person, _),) = lock(db, name)
    (count,) = db.execute("SELECT count(*) FROM photos WHERE person = %s", [person]).fetchone()
    db.execute("DELETE FROM people WHERE id = %s", [person])  # and what belongs to it
    notify(db, [person])
    return count


def _forget_merges(db: psycopg.Connection, name: str) -> int:
    told = telling_of(db.execute("SELECT id, source, target FROM merges ORDER BY id").fetchall(), name)
    return db.execute("DELETE FROM merges WHERE id = ANY(%s)", [told]).rowcount
