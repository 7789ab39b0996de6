"""The addresses that are printed when a page is served: each of them can be opened."""

import contextlib
import http.client
import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import uvicorn
from web_program import Program

from recognition.web import server


def test_others_are_told_an_address_without_a_name_too(monkeypatch, capsys):
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr(
        server, "network_addresses", lambda host: {"0.0.0.0": ["192.168.0.5", "2001:db8::5"]}.get(host, [])
    )
    config = SimpleNamespace(host="0.0.0.0", port=0, token="abc12345", open=False)
    server.serve("digits", object, config)
    named, *numbered = capsys.readouterr().out.splitlines()
    end = f"{named.split(':')[3].split('/')[0]}/?token=abc12345"
    assert named == f"digits: http://{socket.gethostname()}:{end}"
    assert numbered == [f"digits: http://192.168.0.5:{end}", f"digits: http://[2001:db8::5]:{end}"]
    config.host = "127.0.0.1"
    server.serve("digits", object, config)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_each_address_that_is_printed_can_be_opened(tmp_path, host):
    if host == "::":
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this computer has no IPv6")
    token = "abc12345"
    with Program("digit_recognition", "--host", host, "--token", token, cwd=tmp_path, port=8330) as program:
        told = [program.address, *(f"http://{name}:{program.port}/?token={token}" for name in ("127.0.0.1", "[::1]"))]
        told += [server.address_of(here, program.port, token) for here in server.network_addresses(host)]
        for address in told if host == "::" else [one for one in told if "[" not in one]:
            opened = urlsplit(address)
            with contextlib.closing(http.client.HTTPConnection(opened.hostname, opened.port, timeout=20)) as connection:
                connection.request("GET", f"/?{opened.query}")
                assert connection.getresponse().status == 303, address
