"""Measure for docs/measured.md: seconds of a call, seconds and memory of a command, and the table that shows them."""

import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

from recognition.settings import UserError, say

APART = "seed", "output", "replace"  # settings in which trainings of one kind may differ
Row = tuple[str, str, str, str]  # of a table: a claim, its yardstick, what is required, what was measured

MEASURE = """
import resource, subprocess, sys, time
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(time.perf_counter() - start)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""  # in a small process of its own: a child's peak begins with its parent's memory


def median_seconds(function: Callable[[], object], runs: int = 9) -> float:
    """Return the median seconds of a call, after one to warm up."""
    function()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def start_to_answer(command: list, runs: int) -> tuple[float, float]:
    """Return the median seconds and the peak megabytes of a command from start to end (not on Windows)."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(runs), *map(str, command)], capture_output=True, text=True
    )
    if done.returncode:
        raise UserError(f"{' '.join(map(str, command))} failed: {done.stderr}")
    *seconds, kilobytes = map(float, done.stdout.split())
    return statistics.median(seconds), kilobytes / 1024


def environment(folder: Path, *installs: tuple[str, ...]) -> Path:
    """Return the Python of a virtual environment for yardsticks, made if it is not there.

    `installs`: what pip is told to install, one call after the other. Raises UserError where it cannot.
    """
    python, ready = folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python"), folder / "ready"
    if not ready.exists():
        say(f"installing {installs[-1][-1]} into {folder}")
        venv.create(folder, with_pip=True)
        for words in installs:
            if subprocess.run([python, "-m", "pip", "install", "--quiet", *words]).returncode:
                raise UserError(f"{installs[-1][-1]} cannot be installed into {folder}: is there a network?")
        ready.touch()
    return python


def check_alike(folder: Path, card: dict, shipped: dict) -> None:
    """Raise UserError where a training of another seed, kept from an earlier run, had other settings than ours."""
    own, ours = ({key: value for key, value in one["settings"].items() if key not in APART} for one in (card, shipped))
    if own != ours:
        raise UserError(f"{folder}: trained with other settings than {shipped['settings']['name']}: delete it")


def percent(value: float) -> str:
    """Return a share as the tables show it."""
    return f"{value:.1%}"


def print_table(rows: list[Row], versions: dict[str, str]) -> None:
    """Print a table, each row a claim, its yardstick, what is required and what was measured."""
    print("| | yardstick, same run | required | measured |\n|-|-|-|-|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    listed = ", ".join(f"{key} {value}" for key, value in versions.items() if key != "machine")
    print(f"\n{versions['machine']}, no GPU; {listed}; timings are medians.")
