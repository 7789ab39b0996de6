"""Look into very many photos with Ray Data, on all cores of this machine or of a cluster.

The paths are the dataset; each of some workers loads the networks once and answers for a few photos at a time. A photo
whose worker or machine died is asked again, but not for ever. Ray is told to send no statistics of its use.
"""

import contextlib
import logging
import os
import re
import shutil
import socket
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from recognition import progress
from recognition.bulk import inputs, lists
from recognition.bulk.results import Results
from recognition.files import hash_of, sha256
from recognition.media import frames
from recognition.settings import UserError, quiet, reason_of, say

BLOCK = 64  # photos that go to a worker together, at most: what is asked again when it dies
DEATHS = 2  # workers that a file may take with it
STORE = 256_000_000  # bytes of shared memory that Ray makes room for, where it runs on this machine alone
PATIENCE = 5.0  # seconds for the head node of a cluster to answer
TOKEN = Path.home() / ".ray" / "auth_token"  # what lets programs into a cluster
HOW = {"paths", "paths_from", "output", "resume", "address", "workers"}  # settings that change no line
Read = Callable[[frames.Frame], str]  # returns a line of JSON, without its end


class Worker:
    """Answers for files, in a process of Ray's with one core."""

    def __init__(self, make: Callable[[], Read], folder: str, marks: str):
        """`marks`: name of a folder, another one for every run, where workers of a machine mark what they begin."""
        import cv2

        from recognition.models import litert

        os.chdir(folder) if os.path.isdir(folder) else None  # paths may be relative
        cv2.setNumThreads(1)
        litert.most_threads = 1
        self._read = make()
        self._marks = Path(tempfile.gettempdir()) / marks
        self._marks.mkdir(mode=0o700, exist_ok=True)

    def __call__(self, batch: dict) -> dict:
        told = [self._once(os.fsdecode(path)) for path in batch["path"]]
        lines, errors = [lines for lines, _ in told], [os.fsencode(error) for _, error in told]
        return {"path": batch["path"], "lines": lines, "error": errors}

    def _once(self, path: str) -> tuple[str, str]:
        """Return what `_tell` does, unless the file was begun before, and its workers are no more."""
        mark = self._marks / sha256(os.fsencode(path))
        if mark.exists() and mark.stat().st_size >= DEATHS:
            return "", f"{path}: ended the program {DEATHS} times: left out"
        with mark.open("ab") as file:
            file.write(b".")
        told = self._tell(path)
        mark.unlink()
        return told

    def _tell(self, path: str) -> tuple[str, str]:
        """Return the lines of a file's pages, and why it could not be read, or not to its end."""
        lines, errors, content = [], [], None
        try:
            if "://" in path:
                content = inputs.read_bytes(path)
            for page in frames.every_page(path, content):
                if isinstance(page, frames.Frame):
                    lines.append(f"{self._read(page)}\n")
                else:
                    errors.append(str(page))
        except UserError as error:
            errors.append(str(error))
        except Exception as error:  # of a decoder or a network: the other photos go on
            errors.append(f"{path}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return "".join(lines), "; ".join(errors)


def run(config, make: Callable[..., Read], schema: Callable, trained: Iterable[Path] = ()) -> int:
    """Have `make(config)`, made once in each worker, tell of all photos; return a script's exit code.

    `config`: a bulk.py's settings. `schema`: returns what a line holds, as pyarrow's schema. `trained`: files that are
    others after another training, there or not: cards of models, or weights. Raises UserError.
    """
    paths = lists.paths_of(config.paths, config.paths_from)
    decisive = {key: str(value) for key, value in vars(config).items() if key not in HOW}
    ray = _ray(config.address)
    make(config)  # what is missing is told, and what is to be converted is, before there are workers
    decisive |= {f"training of {path.stem}": hash_of(path) for path in trained if path.exists()}
    with Results(config.output, decisive, schema(), config.resume) as results:

        def fail(path: str, message: str) -> None:
            say(f"error: {message}")
            results.add(path, "", message)

        found = inputs.files_of(paths, fail, str(config.output))
        new = list(dict.fromkeys(path for path in found if path not in results.done))
        begun, done, cores = time.monotonic(), 0, _start(ray, config.address) if new else 1.0
        bar = progress.Bar("photo", len(new))
        try:
            for batch in _answers(ray, new, partial(make, config), config.workers or max(1, int(cores))) if new else ():
                for path, lines, error in zip(*(batch[key] for key in ("path", "lines", "error")), strict=True):
                    if error := os.fsdecode(error):
                        say(f"error: {error}")
                    results.add(os.fsdecode(path), str(lines), error)
                done += len(batch["path"])
                bar.update(done)
        finally:
            bar.close()
        results.flush()
        told = results.summary(time.monotonic() - begun, done, cores)
    speed = f", {told['photos_per_second_and_core']} a second and core" if new else ", nothing new"
    print(f"{config.output}: {told['read']} read, {told['failed']} failed{speed}")
    for reason, count in told["reasons"].items():
        print(f"{count} {reason}")
    return 1 if told["failed"] else 0


def _ray(address: str | None):
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    os.environ.setdefault("RAY_num_workers_soft_limit", "0")  # else a process of 100 MB is kept that has nothing to do
    if address and TOKEN.exists():  # with an address Ray takes it only if told to
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        raise UserError("Ray is not installed: python -m pip install -r requirements-bulk.txt") from None
    return ray


def _start(ray, address: str | None) -> float:
    """Start Ray on this machine alone, or connect to a cluster; return how many cores there are."""
    if found := re.fullmatch(r"(?:ray://)?([^/]+):(\d+)", address or ""):
        try:
            socket.create_connection((found[1], int(found[2])), timeout=PATIENCE).close()
        except OSError as error:  # Ray would try for minutes
            raise UserError(f"--address {address}: {reason_of(error)}: is Ray's head node running there?") from None
    options = {"address": address} if address else {"object_store_memory": STORE, "include_dashboard": False}
    try:
        with quiet(), _nothing_asked():
            ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError, ray.exceptions.RayError) as error:
        where = f"--address {address}" if address else "Ray on this machine"
        raise UserError(f"{where} does not start: {' '.join(str(error).split())[:200]}") from None
    return ray.cluster_resources().get("CPU", 1.0)


