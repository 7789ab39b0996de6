"""Serve a page on this computer until Ctrl-C, and open it in the browser."""

import asyncio
import contextlib
import errno
import os
import socket
import threading
import webbrowser
from collections.abc import Callable
from concurrent.futures import Future

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from recognition import settings
from recognition.media.windows import has_display
from recognition.web import app, guard
from recognition.web.worker import Worker

NEXT = 20  # ports that are tried
CONNECTIONS = 200  # at once
SILENT = 10.0  # seconds after which a connection that asks nothing is closed, at the second look
IPV4, IPV6 = {socket.AF_INET: "192.0.2.1"}, {socket.AF_INET6: "2001:db8::1"}  # where nobody is
EVERYWHERE = {"0.0.0.0": IPV4, "::": IPV4 | IPV6}  # --host for all of this computer's addresses
LAST = 1.0  # seconds that what is being done gets at the end


class Protocol(H11Protocol):
    """HTTP that also closes connections whose first request, or next one, never comes whole: they take room."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # What follows the headers would wait 40 ms for the other side to say that it has them
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.call_later(SILENT, self._look, None)

    def _look(self, before: object) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:  # a WebSocket by now
            return
        idle = None if self.cycle and not self.cycle.response_complete else self.cycle or self  # what was answered last
        if idle and idle is before:
            self.transport.close()
        else:
            self.loop.call_later(SILENT, self._look, idle)


def serve(page: str, make: Callable[[], object], config) -> int:
    """Serve pages/PAGE.html and answer it till Ctrl-C. `make` makes the part, see app.py.

    `config` has host, port, token and open. Raises UserError for an address that cannot be had, and what `make` raises.
    """
    settings.check_range(config, 0, 65535, "port")
    guard.check(config.host, config.token)
    listening = listen(config.host, config.port)
    address = address_of(config.host, listening.getsockname()[1], config.token)
    print(f"{page}: {address}", flush=True)
    for here in network_addresses(config.host):  # not every network knows the computer's name
        print(f"{page}: {address_of(here, listening.getsockname()[1], config.token)}", flush=True)
    settings.say("Ctrl-C ends it")
    worker = Worker(make)
    starlette = app.App(page, worker).starlette
    server = uvicorn.Server(configuration(guard.Guard(starlette, config.host, config.token)))

    def end_without_part(ready: Future) -> None:
        if ready.exception():  # else it stays as it is: Ctrl-C may have come meanwhile
            server.should_exit = True

    worker.ready.add_done_callback(end_without_part)
    if config.open and has_display():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        if close := getattr(worker.part, "close", None):
            close()
        if not worker.end(LAST):  # code in C++ would take Python's own end for a crash
            settings.say("stopped")
            os._exit(130)
    if worker.ready.done():
        worker.ready.result()  # raises what went wrong
    return 0


def configuration(guarded: guard.Guard) -> uvicorn.Config:
    """Return how a guarded app is served."""
    return uvicorn.Config(
        guarded,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=app.MOST_LIVE,
        ws_per_message_deflate=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=0,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port, or the next one that is free; on "::" for IPv4, too. Raises UserError if
    there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # the computer's name may stand for an address of IPv4 alone
    for number in range(port, min(port + NEXT, 65536)):
        try:
            listening = socket.create_server((host, number), family=family, dualstack_ipv6=both)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES) or getattr(error, "winerror", None) == 10013:
                continue
            raise settings.UserError(f"--host {host}: no address of this computer ({error.strerror})", 2) from None
        if number != port:
            settings.say(f"port {port} is taken: {number} instead")
        return listening
    raise settings.UserError(f"--port {port}: it is taken, and so are those after it: choose another one", 2)


def address_of(host: str, port: int, token: str | None) -> str:
    """Return the address to open; of all addresses of this computer ("0.0.0.0", "::") its name."""
    host = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={token}" if token else "")


def network_addresses(host: str) -> list[str]:
    """Return this computer's addresses in its network, such as 192.168.0.5 and 2001:db8::5, if `host` means all."""
    found = []
    for family, somewhere in EVERYWHERE.get(host, {}).items():
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:  # there is no such network
            way.connect((somewhere, 9))  # nothing is sent: it only chooses the way there
            found.append(way.getsockname()[0])
    return found
