"""The addresses of a page: the page itself, POST /read and the part's own actions, and /live for frames of a camera.

A part is an object that is made, and asked, in one thread:

    read(frame) -> str             the line of JSON that the script's --json prints
    watch(options) -> function     the same for one camera, frame after frame
    actions                        {"name": function(options, frame or None) -> dict or bytes of a JPEG}, POST /name

`options`: what stands behind the ? of the address, str to str.
"""

import asyncio
import contextlib
import json
import mimetypes
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import cv2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from recognition.media import frames
from recognition.media.decoding.documents import BadPage
from recognition.media.roi import Box
from recognition.names import printable
from recognition.settings import UserError, say
from recognition.web.worker import PATIENCE, Busy, Worker

PAGES = Path(__file__).parent / "pages"
MOST = 100_000_000  # bytes of a picture
MOST_LIVE = 4_000_000  # and of a frame of a camera
ARRIVED = 30.0  # seconds in which it has to be here
MOST_HELD = 4 * MOST  # bytes of all pictures that wait for an answer, or are on their way
CAMERAS = 50  # at once
LONGEST = 1000  # letters of an error: names that were sent may be long
PREVIEW = 1600  # pixels of the longer side of a picture for the browser
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def named(name: str, content: bytes) -> str:
    """Return what a picture is called, which says whether it is a PDF."""
    return "photo.pdf" if content[:5] == b"%PDF-" and not name.lower().endswith(".pdf") else name


def pages_of(name: str, content: bytes) -> Iterator[frames.Frame | UserError]:
    """Yield the pages of a picture, one as a rule, and why others, or what follows, cannot be read."""
    try:
        yield from frames.every_page(name, content)
    except UserError as error:
        yield error


def read(part, name: str, content: bytes) -> tuple[str, str]:
    """Return the lines of JSON for a picture's pages, with `error` for what cannot be read, and their sizes,
    "640x480,0x0,640x480". Raises UserError where no page can be read."""
    name, lines, sizes, errors, begun = named(name, content), [], [], [], time.monotonic()
    for page in pages_of(name, content):
        if isinstance(page, UserError):
            errors.append(page)
            where = {"source": f"{name}#{page.index + 1}", "frame": page.index} if isinstance(page, BadPage) else {}
            lines.append(json.dumps({"source": name, **where, "error": str(page)}) + "\n")
            sizes.append("0x0")
            continue
        sizes.append("{1}x{0}".format(*(round(page.scale * side) for side in page.image.shape)))
        lines.append(part.read(page) + "\n")
        if time.monotonic() - begun > PATIENCE:
            raise UserError(f"{name}: {len(lines)} pages took {PATIENCE:.0f} seconds: send fewer at once")
    if len(errors) == len(lines):
        raise errors[0]
    return "".join(lines), ",".join(sizes)


def box_of(options: dict, scale: float) -> Box | None:
    """Return the `box` of options, "x1,y1,x2,y2" in pixels of a file, in those of a frame of that scale; None without
    one. Raises UserError for another one."""
    if "box" not in options:
        return None
    try:
        x1, y1, x2, y2 = (round(int(side) / scale) for side in options["box"].split(","))
    except (ValueError, OverflowError):
        raise UserError(f"box={printable(options['box'][:40])}: four whole numbers, x1,y1,x2,y2", 2) from None
    return x1, y1, x2, y2


def page_of(options: dict, name: str, content: bytes) -> frames.Frame:
    """Return the `page` of options, counted from 1, the first without one. Raises UserError where there is none."""
    page = options.get("page", "1")
    wanted = int(page) - 1 if page.isascii() and page.isdigit() and len(page) < 6 else -1
    name = named(name, content)
    source = f"{name}#{page}" if wanted else name
    if wanted < 0 or (image := next(frames.read_pages(name, content, wanted), None)) is None:
        raise UserError(f"page={printable(page[:40])}: the picture has no such page; the first is page=1", 2)
    return frames.Frame(source, wanted, image, time.monotonic(), scale=frames.scale_of(Path(name), image, content))


