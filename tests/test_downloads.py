"""Files fetched once: used where they lie, resumed, checked, and named when they cannot be had."""

import hashlib
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recognition import downloads
from recognition.downloads import fetch
from recognition.settings import UserError

CONTENT = bytes(range(256)) * 2000
TENTH = len(CONTENT) // 10
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT: /whole at once; /cut, /chunks a tenth at a time; /stubborn always breaks off in the middle."""

    asked: list[str | None]

    def do_GET(self):
        self.asked.append(self.headers["Range"])
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(self.headers["Range"][6:-1]) if self.headers["Range"] and self.path in ("/cut", "/chunks") else 0
        part = {"/whole": CONTENT, "/stubborn": CONTENT[: len(CONTENT) // 2]}.get(self.path, CONTENT[start:][:TENTH])
        self.protocol_version = "HTTP/1.1"
        self.send_response(206 if start else 200)
        if self.path == "/chunks":  # their end is told, not their length
            self.send_header("Transfer-Encoding", "chunked")
            part = b"%x\r\n%b\r\n" % (len(part), part) + b"0\r\n\r\n" * (start + TENTH >= len(CONTENT))
        else:
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(part)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """Return the address of a server and the list of byte ranges that it was asked for."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
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


@pytest.mark.parametrize("page", ["cut", "chunks"])
@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_broken_download_goes_on_where_it_broke_as_long_as_bytes_come(server, tmp_path, page, sha256):
    address, asked = server
    assert fetch(tmp_path / "a.bin", f"{address}/{page}", sha256).read_bytes() == CONTENT
    assert asked == [None, *(f"bytes={k * TENTH}-" for k in range(1, 10))]


def test_a_server_that_is_away_for_a_moment_is_asked_again(server, tmp_path, monkeypatch):
    urlopen, answers = urllib.request.urlopen, iter([True, False, False] + [True] * 9)

    def sometimes(*arguments, **options):
        if not next(answers):
            raise urllib.error.URLError("no route to host")
        return urlopen(*arguments, **options)

    monkeypatch.setattr(urllib.request, "urlopen", sometimes)
    assert fetch(tmp_path / "a.bin", f"{server[0]}/cut", None).read_bytes() == CONTENT


@pytest.mark.parametrize("page, reason", [("stubborn", "breaks again"), ("missing", "Not Found")])
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
    def interrupted(bar, done):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads.Bar, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(tmp_path / "a.bin", f"{server[0]}/whole", SHA256)
    assert files(tmp_path) == []
