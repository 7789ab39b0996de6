"""Files fetched once: used where they lie, resumed, checked, and named when they cannot be had."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recognition import downloads
from recognition.downloads import fetch
from recognition.settings import UserError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT: /whole at once; /cut half of it, and the rest on request; /stubborn always breaks off."""

    asked: list[str | None]

    def do_GET(self):
        self.asked.append(self.headers["Range"])
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(self.headers["Range"][6:-1]) if self.headers["Range"] and self.path == "/cut" else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        whole = self.path == "/whole" or start
        self.wfile.write(CONTENT[start:] if whole else CONTENT[: len(CONTENT) // 2])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """Return the address of a server and the list of byte ranges that it was asked for."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Server.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}", Server.asked
        http.shutdown()


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_once_with_its_folder(server, tmp_path):
    address, asked = server
    path = tmp_path / "models" / "a file é.bin"
    assert fetch(path, f"{address}/whole", SHA256) == path
    assert path.read_bytes() == CONTENT
    fetch(path, f"{address}/whole", {"0" * 64, SHA256})
    assert asked == [None] and files(tmp_path) == [path.name]


def test_a_broken_download_goes_on_where_it_broke(server, tmp_path):
    address, asked = server
    assert fetch(tmp_path / "a.bin", f"{address}/cut", SHA256).read_bytes() == CONTENT
    assert asked == [None, f"bytes={len(CONTENT) // 2}-"]


@pytest.mark.parametrize("page, reason", [("stubborn", "Incomplete"), ("missing", "Not Found")])
def test_what_cannot_be_downloaded_is_named_and_leaves_nothing(server, tmp_path, page, reason):
    with pytest.raises(UserError, match=reason) as error:
        fetch(tmp_path / "a.bin", f"{server[0]}/{page}", SHA256, "or do without")
    assert str(tmp_path / "a.bin") in str(error.value) and str(error.value).endswith("there, or do without")
    assert "\n" not in str(error.value) and files(tmp_path) == []


def test_another_file_than_expected_is_not_kept(server, tmp_path):
    address, _ = server
    with pytest.raises(UserError, match="hash differs"):
        fetch(tmp_path / "a.bin", f"{address}/whole", "0" * 64)
    assert files(tmp_path) == []


def test_offline_the_message_says_which_file_to_put_where(tmp_path):
    with pytest.raises(UserError, match=r"put the file from http://127.0.0.1:9/a.bin there"):
        fetch(tmp_path / "a.bin", "http://127.0.0.1:9/a.bin", SHA256)


def test_a_local_file_with_another_hash_is_refused_and_stays(server, tmp_path):
    address, asked = server
    path = tmp_path / "a.bin"
    path.write_bytes(b"something else")
    with pytest.raises(UserError, match="delete it to download it again"):
        fetch(path, f"{address}/whole", SHA256)
    assert path.read_bytes() == b"something else" and not asked


def test_a_kill_midway_leaves_no_half_file(server, tmp_path, monkeypatch):
    def interrupted(answer):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path / "a.bin", f"{server[0]}/whole", SHA256)
    assert files(tmp_path) == []
