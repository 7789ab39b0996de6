"""Results of very many photos: a folder of parts, each as JSON Lines and as Parquet, whole or not there at all."""

import json
import re
import time
from collections import Counter
from pathlib import Path

from recognition.files import hold, let_go, make_folder, parse_json, read_json, write_atomically
from recognition.settings import UserError, reason_of

PHOTOS, SECONDS = 1000, 60.0  # of a part at most: what a kill can lose
SURROGATE = re.compile(r"(?<!\\ud[89ab][0-9a-f]{2})\\udc[89a-f][0-9a-f]")  # as JSON writes a byte that is no UTF-8
SETTINGS, SUMMARY, LOCK = "settings.json", "summary.json", ".lock"


class Results:
    """Takes what was told of files and writes it, `part-00000.jsonl` and `.parquet`, and so on, to a folder.

    A line is what predict_static.py --json prints, one a page; a file that cannot be read has one with its source and
    `error`. `done`: files that are in there, of an earlier run too. A context manager: at its end all is written; till
    then no other run can write there.
    """

    def __init__(self, folder: Path, settings: dict, schema, resume: bool):
        """`settings`: what decides the results; those of an earlier run have to be the same. `schema`: of pyarrow, of
        the lines. `resume`: go on with what is in the folder. Raises UserError."""
        self._folder, self._schema = make_folder(folder), schema
        self.done: set[str] = set()
        self.read, self.reasons = 0, Counter()
        self._lock = hold(folder / LOCK)
        if not self._lock:
            raise UserError(f"{folder}: another run writes there: wait till it ends, or choose another --output", 2)
        try:
            self._number = self._open(folder, settings, resume)
        except BaseException:
            let_go(self._lock)
            raise
        self._waiting: list[str] = []  # lines
        self._files, self._began = 0, time.monotonic()

    def _open(self, folder: Path, settings: dict, resume: bool) -> int:
        """Take up what is in the folder; return the number of the next part."""
        parts = sorted(folder.glob("part-*.jsonl"))
        if parts and not resume:
            raise UserError(f"{folder}: has results: --resume goes on with them, or choose another --output", 2)
        if parts and (differs := self._differs(settings)):
            raise UserError(f"{folder}: was made with another {', '.join(differs)}: choose another --output", 2)
        write_atomically(folder / SETTINGS, lambda path: path.write_text(json.dumps(settings, indent=2)))
        for part in parts:
            self._take_up(part)
        return 1 + int(parts[-1].stem.removeprefix("part-")) if parts else 0

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.flush()
        finally:
            let_go(self._lock)

    def add(self, path: str, lines: str, error: str) -> None:
        """Take the lines of a file, each with its end, and why it could not be read, or not to its end, or ""."""
        if path in self.done:  # a worker that died had told of it before
            return
        self._count(path, error)
        self._waiting += lines.splitlines()
        if error:
            self._waiting.append(json.dumps({"source": path, "error": error}))
        self._files += 1
        if self._files >= PHOTOS or time.monotonic() - self._began > SECONDS:
            self.flush()

    def summary(self, seconds: float, here: int, cores: float) -> dict:
        """Write and return what was done: files read and failed, by reason; `here` of them by this run."""
        told = {
            "read": self.read,
            "failed": sum(self.reasons.values()),
            "reasons": dict(self.reasons.most_common()),
            "seconds": round(seconds, 1),
            "photos_per_second_and_core": round(here / seconds / cores, 2) if seconds else 0.0,
        }
        write_atomically(self._folder / SUMMARY, lambda path: path.write_text(json.dumps(told, indent=2)))
        return told

    def _count(self, path: str, error: str) -> None:
        self.done.add(path)
        self.read += not error
        if error:
            self.reasons[re.sub(r"\d[\d,.]*", "N", error.removeprefix(f"{path}: "))] += 1

    def _differs(self, settings: dict) -> list[str]:
        """Return which settings are not those of the earlier run."""
        path = self._folder / SETTINGS
        try:
            before = dict(read_json(path))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"{path}: {reason_of(error)}: choose another --output", 2) from None
        return sorted(key for key in settings | before if settings.get(key) != before.get(key))

    def _take_up(self, part: Path) -> None:
        """Count what a part tells, and write it as Parquet where a run was killed before that."""
        lines, files = part.read_text(encoding="utf-8").splitlines(), {}
        for number, line in enumerate(lines, 1):
            try:
                told = parse_json(line)
                path = told["source"].removesuffix(f"#{told['frame'] + 1}" if told.get("frame") else "")
                files[path] = files.get(path) or told.get("error", "")
            except (ValueError, TypeError, KeyError, AttributeError):
                raise UserError(f"{part}: line {number}: not of bulk.py: choose another --output", 2) from None
        for path, error in files.items():
            self._count(path, error)
        if not part.with_suffix(".parquet").exists():
            self._write_parquet(part.with_suffix(".parquet"), lines)

    def flush(self) -> None:
        """Write what was taken, as a part."""
        if self._waiting:
            part = self._folder / f"part-{self._number:05}.jsonl"
            text = "".join(f"{line}\n" for line in self._waiting)
            write_atomically(part, lambda path: path.write_text(text, encoding="utf-8"))
            self._write_parquet(part.with_suffix(".parquet"), self._waiting)
            self._number += 1
        self._waiting, self._files, self._began = [], 0, time.monotonic()

    def _write_parquet(self, path: Path, lines: list[str]) -> None:
        import pyarrow
        from pyarrow import parquet

        schema = self._schema.append(pyarrow.field("error", pyarrow.string()))
        rows = [parse_json(SURROGATE.sub("?", line)) for line in lines]  # Parquet's text is UTF-8
        table = pyarrow.Table.from_pylist(rows, schema=schema)
        write_atomically(path, lambda temporary: parquet.write_table(table, temporary))
