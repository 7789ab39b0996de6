"""One SQLite file: opened or made; if all in it can be made again, renewed if damaged, in memory if need be."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from recognition.files import alone_in
from recognition.settings import UserError, say
from recognition.sqlite.errors import check_locked, is_damage
from recognition.sqlite.schema import make_tables

PATIENCE = 10.0  # seconds to wait while another program writes
HURRY = 0.1  # the same while a live picture stands still
SMALL = 20_000_000  # bytes of a file that is checked in a fifth of a second, indexes and all
MISSING = -1  # no file has that inode
Result = TypeVar("Result")


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
        self._path, self._version, self._schema = path, version, (tables, version, upgrades or {})
        self._patience = PATIENCE
        with self._turn():
            self._db = self._open()
        self._version_seen = self._data_version()

    def changed(self) -> bool:
        """Tell whether another program wrote since the last call, or since this one opened the file."""
        if replaced := self._is_replaced():
            with self._turn():
                self._open_anew()
        before, self._version_seen = self._version_seen, self._data_version()
        return replaced or self._version_seen != before

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

    def _data_version(self) -> int:
        return self.run(lambda db: db.execute("PRAGMA data_version").fetchone()[0])

    def _is_replaced(self) -> bool:
        """Tell whether the open file was deleted, another one is in its place, or its folder was made meanwhile."""
        watched = self._path.parent if self._opened == MISSING else self._path
        return self._opened is not None and _inode(watched) != self._opened

    def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something with the database in one transaction; nobody else writes meanwhile."""
        return self.run(work, "BEGIN IMMEDIATE")

    def run(self, work: Callable[[sqlite3.Connection], Result], begin: str = "BEGIN") -> Result:
        """Do something with the database: in a new one if this one is damaged, in memory if it cannot be written.

        What others write meanwhile does not show. Called by work of another call, it is part of that.
        """
        for _ in range(3):
            within = False
            try:
                within = self._db.in_transaction
                return work(self._db) if within else _transaction(self._db, begin, work)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if within:
                    raise
                self._recover(error)
        raise UserError(f"{self._path}: deleted again and again by another program: close it and try again")

    def _recover(self, error: sqlite3.DatabaseError | UnicodeDecodeError) -> None:
        replaced, damaged = self._renewable and self._is_replaced(), is_damage(error)
        is_closed = isinstance(error, sqlite3.ProgrammingError)  # for it could not be opened anew
        if not (damaged or is_closed):
            check_locked(self._path, error)
        with self._turn():
            if damaged and not replaced:
                if self._renewable:  # else the next line raises, and whoever asks again shall hear the same
                    self._db.close()
                self._renew(error)
            elif not (replaced or is_closed):
                self._db, self.lost = self._read_into_memory(str(error)), True
                return
            self._open_anew()

    def _open_anew(self) -> None:
        """Take another connection, to what is there now; if that cannot be had, all stays as it was."""
        opened = self._opened
        try:
            old, self._db, self.lost = self._db, self._open(), True
        except BaseException:
            self._opened = opened
            raise
        old.close()

    def erase(self, values: list[bytes]) -> None:
        """See to it that what was deleted is not left anywhere in the file; `values` of it are looked for.

        Where it cannot be written, the disk being full, say, the file itself is deleted, if it is renewable. Raises
        Locked while another program holds the file, UserError where something is left.
        """
        done = self._opened not in (None, MISSING) and self._rewrite() and not self._holds(values)
        if done or not any(map(os.path.lexists, self._files())):
            return
        if not self._renewable:
            raise UserError(f"{self._path}: may still hold what was deleted: free some space and do it again")
        self._db.close()
        with self._turn():
            try:
                self._delete()
            finally:
                self._open_anew()

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
            check_locked(self._path, error)
            return False
        except sqlite3.DatabaseError:
            return False
        return True

    def _holds(self, values: list[bytes]) -> bool:
        if not values:
            return False
        try:
            content = self._db.serialize()  # its pages as they are in the file, which must not be opened: see _make
        except (sqlite3.Error, MemoryError):  # too large to tell
            return True
        return any(value in content for value in values)

    def _turn(self) -> contextlib.AbstractContextManager[None]:
        return alone_in(self._path.parent)

    def _files(self) -> list[str]:
        return [f"{self._path}{suffix}" for suffix in ("", "-wal", "-shm")]

    def _open(self) -> sqlite3.Connection:
        """Return a connection to the file, made anew if need be, or to a copy in memory if it cannot be written.

        While nobody else opens or deletes it, see `_turn`: two files of one name would share what lies beside them.
        """
        self._opened: int | None = MISSING  # None: in memory for good
        if not self._path.parent.is_dir():
            return self._in_memory()
        for file in filter(os.path.islink, self._files()):  # it would have us write somewhere else
            os.unlink(file)
        for _ in range(2):
            try:
                self._make()
                return self._connect()
            except OSError as error:
                return self._read_into_memory(error.strerror)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not is_damage(error):
                    return self._read_into_memory(str(check_locked(self._path, error)))
                self._renew(error)
        raise UserError(f"{self._path}: damaged, and cannot be made again: delete it")

    def _make(self) -> None:
        """Make an empty file, unless there is one, and nobody else may read it.

        One that is there is never opened but by SQLite: closing it would let go of the locks that SQLite has on it.
        """
        if self._path.exists() and not self._path.is_file():
            raise OSError(0, "a folder, a pipe or a device", str(self._path))
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for file in self._files():
            with contextlib.suppress(FileNotFoundError):
                os.chmod(file, 0o600)
        self._opened = _inode(self._path)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, self._patience, isolation_level=None, check_same_thread=False)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > self._version:
                raise UserError(
                    f"{self._path}: written by a newer version of these scripts: update them, or delete this file"
                    + " (no photo is lost: it is made again)" * self._renewable
                )
            pages, size = (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
            check = "integrity_check" if pages * size < SMALL else "quick_check"  # not: indexes
            if db.execute(f"PRAGMA {check}(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages do not fit together")
            self._set_up(db)
        except BaseException as error:
            db.close()
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY and os.access(self._path, os.W_OK):
                raise sqlite3.DatabaseError("its head is of no version") from None
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
        self._opened = None
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
        """Make a database ready. Raises DatabaseError for tables of another kind."""
        db.execute("PRAGMA secure_delete = ON")  # what is forgotten is overwritten
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA synchronous = {'NORMAL' if self._renewable else 'FULL'}")  # what was said is never lost
        limit = time.monotonic() + self._patience
        while True:
            try:  # programs that start at once get in each other's way here, and SQLite does not wait
                db.execute("PRAGMA journal_mode = WAL").fetchone()
                return _transaction(db, "BEGIN IMMEDIATE", lambda db: make_tables(db, *self._schema))
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > limit:
                    raise
                time.sleep(0.02)


def _transaction(db: sqlite3.Connection, begin: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
    db.execute(begin)
    try:
        result = work(db)
        db.execute("COMMIT")
        return result
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return MISSING
