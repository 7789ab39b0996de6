"""One thread that does all the work of a page, one thing after the other: networks and databases want no second one."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from recognition import settings

MOST = 64  # jobs that wait at most
PATIENCE = 60.0  # seconds that an answer may take


class Busy(Exception):
    """There is too much to do, or it takes too long."""


class Worker:
    """Makes a part's object in a thread of its own, and lets `do` call functions there.

    `ready`: done when the object is there, or has the UserError why not. `notes`: what was said meanwhile.
    """

    def __init__(self, make: Callable[[], object]):
        self._jobs: queue.SimpleQueue[tuple[Future, Callable, tuple]] = queue.SimpleQueue()
        self._make, self.part, self.notes, self._ended = make, None, [], False
        self.ready = self._submit(self._begin)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    async def do(self, function: Callable, *arguments: object, patience: float = PATIENCE):
        """Return what a function returns in the thread, when it is its turn. Raises what it raises, or Busy."""
        if self._jobs.qsize() >= MOST:
            raise Busy("too much is asked at once: try again in a moment")
        try:
            async with asyncio.timeout(patience):
                return await asyncio.wrap_future(self._submit(function, *arguments))
        except TimeoutError:
            raise Busy(f"no answer within {patience:.0f} seconds: send fewer, or smaller pictures") from None

    def end(self, seconds: float) -> bool:
        """Do nothing more, and tell whether what is being done ended within so many seconds."""
        self._ended = True
        self._submit(lambda: None)  # wakes the thread
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _submit(self, function: Callable, *arguments: object) -> Future:
        future: Future = Future()
        self._jobs.put((future, function, arguments))
        return future

    def _begin(self) -> None:
        settings.listeners.append(self.notes.append)
        try:
            self.part = self._make()
        finally:
            settings.listeners.remove(self.notes.append)

    def _work(self) -> None:
        while not self._ended:
            future, function, arguments = self._jobs.get()
            if self._ended:
                future.cancel()
            if future.set_running_or_notify_cancel():  # else nobody waits for it any more
                try:
                    future.set_result(function(*arguments))
                except BaseException as error:
                    future.set_exception(error)
            del future, function, arguments  # pictures are large
