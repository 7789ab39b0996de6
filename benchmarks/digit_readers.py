"""Readers of pages to compare: ours, and as yardsticks RapidOCR, in an environment of its own, and Tesseract."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import measuring

from recognition import files, settings
from recognition.digits import numbers, reader, scoring
from recognition.media import frames

OUTPUT = files.ROOT / "output" / "benchmark"
SCRIPT = Path(__file__).with_name("digit_yardsticks.py")
# How each yardstick is run, see digit_yardsticks.py; of several ways the better one counts
YARDSTICKS = {"RapidOCR": ("rapidocr",), "Tesseract": ("tesseract-6", "tesseract-11")}
AT_ONCE = 50  # pictures a run of a yardstick


class Readers:
    """What reads the pictures: `model` as for reader.load; yardsticks that are missing are left out, and it is said."""

    def __init__(self, model: str, yardsticks: bool = True):
        self.model = reader.load(model)
        self.threshold = self.model.card["threshold"]
        self.flags = [] if model == "pages" else ["--model", model]  # of scripts, to read with it
        self.names = list(YARDSTICKS) if yardsticks else []
        if "Tesseract" in self.names and not shutil.which("tesseract"):
            settings.say("tesseract not found, left out: install it, for example apt install tesseract-ocr")
            self.names.remove("Tesseract")

    def score(
        self, folder: Path, labels: dict[str, dict], tidy: Callable[[str], str] = str, yardsticks: bool = True
    ) -> dict[str, dict]:
        """Return what scoring.score_texts says of each reader, ours first, on pictures of a folder.

        `tidy` maps what was read to what is scored.
        """
        read = {name: self.read(folder / name, label.get("handwritten", False)) for name, label in labels.items()}
        results = {"ours": _scored(read, labels, tidy)}
        for name in self.names if yardsticks else ():
            tries = [
                _scored(self.read_with(engine, [folder / one for one in labels]), labels, lambda t: tidy(numbers_in(t)))
                for engine in YARDSTICKS[name]
            ]
            results[name] = max(tries, key=_worth)
        return results

    def read(self, path: Path, handwritten: bool = False) -> str:
        """Return what the page reader reads in a picture."""
        lines, _ = reader.read_page(frames.read_image(path), self.model, self.threshold, handwritten)
        return numbers.text_of(lines)

    def read_with(self, engine: str, paths: list[Path]) -> dict[str, str]:
        """Return what a yardstick reads in pictures, by their names; kept in OUTPUT, by what is in the files."""
        kept = OUTPUT / f"{engine}.json"
        known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        hashes = {path: files.sha256(path.read_bytes())[:16] for path in paths}
        new = [path for path in paths if hashes[path] not in known]
        if new:
            settings.say(f"{engine}: {len(new)} pictures")
        for k in range(0, len(new), AT_ONCE):
            some = new[k : k + AT_ONCE]
            done = subprocess.run(self.command(engine, *some), check=True, stdout=subprocess.PIPE)
            texts = json.loads(done.stdout)
            known |= {hashes[path]: texts[str(path)] for path in some}
            content = json.dumps(known)
            files.write_atomically(kept, lambda path, content=content: path.write_text(content, encoding="utf-8"))
        return {path.name: known[hashes[path]] for path in paths}

    def command(self, engine: str, *paths: Path) -> list[str]:
        """Return the command that reads pictures with a yardstick."""
        python = self.environment if engine == "rapidocr" else sys.executable
        return [str(python), str(SCRIPT), engine, *map(str, paths)]

    @cached_property
    def environment(self) -> Path:
        """The Python of an environment that has RapidOCR, made if it is not there."""
        return measuring.environment(OUTPUT / "rapidocr", ("rapidocr-onnxruntime",))


def folder_for(name: str) -> Path:
    """Return a folder for the pictures of a row, made if it is not there."""
    return files.make_folder(OUTPUT / "digit_pages" / name)


def numbers_in(text: str) -> str:
    """Return the numbers of a text, with signs within and a minus before, a space between; rows stay rows."""
    found = (re.findall(r"-?[0-9](?:[.,:/-]?[0-9])*", line) for line in text.splitlines())
    return "\n".join(" ".join(line) for line in found)


def _scored(texts: dict[str, str], labels: dict[str, dict], tidy: Callable[[str], str]) -> dict:
    return scoring.score_texts({name: tidy(text) for name, text in texts.items()}, labels)


def _worth(result: dict) -> float:
    """Return a number that is higher for a better reader of the same pictures."""
    if result["numbers"]:
        return result["numbers_right"]
    return -result["false_digits"] if result["score"] is None else result["score"]
