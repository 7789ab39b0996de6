"""Describe faces beside the main program: dlib's descriptor keeps Python waiting for 50 ms a face."""

import contextlib
import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable

import numpy as np

Describe = Callable[[np.ndarray], np.ndarray]


class Here:
    """Describes at once, in this process. Use it as a context manager."""

    def __init__(self, describe: Describe):
        self._describe = describe
        self._done: list[tuple[object, np.ndarray]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    @property
    def busy(self) -> bool:
        """Whether nothing should be asked now."""
        return False

    def ask(self, key: object, crops: np.ndarray, index: int) -> None:
        """Have the crops of a face, as the recogniser made them in frame `index`, described under a key."""
        self._done.append((key, self._describe(crops)))

    def take(self, index: int) -> list[tuple[object, np.ndarray]]:
        """Return each key whose answer is there in frame `index`, with it: float32 (N, D)."""
        done, self._done = self._done, []
        return done


class Beside(Here):
    """Describes in a process of its own, one question at a time; in this one, should the other be killed.

    `lag`: frames after which an answer is taken, waited for if need be, so that nothing depends on how long it took;
    None takes it when it comes. `describe` must be picklable.
    """

    def __init__(self, describe: Describe, lag: int | None = None):
        super().__init__(describe)
        self._lag, self._asked = lag, deque()
        context = multiprocessing.get_context("spawn")  # a fork would copy threads that stand still
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs, describe), daemon=True)
        self._process.start()
        theirs.close()  # else its end would not be noticed

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()

    @property
    def busy(self) -> bool:
        """Whether nothing should be asked now."""
        return bool(self._asked)

    def ask(self, key: object, crops: np.ndarray, index: int) -> None:
        """Have the crops of a face, as the recogniser made them in frame `index`, described under a key."""
        self._asked.append((key, crops, index))
        with contextlib.suppress(OSError):  # noticed when the answer is taken
            self._pipe.send(crops)

    def take(self, index: int) -> list[tuple[object, np.ndarray]]:
        """Return each key whose answer is due in frame `index`, with it: float32 (N, D)."""
        answers = []
        while self._asked and self._is_due(index):
            key, crops, _ = self._asked.popleft()
            try:
                answers.append((key, self._pipe.recv()))
            except (OSError, EOFError):
                answers.append((key, self._describe(crops)))
        return answers

    def _is_due(self, index: int) -> bool:
        if self._lag is not None:
            return index >= self._asked[0][2] + self._lag
        try:
            return self._pipe.poll()
        except OSError:  # on Windows, where the other process has ended
            return True


def open_describer(describe: Describe, lag: int | None = None) -> Here:
    """Return who describes faces best: a process beside this one, or this one where `describe` cannot be sent there.

    Networks that LiteRT runs cannot; they are quick, and do not keep Python waiting.
    """
    try:
        pickle.dumps(describe)
    except (TypeError, AttributeError, pickle.PicklingError):
        return Here(describe)
    return Beside(describe, lag)


def _answer(pipe, describe: Describe) -> None:
    """Describe crops until the program that asks has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that asks
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(describe(pipe.recv()))
