"""Where things lie, and how files are read, written, locked and hashed such that nothing hangs and no kill loses."""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from recognition.settings import UserError

ROOT = Path(__file__).resolve().parent.parent  # the folder that holds data/ and models/
DATA = ROOT / "data"
PUBLISHED = DATA / "models"  # what others published, downloaded here or converted
LARGEST, LARGEST_DATA = 500_000_000, 20_000_000_000  # bytes of a picture or a model, and of a dataset or of weights
LARGEST_TEXT = 50_000_000  # bytes; as JSON it takes ten times as much memory
PARTIAL = re.compile(r"\..+\.\d+\.partial(\.jpg|\.np[yz])?")  # temporary files; not videos, which can be watched
ABANDONED = 60  # seconds without a change after which a temporary file has no writer any more


def write_atomically(path: Path, writer: Callable[[Path], object], suffix: str = "", private: bool = False) -> None:
    """Let `writer` fill a temporary file beside `path`, then move it into place: till then the old file stays whole.

    `suffix`: what the temporary file's name has to end with. `private`: nobody but the user can read it, as is the case
    anyway where nobody could read the old one. What killed runs left in that folder is cleared.
    """
    clear_abandoned(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial{suffix}")
    try:
        if private or (path.exists() and not path.stat().st_mode & 0o077):
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        writer(temporary)
        sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.errno and error.filename in (None, str(temporary), temporary):  # the user never gave that name
            error.filename = str(path)
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync(path: Path) -> None:
    """Have a file's content on the disk: if the power fails after it was renamed, it would be empty."""
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def names_like(file: str) -> Iterator[str]:
    """Yield the name of a file, then others like it, for where it is taken: 1.jpg, 1-2.jpg, 1-3.jpg, ..."""
    yield file
    stem, suffix = os.path.splitext(file)
    for number in itertools.count(2):
        yield f"{stem}-{number}{suffix}"


def move_new(old: Path, new: Path) -> None:
    """Move a file to a name that nobody has; raise FileExistsError if somebody has it."""
    try:
        os.link(old, new, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # file systems without links: the name is taken first, then filled
        if not old.exists():
            raise
        os.close(os.open(new, os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(old, new)
        return
    os.unlink(old)


def move_to_free(old: Path, new: Path) -> Path:
    """Move a file to a name, or to the first one like it that nobody has; return where it is."""
    for name in names_like(new.name):
        with contextlib.suppress(FileExistsError):
            move_new(old, new.with_name(name))
            return new.with_name(name)


@cache  # once a run
def clear_abandoned(folder: Path) -> None:
    """Delete the temporary files that killed runs left in a folder."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if PARTIAL.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED:
                        os.unlink(entry.path)


def check_file(path: Path, most: int = LARGEST) -> int:
    """Return the size of a file in bytes. Raises UserError for what is never opened: it would not end, or not soon.

    FileNotFoundError and its like are left to the caller.
    """
    state = Path(path).stat()
    if stat.S_ISDIR(state.st_mode):
        raise UserError(f"{path}: a folder: name a file in it")
    if not stat.S_ISREG(state.st_mode):
        raise UserError(f"{path}: a pipe or device: save what comes from it to a file first")
    if state.st_size > most:
        raise UserError(
            f"{path}: {state.st_size / 1e6:,.0f} MB are too many (limit {most / 1e6:,.0f}): is it the right file?"
        )
    return state.st_size


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """Return what is in a file; see check_file."""
    check_file(path, most)
    return Path(path).read_bytes()


def read_text(path: Path) -> str:
    """Return what is in a file of UTF-8, see check_file; ValueError where it is something else."""
    return read_bytes(path, LARGEST_TEXT).decode()


def read_json(path: Path) -> object:
    """Return what a JSON file says, see check_file; ValueError where it is no JSON, or nested too deeply."""
    return parse_json(read_text(path))


def parse_json(text: str) -> object:
    """Return what JSON says; ValueError where it is none, or nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@contextlib.contextmanager
def name_for_opencv(path: str) -> Iterator[str]:
    """Yield a name under which OpenCV opens a file: one that is no UTF-8 would crash it, and gets a link meanwhile."""
    try:
        path.encode()
    except UnicodeEncodeError:  # only where names are bytes, and links are allowed
        with tempfile.TemporaryDirectory() as folder:
            link = os.path.join(folder, f"link{os.path.splitext(path)[1].encode('ascii', 'ignore').decode()}")
            os.symlink(os.path.abspath(path), link)
            yield link
    else:
        yield path


def shortened(stem: str, most: int = 180) -> str:
    """Return a file name's stem of so many bytes at most: file systems take 255, and there are things to append."""
    while len(os.fsencode(stem)) > most:
        stem = stem[:-1]
    return stem


def make_folder(folder: Path | str, flag: str = "--output", private: bool = False) -> Path:
    """Make the folder that a flag names, unless it is there, and return it; UserError if it cannot be written to.

    `private`: a new one is open to nobody but the user.
    """
    folder = Path(folder)
    try:
        folder.mkdir(0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}): choose another {flag}", 2) from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: cannot be written to: choose another {flag}", 2)
    clear_abandoned(folder)
    return folder


def close_to_others(*folders: Path) -> None:
    """Let nobody but the user into folders; nothing happens where that cannot be said, as on Windows."""
    for folder in folders if os.name != "nt" else ():
        with contextlib.suppress(OSError):
            if os.stat(folder).st_mode & 0o077:
                os.chmod(folder, 0o700)


def check_appendable(path: Path, flag: str) -> None:
    """Make the folder of a file that is appended to later; raise UserError where that file cannot be written."""
    make_folder(path.parent, flag)
    there = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise UserError(f"{path}: cannot be written to ({error.strerror}): choose another {flag}", 2) from None
    if not there:
        path.unlink()  # nothing was written yet


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for whoever has it; the operating system lets go of it when a program ends, however."""
    with open(path, "a+b") as file:
        if os.name == "nt":
            import msvcrt

            held = False
            while not held:
                with contextlib.suppress(OSError):  # after ten seconds of waiting
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    held = True
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hold(path: Path) -> BinaryIO | None:
    """Return a file, opened, that nobody else can hold till `let_go`, or till the program ends; None if another
    program holds it. Where files cannot be locked it is opened only."""
    while True:
        file = path.open("a+b")
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                file.close()
                return None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # whoever held it has just deleted it: another one may be there now


def let_go(file: BinaryIO) -> None:
    """Let others hold a file, and delete it, unless somebody holds it by then."""
    if os.name == "nt":  # where what is open cannot be deleted
        file.close()
    with contextlib.suppress(OSError):
        os.unlink(file.name)
    file.close()


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, waiting for whoever has it; nothing where that cannot be had, as on Windows."""
    with contextlib.ExitStack() as stack:
        if os.name != "nt":
            import fcntl

            with contextlib.suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hash_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def is_text(name: str) -> bool:
    """Tell whether a file's name can be written in UTF-8; other file systems leave some that cannot."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)
