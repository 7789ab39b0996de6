"""Servers for the tests of pages: web.py as a user starts it, and an app of our own in this process."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import uvicorn
from conftest import script_environment
from websockets.sync.client import connect

from recognition.files import ROOT
from recognition.settings import UserError
from recognition.web import app, guard, server
from recognition.web.worker import Worker


class Program:
    """A web.py that runs; `port` is where."""

    def __init__(self, part: str, *arguments: object, cwd: Path, root: Path = ROOT, port: int = 8300):
        words = [sys.executable, root / part / "web.py", "--no-open", "--port", port, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([*map(str, words)], cwd=cwd, env=script_environment(root), **pipes)
        self.address = self.process.stdout.readline().partition(": ")[2].strip()
        self.port = int(self.address.split(":")[2].split("/")[0]) if self.address else 0

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what stands on stderr."""
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate(timeout=20)[1]
        return self.process.returncode, errors


def ask(port: int, path: str, body: bytes | None = None, method: str | None = None, **headers: str):
    """Return status, headers and text of an answer; names of headers with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method or ("GET" if body is None else "POST"), path, body, named)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def error(told: tuple) -> tuple[int, str]:
    """Return status and reason of an answer that is an error, one line of JSON."""
    status, _, text = told
    assert text.count("\n") == 0 and "Traceback" not in text
    return status, json.loads(text)["error"]


@contextlib.contextmanager
def served(part: object, host: str = "127.0.0.1", token: str | None = None) -> Iterator[int]:
    """Serve a part of our own, see recognition/web/app.py, behind the guard; yield the port."""
    worker = Worker(lambda: part)
    inner = app.App("digits", worker).starlette
    running = uvicorn.Server(server.configuration(guard.Guard(inner, host, token)))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, args=([listening],))
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join(10)


class Sizes:
    """A part that tells sizes of pictures, one after the other, slowly if it should."""

    def __init__(self, seconds: float = 0.0):
        self.seconds, self.cameras = seconds, 0
        self.actions = {"named": self.named, "refused": self.refused, "broken": self.broken, "drawn": lambda *_: b"jpg"}
        self.actions["full"] = self.full

    def read(self, frame):
        time.sleep(self.seconds)
        return json.dumps({"source": frame.source, "frame": frame.index, "size": frame.image.shape[1::-1]})

    def watch(self, options):
        self.cameras += 1
        if "broken" in options:
            return lambda frame: self.broken(options, frame)
        return lambda frame: json.dumps(json.loads(self.read(frame)) | options)

    def named(self, options, frame):
        return {"options": options, "frame": frame and frame.image.shape[1::-1]}

    def refused(self, options, _frame):
        raise UserError(f"this\ncannot be{options.get('words', '')}", 2)

    def full(self, _options, _frame):
        raise OSError(28, "No space left on device", "faces/Ada/1.jpg")

    def broken(self, _options, _frame):
        raise ZeroDivisionError("a fault")


def png(width: int = 20, height: int = 10) -> bytes:
    return cv2.imencode(".png", np.full((height, width, 3), 200, np.uint8))[1].tobytes()


def live(port: int, options: str = ""):
    return connect(f"ws://127.0.0.1:{port}/live{options}", max_size=None, proxy=None)