@contextlib.contextmanager
def _nothing_asked() -> Iterator[None]:
    """Have the programs that Ray starts meanwhile ask no cloud's address whether they run there, for statistics which
    are off: they go to a proxy that nobody is."""
    before = os.environ.get("HTTP_PROXY")
    os.environ["HTTP_PROXY"] = "http://127.0.0.1:9"
    try:
        yield
    finally:
        os.environ.pop("HTTP_PROXY") if before is None else os.environ.update(HTTP_PROXY=before)


def _answers(ray, paths: list[str], make: Callable[[], Read], workers: int) -> Iterator[dict]:
    """Yield what workers tell of files, batch after batch."""
    import pyarrow
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="ray")
    ray.data.DataContext.get_current().enable_progress_bars = False
    marks = f"bulk-{uuid.uuid4().hex}"
    block = min(BLOCK, -(-len(paths) // (4 * workers)))
    names = map(os.fsencode, paths)  # any bytes, which a text of pyarrow's cannot hold
    blocks = [pyarrow.table({"path": chunk}) for chunk in progress.batches(names, block)]
    told = ray.data.from_arrow(blocks).map_batches(
        Worker,
        fn_constructor_args=(make, os.getcwd(), marks),
        batch_size=block,
        num_cpus=0.1,  # such that workers of a machine that died find room elsewhere
        compute=ray.data.ActorPoolStrategy(size=workers),
    )
    try:
        yield from told.iter_batches(batch_size=None, prefetch_batches=1)
    finally:
        shutil.rmtree(Path(tempfile.gettempdir()) / marks, ignore_errors=True)
