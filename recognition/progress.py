"""Go through many things: with a progress bar on stderr where that is a terminal, some at a time, ahead of time."""

import itertools
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds; what is done sooner needs no bar


def watched(items: Iterable[Item], count: int | None, noun: str = "frame") -> Iterator[Item]:
    """Yield the items, with a bar of how many were done of `count`, None if not known; `noun`: what they are."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console  # a tenth of a second that only terminals need
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    start = time.monotonic()
    bar = Progress(
        TextColumn(noun + " {task.completed}" + (f"/{count}" if count else "")),
        BarColumn(),
        TextColumn("{task.fields[rate]:.1f}/s"),
        TimeElapsedColumn(),
        *([TextColumn("left"), TimeRemainingColumn()] if count else []),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),  # else what is printed to a file or pipe would go to the bar's terminal
        transient=True,
    )
    task = bar.add_task("", total=count, rate=0.0)
    try:
        for done, item in enumerate(items):
            seconds = time.monotonic() - start
            if seconds > PATIENCE:
                bar.start()  # nothing if it runs
                bar.update(task, completed=done, rate=done / seconds)
            yield item
    finally:
        bar.stop()


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
