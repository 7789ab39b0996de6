"""Who may talk to a page: other pages of the same browser may not, and from elsewhere nobody without the token."""

import re
import socket

import pytest
from test_server import Sizes, png
from web_program import ask, error, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from recognition.web import app, guard

TOKEN = "abc12345"


@pytest.fixture(scope="module")
def port():
    with served(Sizes()) as number:
        yield number


@pytest.fixture(scope="module")
def shared():
    with served(Sizes(), "0.0.0.0", TOKEN) as number:
        yield number


@pytest.mark.parametrize("path", ["/", "/static/shared.js", "/read"])
def test_under_another_name_nothing_is_answered(port, path):
    """As with DNS rebinding: evil.example leads to 127.0.0.1."""
    body = png() if path == "/read" else None
    for host in ("127.0.0.1", "localhost", f"LOCALHOST:{port}", "[::1]:80", "127.0.0.2"):
        assert ask(port, path, body, host=host)[0] == 200
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "a@127.0.0.1",
        "192.168.0.5",
        "",
        "::1",
    ):
        assert error(ask(port, path, body, host=host))[0] == 403, host


def test_another_page_of_the_browser_may_not_ask(port):
    own = f"http://127.0.0.1:{port}"
    assert ask(port, "/read", png(), origin=own, sec_fetch_site="same-origin")[0] == 200
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        f"https://127.0.0.1:{port}",
        "http://localhost",
    ):
        assert error(ask(port, "/read", png(), origin=origin))[0] == 403
    for site in ("cross-site", "same-site"):
        assert error(ask(port, "/read", png(), sec_fetch_site=site))[0] == 403
        assert error(ask(port, "/static/shared.js", sec_fetch_site=site))[0] == 403
        assert ask(port, "/", sec_fetch_site=site)[0] == 200  # a link to the page


def test_another_page_may_not_listen(port):
    with connect(f"ws://127.0.0.1:{port}/live", origin=f"http://127.0.0.1:{port}", proxy=None) as socket:
        assert socket.recv()
    for refused in ({"origin": "https://evil.example"}, {"additional_headers": {"Sec-Fetch-Site": "cross-site"}}):
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"ws://127.0.0.1:{port}/live", proxy=None, **refused)


def test_others_need_the_token(shared):
    for headers in (
        {},
        {"authorization": "Bearer abc12346"},
        {"cookie": f"token-{shared}=no"},
        {"cookie": "token-1=" + TOKEN},
    ):
        for path in ("/", "/static/shared.js", "/?token=abc1234", "/static/shared.js?token=" + TOKEN):
            assert error(ask(shared, path, **headers))[0] == 401
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"ws://127.0.0.1:{shared}/live", proxy=None, additional_headers=headers)
    assert ask(shared, "/read", png(), authorization=f"Bearer {TOKEN}")[0] == 200
    status, headers, _ = ask(shared, f"/?token={TOKEN}")
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie
    kept = {"cookie": cookie.partition(";")[0]}
    assert ask(shared, "/", **kept)[0] == 200
    with connect(f"ws://127.0.0.1:{shared}/live", proxy=None, additional_headers=kept) as socket:
        assert socket.recv()
    assert error(ask(shared, "/read", png(), origin="http://evil.example", **kept))[0] == 403


def test_listening_for_others_this_computer_has_no_foreign_name_either(shared):
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for host in ("192.168.0.5:8000", "[fe80::1]", "localhost"):
        assert ask(shared, "/", host=host, **bearer)[0] == 200
    assert error(ask(shared, "/", host="evil.example", **bearer))[0] == 403


@pytest.mark.parametrize(("host", "status"), [("0.0.0.0", 200), ("127.0.0.1", 403)])
def test_the_names_that_others_call_this_computer_by(monkeypatch, host, status):
    monkeypatch.setattr(socket, "gethostname", lambda: "Desk.home")
    monkeypatch.setattr(socket, "getfqdn", lambda: "desk.example.org")
    with served(Sizes(), host, TOKEN) as port:
        for name in ("desk.home", "desk.local", f"desk.example.org:{port}"):
            assert ask(port, "/", host=name, authorization=f"Bearer {TOKEN}")[0] == status
        assert ask(port, "/", host="desk.example", authorization=f"Bearer {TOKEN}")[0] == 403


def test_which_addresses_are_this_computers_alone():
    assert all(map(guard.is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1")))
    assert not any(map(guard.is_loopback, ("0.0.0.0", "::", "192.168.0.5", "laptop", "", "127.0.0.1.evil.example")))


def test_pages_have_no_inline_code_load_nothing_from_elsewhere_and_are_small(port):
    policy = ask(port, "/")[1]["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert ask(port, "/")[1]["x-content-type-options"] == "nosniff"
    for path in app.PAGES.iterdir():
        text = path.read_text(encoding="utf-8")
        addresses = set(re.findall(r"(?:https?:)?//[\w.]+", text.replace("http://www.w3.org/2000/svg", "")))
        assert not {one for one in addresses if not one.startswith("// ")}, path.name
        if path.suffix == ".html":
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", text), path.name
    assert sum(path.stat().st_size for path in app.PAGES.iterdir()) < 150_000  # all pages together
