"""What SQLite's errors say of a file: that it is damaged, that another program holds it, or just not now."""

import sqlite3
from pathlib import Path

from recognition.settings import UserError

NOT_NOW = {  # SQLite's errors that say nothing of what is in a file
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_SCHEMA,
}  # fmt: skip


class Locked(UserError):
    """Another program holds the file."""


def is_damage(error: sqlite3.DatabaseError | UnicodeDecodeError) -> bool:
    """Tell whether an error says that a file is damaged, not that it cannot be had, or be written, at the moment."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF not in NOT_NOW if code else not isinstance(error, sqlite3.ProgrammingError)


def check_locked(path: Path, error: sqlite3.DatabaseError) -> sqlite3.DatabaseError:
    """Return the error, unless it says that another program holds the file: then raise Locked."""
    if any(word in str(error) for word in ("locked", "busy", "locking")):
        raise Locked(f"{path}: another program holds it: close that program") from None
    return error
