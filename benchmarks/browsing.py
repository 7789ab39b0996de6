"""Open the pages in Chromium, for benchmarks and tests: it sees a film as its camera, and notes where a page asks."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import cv2
import numpy as np

from recognition.files import ROOT
from recognition.settings import UserError

PARTS = {"digits": "digit_recognition", "faces": "face_recognition", "objects": "cifar_recognition"}

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 900}


def missing() -> list[str]:
    """Return what is not installed of what pages need to be opened by a program."""
    return ["playwright"] * (find_spec("playwright") is None) + ["chromium"] * (CHROMIUM is None)


@contextlib.contextmanager
def chromium(film: Path | None = None) -> Iterator:
    """Start Chromium; `film`: what its camera sees. Raises UserError where it is not installed."""
    if lacks := missing():
        raise UserError(f"not installed: {' '.join(lacks)}: pip install playwright, apt install chromium", 2)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as api:
        seen = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        seen += [f"--use-file-for-fake-video-capture={film}"] if film else []
        running = api.chromium.launch(executable_path=CHROMIUM, args=seen)
        yield running
        running.close()


def save_film(path: Path, frames: list[np.ndarray]) -> Path:
    """Write BGR frames, 640x480, as Chromium wants a camera's film."""
    path.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames))
    return path


def open_page(browser, address: str, viewport: dict = DESK, script: str = "", **context):
    """Open a page of the project and wait till it can be used; `page.asked`: the addresses that it asked."""
    page = browser.new_context(viewport=viewport, **context).new_page()
    page.asked, page.troubles = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda trouble: page.troubles.append(str(trouble)))
    page.on("console", lambda line: page.troubles.append(line.text) if "Content Security" in line.text else None)
    page.add_init_script(script)
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_selector("body[data-state=ready]")
    return page


def until(page, expression: str, argument=None, seconds: float = 60) -> None:
    """Wait till a JavaScript expression is true; Playwright's own way to wait is one that the page's CSP forbids."""
    limit = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < limit, expression
        page.wait_for_timeout(30)


def text_becomes(page, selector: str, wanted: str, seconds: float = 60) -> None:
    """Wait till an element's text has the words."""
    limit = time.monotonic() + seconds
    while wanted not in (found := page.text_content(selector)):
        assert time.monotonic() < limit, f"{selector}: {found!r}, not {wanted!r}"
        page.wait_for_timeout(30)


def draw(page, stroke: list[tuple[float, float]]) -> None:
    """Draw on the sheet by the mouse: points in shares of its width and height."""
    box = page.locator("#sheet").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def drop(page, path: Path) -> None:
    """Drop a file on the page."""
    page.evaluate(
        """([bytes, name]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
            const make = (kind) => new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true });
            for (const kind of ["dragover", "drop"]) document.body.dispatchEvent(make(kind));
        }""",
        [list(path.read_bytes()), path.name],
    )


def looks_good(page) -> dict:
    """Return what tells of a page's looks: whether it is wider than the screen, gray of paper and ink, 0 to 255."""
    return page.evaluate(
        """() => {
            const gray = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, one) => sum + one / 3, 0);
            const style = getComputedStyle(document.body);
            return {
                wide: document.documentElement.scrollWidth > innerWidth,
                paper: gray(style.backgroundColor), ink: gray(style.color),
            };
        }"""
    )


@dataclass
class Server:
    """A web.py that runs: its address, its process, and when it was started, seconds since 1970."""

    address: str
    process: subprocess.Popen
    started: float

    def ask(self, path: str, body: bytes, **options: str) -> tuple[int, str]:
        """Return status and text of an answer."""
        try:
            with urllib.request.urlopen(f"{self.address}{path}?{urlencode(options)}", body, timeout=120) as answer:
                return answer.status, answer.read().decode(errors="replace")  # a JPEG, perhaps
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def megabytes(self) -> float:
        """Return how much memory it holds."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def served(part: str, *arguments: object) -> Iterator[Server]:
    """Start the web.py of a part."""
    command = [sys.executable, ROOT / PARTS[part] / "web.py", "--no-open", "--port", 8400, *arguments]
    started = time.time()
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield Server(process.stdout.readline().partition(": ")[2].strip(), process, started)
        finally:
            process.kill()