def preview(_part, options: dict, name: str, content: bytes) -> bytes:
    """Return a page of a picture as a JPEG, for what a browser cannot show."""
    image = page_of(options, name, content).image
    scale = min(1.0, PREVIEW / max(image.shape[:2]))
    size = max(1, round(scale * image.shape[1])), max(1, round(scale * image.shape[0]))
    return cv2.imencode(".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1].tobytes()


class App:
    """What the addresses do, for a part that a worker has."""

    def __init__(self, page: str, worker: Worker):
        self._page, self._worker = page, worker
        self._held = self._cameras = 0  # bytes of pictures that are here; cameras
        for suffix, kind in TYPES.items():  # Windows' registry may have others, with which nothing is run
            mimetypes.add_type(kind, suffix)
        self.starlette = Starlette(
            routes=[
                Route("/", self._show),
                Mount("/static", StaticFiles(directory=PAGES)),
                Route("/read", self._read, methods=["POST"]),
                Route("/preview", self._preview, methods=["POST"]),
                Route("/{action}", self._act, methods=["POST"]),
                WebSocketRoute("/live", self._live),
            ],
            exception_handlers=dict.fromkeys(
                (UserError, Busy, ClientDisconnect, HTTPException, OSError, Exception), _tell
            ),
        )
        self.starlette.router.redirect_slashes = False

    async def _show(self, _request: Request) -> Response:
        return FileResponse(PAGES / f"{self._page}.html")

    async def _read(self, request: Request) -> Response:
        async with self._received(request) as content:
            lines, sizes = await self._ask(read, _name_of(request), content)
        return Response(lines, headers={"x-size": sizes}, media_type="application/jsonl")

    async def _preview(self, request: Request) -> Response:
        async with self._received(request) as content:
            jpeg = await self._ask(preview, dict(request.query_params), _name_of(request), content)
        return Response(jpeg, media_type="image/jpeg")

    async def _act(self, request: Request) -> Response:
        name, options = request.path_params["action"], dict(request.query_params)

        def act(part, content: bytes):
            if (action := part.actions.get(name)) is None:
                raise HTTPException(404)
            frame = page_of(options, "photo", content) if content else None
            return action(options, frame)

        async with self._received(request) as content:
            answer = await self._ask(act, content)
        return Response(answer, media_type="image/jpeg") if isinstance(answer, bytes) else JSONResponse(answer)

    @contextlib.asynccontextmanager
    async def _received(self, request: Request) -> AsyncIterator[bytes]:
        """Hold what was sent. Raises HTTPException for what is too large or too slow, Busy where too much is held."""
        too_large = HTTPException(413, f"more than {MOST / 1e6:.0f} MB: send a smaller picture")
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise HTTPException(415, "a form: send the picture itself, as curl --data-binary @photo.jpg does")
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > MOST:
            raise too_large
        parts, total = [], 0
        try:
            try:
                async with asyncio.timeout(ARRIVED):
                    async for part in request.stream():
                        parts.append(part)
                        total += len(part)
                        self._held += len(part)
                        if total > MOST:
                            raise too_large
                        if self._held > MOST_HELD:
                            raise Busy("too much is asked at once: try again in a moment")
            except TimeoutError:
                raise HTTPException(408, f"not here within {ARRIVED:.0f} seconds: send it again") from None
            content = b"".join(parts)
            parts.clear()
            yield content
        finally:
            self._held -= total

    async def _ask(self, function: Callable, *arguments):
        return await self._worker.do(lambda: function(self._worker.part, *arguments))

    async def _live(self, socket: WebSocket) -> None:
        """Answer the newest frame again and again; those that came before it are left out."""
        await socket.accept()
        if self._cameras >= CAMERAS:
            await socket.close(1013, f"{CAMERAS} cameras are here: try again in a moment")
            return
        newest: asyncio.Queue[tuple[int, bytes, float]] = asyncio.Queue(1)
        self._cameras += 1
        try:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the second: closed while it was answered
                async with asyncio.TaskGroup() as tasks:
                    answering = tasks.create_task(self._answer(socket, newest))
                    number = 0
                    while (message := await socket.receive())["type"] != "websocket.disconnect":
                        if newest.full():
                            newest.get_nowait()
                        newest.put_nowait((number, message.get("bytes") or b"", time.monotonic()))
                        number += 1
                    answering.cancel()
        finally:
            self._cameras -= 1

    async def _answer(self, socket: WebSocket, newest: asyncio.Queue) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, UserError):  # the part cannot be made: all ends
            await self._wait(socket)
            options, watching = dict(socket.query_params), None

            def answer(number: int, content: bytes, seconds: float) -> str:
                nonlocal watching
                if not content:
                    raise UserError("no picture: send one as a binary message", 2)
                watching = watching or self._worker.part.watch(options)
                return watching(frames.Frame("camera", number, frames.read_image("camera", content), seconds))

            while True:
                frame = await newest.get()
                try:
                    line = await self._worker.do(answer, *frame)
                except Exception as error:
                    line = json.dumps({"error": reason_of(error, "/live")[1], "frame": frame[0]})
                await socket.send_text(line)

    async def _wait(self, socket: WebSocket) -> None:
        """Tell the page what happens until the part is ready."""
        ready, told = asyncio.wrap_future(self._worker.ready), 0
        while not ready.done():
            await asyncio.wait([ready], timeout=0.3)
            for note in self._worker.notes[told:]:
                told += 1
                await socket.send_text(json.dumps({"note": note}))
        ready.result()
        await socket.send_text(json.dumps({"ready": True, "page": self._page}))


def _name_of(request: Request) -> str:
    """Return what a picture is to be called."""
    return printable(request.query_params.get("name", ""))[-200:].replace("\0", "?") or "photo"


def reason_of(error: Exception, where: str) -> tuple[int, str]:
    """Return the status and the one line that tell of an error; a fault of the program is told in the terminal."""
    if isinstance(error, HTTPException):
        known = {404: "there is no such address: see docs/web.md", 405: "not this way: see docs/web.md"}
        status, reason = error.status_code, known.get(error.status_code, error.detail)
    elif isinstance(error, UserError):
        status, reason = 400 if error.code == 2 else 422, str(error)
    elif isinstance(error, Busy):
        status, reason = 503, str(error)
    elif isinstance(error, OSError):  # no room, no permission
        status, reason = 422, f"{error.filename or 'output'}: {error.strerror or error}"
    elif isinstance(error, ClientDisconnect):  # the page was closed or loaded anew: nobody hears it
        status, reason = 499, "nobody waits for the answer"
    else:
        say(f"error: {quote(where)}: {type(error).__name__}: {error}")
        status, reason = 500, "the program made a mistake, which its terminal names"
    return status, " ".join(reason.split())[:LONGEST]


def _tell(request: Request, error: Exception) -> Response:
    status, reason = reason_of(error, request.url.path)
    answer = JSONResponse({"error": reason}, status, getattr(error, "headers", None))
    if status in (408, 413, 503):  # what still comes is not read
        answer.headers["connection"] = "close"
    return answer
