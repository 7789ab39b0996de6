"""One SQLite file: opened or made; if all in it can be made again, renewed if damaged, in memory if need be."""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from recognition.settings import UserError, say

PATIENCE = 10.0  # seconds to wait while another program writes
HURRY = 0.1  # the same while a live picture stands still
SMALL = 20_000_000  # bytes of a file that is checked in a fifth of a second, indexes and all
NOT_NOW = {  # SQLite's errors that say nothing of what is in a file
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY,
}  # fmt: skip
Result = TypeVar("Result")


class Locked(UserError):
    """Another program holds the file."""


class SqliteFile:
    """An SQLite file (WAL, mode 0600, deleted rows overwritten), made again, empty, if damaged or deleted.

    Where it cannot be written, a copy in memory stands in, after a line of warning; where its folder is missing, too,
    till `changed` finds the folder. `lost` tells that what was in it is gone.
    Raises UserError for a file of a newer version, Locked for one that another program holds.
    """

    def __init__(
        self, path: Path, tables: str, version: int, renewable: bool = True, upgrades: dict[int, str] | None = None
    ):
        """`tables`: the statements that make them; `upgrades`: those that bring older versions up to this one.

        `renewable`: all in it can be made again; else UserError instead of a new file or a copy in memory.
        """
        self.lost, self._renewable = False, renewable
        self._path, self._tables, self._version, self._upgrades = path, tables, version, upgrades or {}
        self._patience = PATIENCE
        self._db = self._open()
        self._stamp = self._stamp_now()

    def changed(self) -> bool:
        """Tell whether another program wrote since the last call, or since this one opened the file."""
        stamp = self._stamp_now()
        if stamp[1] != self._stamp[1] and self._stamp[1] is not None:
            # Deleted, another one in its place, or its folder was made
            old, self._db, self.lost = self._db, self._open(), True
            old.close()
            stamp = self._stamp_now()
        changed, self._stamp = stamp != self._stamp, stamp
        return changed

    @contextlib.contextmanager
    def hurried(self) -> Iterator[None]:
        """Wait only a moment for other programs meanwhile."""
        self._wait(HURRY)
        try:
            yield
        finally:
            self._wait(PATIENCE)

    def _wait(self, seconds: float) -> None:
        self._patience = seconds
        with contextlib.suppress(sqlite3.Error):  # what is wrong with it, `run` will find
            self._db.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")

    def _stamp_now(self) -> tuple[int, int | None]:
        version = self.run(lambda db: db.execute("PRAGMA data_version").fetchone()[0])
        try:
            return version, os.stat(self._watched).st_ino if self._watched else None
        except OSError:
            return version, -1

    def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something with the database in one transaction; nobody else writes meanwhile."""

        def transaction(db: sqlite3.Connection) -> Result:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
                return result
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

        return self.run(transaction)

    def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something with the database: in a new one if this one is damaged, in memory if it cannot be written."""
        try:
            return work(self._db)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            damaged = _is_damage(error)
            if not damaged:
                _check_locked(self._path, error)
            if self._renewable:  # else the next line raises, and whoever asks again shall hear the same
                self._db.close()
            if damaged:
                self._renew(error)
            self._db = self._open() if damaged else self._read_into_memory(str(error))
        self.lost = True
        return work(self._db)

    def erase(self, values: list[bytes]) -> None:
        """See to it that what was deleted is not left anywhere in the file; `values` of it are looked for.

        Where it cannot be written, the disk being full, say, the file itself is deleted, if it is renewable. Raises
        Locked while another program holds the file, UserError where something is left.
        """
        done = self._watched == self._path and self._rewrite() and not self._holds(values)
        if done or not any(map(os.path.lexists, self._files())):
            return
        if not self._renewable:
            raise UserError(f"{self._path}: may still hold what was deleted: free some space and do it again")
        self._db.close()
        try:
            self._delete()
        finally:
            self._db, self.lost = self._open(), True

    def _rewrite(self) -> bool:
        """Write all that is in the file anew, and its log, which holds what was before; tell whether it was done."""
        limit = time.monotonic() + self._patience
        try:
            self._db.execute("VACUUM")
            while self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > limit:
                    raise sqlite3.OperationalError("locked")
                time.sleep(0.05)
        except sqlite3.OperationalError as error:
            _check_locked(self._path, error)
            return False
        except sqlite3.DatabaseError:
            return False
        return True

    def _holds(self, values: list[bytes]) -> bool:
        files = [path for path in map(Path, self._files()) if path.exists() and not path.name.endswith("-shm")]
        return any(value in content for content in (path.read_bytes() for path in files) for value in values)

    def _files(self) -> list[str]:
        return [f"{self._path}{suffix}" for suffix in ("", "-wal", "-shm")]

    def _open(self) -> sqlite3.Connection:
        """Return a connection to the file, made anew if need be, or to a copy in memory if it cannot be written."""
        self._watched: Path | None = self._path  # None: in memory for good
        if not self._path.parent.is_dir():
            self._watched = self._path.parent
            return self._in_memory()
        for file in filter(os.path.islink, self._files()):  # it would have us write somewhere else
            os.unlink(file)
        try:
            if self._path.exists() and not self._path.is_file():
                raise OSError(0, "a folder, a pipe or a device", str(self._path))
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            for file in filter(os.path.exists, self._files()):
                os.chmod(file, 0o600)
        except OSError as error:
            return self._read_into_memory(error.strerror)
        for _ in range(2):
            try:
                return self._connect()
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    return self._read_into_memory(str(_check_locked(self._path, error)))
                self._renew(error)
        raise UserError(f"{self._path}: damaged, and cannot be made again: delete it")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > self._version:
                raise UserError(
                    f"{self._path}: written by a newer version of these scripts: update them, or delete this file"
                    + " (no photo is lost: it is made again)" * self._renewable
                )
            with self._path.open("rb") as file:
                if set(file.read(20)[18:]) - {1, 2}:  # SQLite would take it for read-only
                    raise sqlite3.DatabaseError("its head is of no version")
            check = "integrity_check" if self._path.stat().st_size < SMALL else "quick_check"  # not: indexes
            if db.execute(f"PRAGMA {check}(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages do not fit together")
            self._set_up(db)
        except BaseException:
            db.close()
            raise
        return db

    def _renew(self, error: Exception) -> None:
        """Delete the damaged file, for another one to be made."""
        if not self._renewable:
            raise UserError(f"{self._path}: damaged ({error}): put a copy of it there, or move it away to begin anew")
        say(f"{self._path}: damaged ({error}): it is made again from the photos")
        self._delete()

    def _delete(self) -> None:
        """Delete the file. It is not kept aside: it may hold faces of people who are forgotten later."""
        try:
            for file in self._files():
                Path(file).unlink(missing_ok=True)
        except OSError as error:
            what = f"{self._path}: cannot be deleted ({error.strerror}), and holds what was seen in photos"
            raise UserError(f"{what}: close other programs, check permissions, delete it") from None

    def _in_memory(self) -> sqlite3.Connection:
        self._set_up(db := sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
        return db

    def _read_into_memory(self, reason: str) -> sqlite3.Connection:
        if not self._renewable:
            raise UserError(f"{self._path}: cannot be written ({reason}): check its permissions, free some space")
        say(f"{self._path}: cannot be written ({reason}): what is seen in photos is kept in memory only")
        self._watched = None
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        # What was written before saves work; "immutable" because the files of WAL cannot be made here
        address = f"{self._path.as_uri()}?immutable=1"
        with (
            contextlib.suppress(sqlite3.Error, UnicodeDecodeError),
            contextlib.closing(sqlite3.connect(address, uri=True)) as old,
        ):
            if self._path.is_file() and old.execute("PRAGMA user_version").fetchone()[0] == self._version:
                old.backup(db)
        try:
            self._set_up(db)
        except sqlite3.DatabaseError:
            return self._in_memory()
        return db

    def _set_up(self, db: sqlite3.Connection) -> None:
        """Make a database ready: its tables, unless they are there. Raises DatabaseError for tables of another kind."""
        db.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("PRAGMA synchronous = NORMAL")
        limit = time.monotonic() + PATIENCE
        while True:
            try:  # programs that start at once get in each other's way here, and SQLite does not wait
                db.execute("PRAGMA journal_mode = WAL").fetchone()
                db.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > limit:
                    raise
                time.sleep(0.02)
        try:
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            version = db.execute("PRAGMA user_version").fetchone()[0] if tables else 0
            statements = self._upgrades.get(version, "") if tables else self._tables
            if statements:
                for statement in filter(str.strip, statements.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {(version := self._version)}")
            tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if version != self._version or tables != set(re.findall(r"CREATE TABLE (\w+)", self._tables)):
                raise sqlite3.DatabaseError("tables of an older version")
            with contextlib.closing(sqlite3.connect(":memory:")) as wanted:
                wanted.executescript(self._tables)
                _compare(db, wanted, tables)
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")


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


def _is_damage(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    """Tell whether an error says that a file is damaged, not that it cannot be had, or be written, at the moment."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in NOT_NOW


def _check_locked(path: Path, error: sqlite3.DatabaseError) -> sqlite3.DatabaseError:
    if "locked" in str(error) or "busy" in str(error):
        raise Locked(f"{path}: another program holds it: close that program") from None
    return error
