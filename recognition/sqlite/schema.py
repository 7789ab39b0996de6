"""The tables of a database: made where there are none, brought up to this version, compared with the wanted ones."""

import contextlib
import re
import sqlite3


def make_tables(db: sqlite3.Connection, tables: str, version: int, upgrades: dict[int, str]) -> None:
    """Make the tables, unless they are there, in the transaction that has begun.

    `tables`: the statements that make them; `upgrades`: those that bring older versions up to this one. Raises
    sqlite3.DatabaseError for tables of another kind.
    """
    there = _names(db)
    before = db.execute("PRAGMA user_version").fetchone()[0] if there else 0
    statements = upgrades.get(before, "") if there else tables
    if statements:
        for statement in filter(str.strip, statements.split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {(before := version)}")
    if before != version or _names(db) != set(re.findall(r"CREATE TABLE (\w+)", tables)):
        raise sqlite3.DatabaseError("tables of an older version")
    with contextlib.closing(sqlite3.connect(":memory:")) as wanted:
        wanted.executescript(tables)
        _compare(db, wanted, _names(db))


def _names(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _compare(db: sqlite3.Connection, wanted: sqlite3.Connection, tables: set[str]) -> None:
    """Raise DatabaseError for a database with other columns than the wanted one, or with other kinds of values."""
    others = "SELECT type, name FROM sqlite_master WHERE type != 'table' ORDER BY 1, 2"  # indexes, and nothing else
    if db.execute(others).fetchall() != wanted.execute(others).fetchall():
        raise sqlite3.DatabaseError("indexes of another kind")
    for table in sorted(tables):
        ask = f"PRAGMA table_xinfo({table})"
        columns, expected = ([(*row[1:4], *row[5:]) for row in one.execute(ask)] for one in (db, wanted))
        if columns != expected:
            raise sqlite3.DatabaseError(f"another table {table}")
        foreign = " OR ".join(
            f"typeof({name}) NOT IN (lower('{kind}'), '{kind if needed or key else 'null'}')"
            for name, kind, needed, key, _ in columns
        )
        if db.execute(f"SELECT 1 FROM {table} WHERE {foreign} LIMIT 1").fetchone():
            raise sqlite3.DatabaseError(f"values of another kind in {table}")
