"""A pool on disk of pages to learn from: made once, by all cores, continued after an interruption, always the same."""

import hashlib
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread

import cv2
import numpy as np

from recognition.files import write_atomically
from recognition.progress import Bar
from recognition.settings import UserError
from recognition.synthetic import field_pages, glyphs
from recognition.training import datasets

CHUNK = 500  # pages a file
VERSION = 5  # of the generator: raise it when the same seed gives another page


def make_pool(folder: Path, pages: int, seed: int, digits: tuple[np.ndarray, np.ndarray]) -> "Pool":
    """Make so many pages in a folder of their own within `folder` and return them; those that are there already stay.

    `digits`: images uint8 (N, 28, 28) and labels (N,) to write with. Each chunk is k.npy, uint8 (CHUNK, SIDE, SIDE),
    and k.npz, labels and how many each page has. The folder's name tells seed, sources and version of the generator.
    """
    place = folder / f"{seed}-{_fingerprint(glyphs.find_sources(digits))}"
    place.mkdir(parents=True, exist_ok=True)
    chunks = [place / name for name in _chunks(pages)]
    missing = [chunk for chunk in chunks if not chunk.with_suffix(".npz").exists()]
    if missing:
        make, bar = partial(_make_chunk, seed, digits), Bar("pages", len(missing) * CHUNK)
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _end_with_parent) as workers:
            try:
                for done, future in enumerate(as_completed([workers.submit(make, chunk) for chunk in missing]), 1):
                    future.result()
                    bar.update(done * CHUNK)
            except BrokenProcessPool:
                raise UserError(
                    f"a process that makes pages was ended, perhaps for want of memory: start again: {place} keeps "
                    "what is made"
                ) from None
            finally:
                for worker in active_children():  # nobody waits for the pages that are left
                    worker.terminate()
                bar.close()
    return Pool(chunks)


def _end_with_parent() -> None:
    """Have a process that makes pages end when its parent does, however that ends, and not by itself at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=lambda: (parent_process().join(), os._exit(1)), daemon=True).start()


def _chunks(pages: int) -> list[str]:
    """Return the names of the chunks, "number-count", of so many pages."""
    return [f"{k:04}-{min(CHUNK, pages - k * CHUNK)}" for k in range(-(-pages // CHUNK))]


def _fingerprint(sources: glyphs.Sources) -> str:
    """Return eight letters that change with what pages are written with."""
    letters = [] if sources.letters is None else [(sources.letters, sources.letter_labels)]
    arrays = [datasets.sha256(pair) for pair in sources.digits + letters]
    names = [Path(path).name for path in sources.written + sources.printed + sources.photos]
    return hashlib.sha256(repr((arrays, names, VERSION)).encode()).hexdigest()[:8]


def _make_chunk(seed: int, digits: tuple[np.ndarray, np.ndarray], chunk: Path) -> None:
    """Make a chunk of a pool; runs in a process of its own."""
    cv2.setNumThreads(1)
    sources, fonts = glyphs.find_sources(digits), glyphs.Fonts()
    k, count = map(int, chunk.name.split("-"))
    first = (seed * 100_000 + k) * CHUNK
    images, labels = zip(*(field_pages.make(first + i, sources, fonts) for i in range(count)), strict=True)
    counts = np.array([len(rows) for rows in labels])
    write_atomically(chunk.with_suffix(".npy"), lambda path: np.save(path, np.stack(images)), ".npy")
    write_atomically(
        chunk.with_suffix(".npz"), lambda path: np.savez(path, labels=np.concatenate(labels), counts=counts), ".npz"
    )


class Pool:
    """The pages of chunks: `read(i)` gives page i, uint8 (SIDE, SIDE), and its labels, float32 (N, 7).

    `name`: of their folder, which tells what they are made of.
    """

    def __init__(self, chunks: list[Path]):
        self.chunks, self.name, self._images, self._labels = chunks, chunks[0].parent.name, [], []
        for chunk in chunks:
            try:
                self._images.append(np.load(chunk.with_suffix(".npy"), mmap_mode="r"))
                with np.load(chunk.with_suffix(".npz"), allow_pickle=False) as file:
                    self._labels += np.split(file["labels"], np.cumsum(file["counts"])[:-1])
            except Exception as error:  # zipfile, zlib and numpy each have their own
                raise UserError(f"{chunk}.npy and .npz damaged ({error}): delete them: they are made again") from None

        self._starts = np.cumsum([0] + [len(images) for images in self._images])

    def __len__(self) -> int:
        return len(self._labels)

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chunk = int(np.searchsorted(self._starts, index, side="right")) - 1
        return np.asarray(self._images[chunk][index - self._starts[chunk]]), self._labels[index]
