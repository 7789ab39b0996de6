"""Go through many things: with a progress bar on stderr where that is a terminal, some at a time, ahead of time."""

import itertools
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from recognition.settings import say

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds; what is done sooner needs no bar
PAUSE = 30.0  # seconds between two lines that say how far it is where no bar can be shown


class Bar:
    """A progress bar with rate and remaining time, on stderr where that is a terminal; it appears after two seconds.

    Elsewhere, in a file say, there is a line every half minute.
    """

    def __init__(self, noun: str, total: float | None):
        """`noun`: what is counted; `total`: how many there are, None if not known."""
        self._bar, self._begun = None, time.monotonic()
        self._noun, self._total, self._said = noun, total, self._begun
        if not sys.stderr.isatty():
            return
        from rich.console import Console  # a tenth of a second that only terminals need
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn(noun + " {task.completed:.0f}" + (f"/{total:.0f}" if total else "")),
            BarColumn(),
            TextColumn("{task.fields[rate]:.1f}/s{task.fields[note]}"),
            TimeElapsedColumn(),
            *([TextColumn("left"), TimeRemainingColumn()] if total else []),
            console=Console(stderr=True),
            redirect_stdout=sys.stdout.isatty(),  # else what is printed to a file would go to the bar's terminal
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, rate=0.0, note="")

    def update(self, done: float, note: str = "") -> None:
        """Show how many are done, and a note beside it."""
        seconds = time.monotonic() - self._begun
        if not self._bar and time.monotonic() - self._said > PAUSE:
            self._said = time.monotonic()
            of = f"/{self._total:.0f}" if self._total else ""
            left = f"  {seconds * (self._total - done) / done:.0f} s left" if self._total and done else ""
            say(f"{self._noun} {done:.0f}{of}  {done / seconds:.1f}/s{note}{left}")
        if self._bar and seconds > PATIENCE:
            self._bar.start()  # nothing if it runs
            self._bar.update(self._task, completed=done, rate=done / seconds, note=note)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()


def watched(items: Iterable[Item], count: int | None, noun: str = "frame") -> Iterator[Item]:
    """Yield the items, with a bar of how many were done of `count`, None if not known; `noun`: what they are."""
    bar = Bar(noun, count)
    try:
        for done, item in enumerate(items):
            bar.update(done)
            yield item
    finally:
        bar.close()


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`, the last one maybe shorter."""
    remaining = iter(items)
    while batch := list(itertools.islice(remaining, size)):
        yield batch


def ahead(items: Iterable[Item], count: int = 3) -> Iterator[Item]:
    """Yield the items, made in another thread, up to `count` of them before they are asked for."""
    source, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future] = deque(thread.submit(next, source, end) for _ in range(count))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, source, end))
                yield item
        finally:
            for one in waiting:
                one.cancel()


def in_threads(
    items: Iterable[Item], work: Callable[[Item], object], weight: Callable[[Item], float], most: float
) -> Iterator[tuple[Item, Future]]:
    """Yield the items, and what is made of them by `work`, which as many threads as there are cores do ahead of time.

    What is made ahead weighs `most` together, or is one item. What `work` raises comes when the result is asked for.
    """
    cores = os.cpu_count() or 1
    waiting: deque[tuple[Item, float, Future]] = deque()
    with ThreadPoolExecutor(cores) as threads:
        try:
            for item in items:
                heavy = weight(item)
                while waiting and (len(waiting) > cores or heavy + sum(one[1] for one in waiting) > most):
                    first, _, made = waiting.popleft()
                    yield first, made
                waiting.append((item, heavy, threads.submit(work, item)))
            while waiting:
                first, _, made = waiting.popleft()
                yield first, made
        finally:  # nobody waits for what is not wanted any more
            for *_, made in waiting:
                made.cancel()
