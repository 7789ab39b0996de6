"""A connection to a PostgreSQL server that comes back by itself; what is wrong with it in one line.

Where it is, who may and how that is kept secret, libpq knows: addresses, PGPASSFILE, service files, sslmode. Whatever
changes something carries a number of its own, so that a change whose answer was lost with the connection is not made
twice. Time is the server's alone: clocks of other machines are never compared.
"""

import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

import psycopg
from psycopg import conninfo, errors

from recognition.settings import UserError, say

PATIENCE = 60.0  # seconds that scripts wait for a server that was restarted
HURRY = 3.0  # the same where a live picture stands still
QUIET = 1.0  # seconds of waiting that nobody is told of
FIRST, LONGEST = 0.1, 2.0  # seconds between attempts to connect
CHANNEL = "recognition"  # of the notifications
DEFAULTS = {  # of the connection, unless the address says otherwise: a server that is gone is noticed in seconds
    "application_name": "recognition",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
# What a client that is cut off holds is free again soon; indexes are used for what is asked at the moment
SESSION = """
SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '20s'; SET plan_cache_mode = force_custom_plan;
SET client_min_messages = warning; SET TimeZone = 'UTC'
"""
PASSWORD = re.compile(r"://[^@]*:[^@]+@|password\s*=", re.IGNORECASE)
REFUSED = (
    "--faces: an address with a password in it can be read by everybody on this machine: leave the password out, and "
    "put it into ~/.pgpass, PGPASSFILE or a service file (docs/shared-gallery.md)"
)
WORDY = (
    r"connection (failed|is bad): |connection to server (at|on socket) \"[^\"]*\"( \([^)]*\))?(, port \d+)? failed: "
    r"|FATAL: |\[Errno -?\d+\] | Is the server running [^?]*\?"
)
GONE = (  # what a server that goes says to its clients
    errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow, errors.IdleInTransactionSessionTimeout
)  # fmt: skip
AGAIN = errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable
REASONS = {  # what libpq says while it connects has no numbers: by words of it, what to do
    "pg_hba": "the server lets nobody in from here: its pg_hba.conf says who may",
    "certificate": "see sslmode and sslrootcert in docs/shared-gallery.md",
    "SSL": "see sslmode in docs/shared-gallery.md",
    "password": "put the right one into ~/.pgpass or PGPASSFILE, readable by you alone (mode 0600)",
    "too many": "end other programs, or raise max_connections of the server",
    "definition of service": "correct service=, or put it into ~/.pg_service.conf",
    "does not exist": "correct the address, or make it (createdb, createuser)",
    "": "is the server running, and the address right?",
}
HINTS = {
    errors.DiskFull: "nothing was changed: free some space on the server and do it again",
    errors.InsufficientPrivilege: "whoever made the gallery can GRANT it: see docs/shared-gallery.md",
    errors.ReadOnlySqlTransaction: "name the server that can be written to",
    errors.LockNotAvailable: "another program holds the people there: try again",
}
Result = TypeVar("Result")


class Unreachable(UserError):
    """There is no connection at the moment."""


def check_address(address: str) -> str:
    """Return an address as it may be shown; raise UserError for one with a password in it, or that is none."""
    if PASSWORD.search(address):
        raise UserError(REFUSED, 2)
    try:
        known = conninfo.conninfo_to_dict(address)
    except psycopg.Error as error:
        raise UserError(f"--faces {address}: {_line(error)}", 2) from None
    if known.keys() & {"password", "sslpassword"}:
        raise UserError(REFUSED, 2)
    return address.partition("?")[0]


def _line(error: Exception) -> str:
    """Return what went wrong in one line, without where, and without what libpq asks the user."""
    text = " ".join((getattr(getattr(error, "diag", None), "message_primary", None) or str(error)).split())
    return (re.sub(WORDY, "", text).strip() or type(error).__name__)[:300]


class Server:
    """A PostgreSQL server. One thread at a time uses it.

    `place`: its address, for messages. `live`: a picture must not stand still, so what cannot be answered at once is
    Unreachable. `generation`: number of the connection; what was notified between two of them was missed.
    """

    def __init__(self, address: str, prepare: Callable[[psycopg.Connection], None]):
        """`prepare`: makes each new connection ready. Raises UserError where nobody can connect."""
        self.place, self.live, self.generation = check_address(address), False, 0
        known = conninfo.conninfo_to_dict(address)
        self._address, self._prepare = address, prepare
        self._settings = {key: value for key, value in DEFAULTS.items() if key not in known}
        self._heard: list[str] = []
        self._there, self._reason, self._said = threading.Event(), "", False
        try:
            self._db = self._connect()
        except psycopg.Error as error:
            raise UserError(self._cannot_connect(error)) from None
        self._there.set()

    def _connect(self) -> psycopg.Connection:
        db = psycopg.connect(self._address, autocommit=True, **self._settings)
        try:
            db.execute(SESSION)
            self._prepare(db)
            db.add_notify_handler(lambda note: self._heard.append(note.payload))
            db.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            db.close()
            raise
        return db

    def read(self, work: Callable[[psycopg.Connection], Result], patience: float | None = None) -> Result:
        """Return what `work` asks the server; `patience`: seconds to wait for a connection.

        Raises Unreachable without a connection, UserError for what the server refuses.
        """
        patience = (HURRY if self.live else PATIENCE) if patience is None else patience
        limit = time.monotonic() + patience
        while True:
            self._wait(limit)
            db = self._db
            try:
                return work(db)
            except psycopg.Error as error:
                if db.closed or isinstance(error, GONE):  # restarted, or cut off
                    self._lose(db, error)
                elif not isinstance(error, AGAIN) or time.monotonic() > limit:
                    raise UserError(self._explain(error)) from None

    def write(self, work: Callable[[psycopg.Connection], Result]) -> Result:
        """Change something in one transaction, once, even if a connection is lost in the middle; see `read`."""
        action, result = uuid.uuid4(), None

        def once(db: psycopg.Connection) -> Result:
            nonlocal result
            with db.transaction():
                mine = "INSERT INTO actions (id) VALUES (%s) ON CONFLICT DO NOTHING"
                if db.execute(mine, [action]).rowcount:  # else only the answer was lost, and `result` is what it was
                    db.execute("DELETE FROM actions WHERE at < now() - interval '1 day'")
                    result = work(db)
            return result

        return self.read(once)

    def heard(self) -> list[str]:
        """Return what was notified since the last call, as far as it came with other answers."""
        heard, self._heard = self._heard, []
        return heard

    def listen(self) -> None:
        """Take what was notified. Raises Unreachable at once where there is no connection."""
        self.read(lambda db: db.execute("SELECT 1"), patience=0)

    def _wait(self, limit: float) -> None:
        left = limit - time.monotonic()
        if not self._there.wait(min(QUIET, max(0.0, left))):
            if not self._said:
                self._said = True
                going_on = "going on with the people met so far" if self.live else "waiting for it"
                say(f"{self.place}: no connection ({self._reason}): {going_on}")
            if not self._there.wait(max(0.0, limit - time.monotonic())):
                raise Unreachable(f"{self.place}: no connection ({self._reason}): try again later")
        if self._said:
            self._said = False
            say(f"{self.place}: connected again")

    def _lose(self, db: psycopg.Connection, error: Exception) -> None:
        """Go on without a connection, while a thread makes another one."""
        db.close()
        self._reason = _line(error)
        self._there.clear()
        threading.Thread(target=self._come_back, daemon=True).start()

    def _come_back(self) -> None:
        pause = FIRST
        while True:
            try:
                self._db = self._connect()
            except psycopg.Error as error:
                self._reason = _line(error)
            except UserError as error:  # another version of the tables, say
                self._reason = str(error).removeprefix(f"{self.place}: ")
            else:
                self.generation += 1
                self._there.set()
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)

    def _cannot_connect(self, error: psycopg.Error) -> str:
        if error.sqlstate:
            return self._explain(error)
        reason = _line(error)
        hint = next(hint for words, hint in REASONS.items() if words in reason)
        return f"{self.place}: {reason}: {hint}"

    def _explain(self, error: psycopg.Error) -> str:
        hint = next((hint for kind, hint in HINTS.items() if isinstance(error, kind)), None)
        return f"{self.place}: {_line(error)}" + (f": {hint}" if hint else "")
