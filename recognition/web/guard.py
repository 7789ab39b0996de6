"""Who may talk to a page: no other page of the same browser, and from elsewhere nobody without the token.

A page on the internet can have the browser send requests to 127.0.0.1, or call itself 127.0.0.1 by its own name server
(DNS rebinding). The browser then says where the request comes from, `Origin`, and under which name it was sent, `Host`.
"""

import asyncio
import hmac
import ipaddress
import re
import socket
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recognition.settings import UserError

HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::\d+)?")  # an address of IPv6, or any other, or a name
SHORTEST = 8  # letters of a token
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this computer alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(host: str, token: str | None) -> None:
    """Raise UserError for an address that others reach without a token, and for a token that can be guessed."""
    if not is_loopback(host) and not token:
        raise UserError(f"--host {host}: others can reach it, so it needs --token WORD, which they have to know", 2)
    if token is not None and (len(token) < SHORTEST or not token.isascii() or not token.isalnum()):
        raise UserError(f"--token: at least {SHORTEST} letters and digits, a to z, 0 to 9", 2)


class Guard:
    """Lets requests through to an app, or answers them itself; adds the headers that bind the browser."""

    def __init__(self, app: ASGIApp, host: str, token: str | None):
        """`host`: what is listened on."""
        self._app, self._host, self._token = app, host, token
        self._names = {"localhost"}
        if not is_loopback(host):  # others call it by these, too; the token protects it
            name = socket.gethostname()
            names = host, name, f"{name.partition('.')[0]}.local", socket.getfqdn()
            self._names |= {one.lower() for one in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        answered = False

        async def send_with_headers(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope)
        if refused is None:
            try:
                await self._app(scope, receive, send_with_headers)
            except asyncio.CancelledError:  # Ctrl-C
                if scope["type"] == "http" and not answered:
                    await _no(503, "the program was ended")(scope, receive, send_with_headers)
                raise
        elif scope["type"] == "http":
            await refused(scope, receive, send_with_headers)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "not allowed"})  # before it is accepted: 403

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_ours(host):
            return _no(403, f"this page is not called {host[:100]!r}: use the address that the program printed")
        if origin is not None and origin != f"{scope['scheme'].replace('ws', 'http')}://{host}":
            return _no(403, "another page may not ask here")
        opened = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"  # by a link, say
        if not opened and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _no(403, "another page may not ask here")
        return self._without_token(scope, headers) if self._token else None

    def _is_ours(self, host: str) -> bool:
        """Tell whether a Host is one of this computer: by a name that somebody else gave it nobody may ask."""
        name = HOST.fullmatch(host.lower())
        name = (name[1] or name[2]) if name else ""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return address.is_loopback or not is_loopback(self._host)

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Return what to answer who does not have the token; the page gets it as a cookie from its address."""
        cookie = f"token-{(scope.get('server') or ('', 0))[1]}"  # ports share cookies
        told = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and scope["type"] == "http" and self._fits(told):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(cookie, told, httponly=True, samesite="lax")  # "strict" is not sent after a mail's link
            return answer
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._fits(bearer) or self._fits(cookie_parser(headers.get("cookie", "")).get(cookie, "")):
            return None
        return _no(401, "the token is missing or wrong: open the address that the program printed, with ?token=")

    def _fits(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def _no(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
