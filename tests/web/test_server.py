"""The server of the pages, without a browser: what is answered, how errors arrive, and what it is bound by."""

import contextlib
import http.client
import json
import mimetypes
import socket
import statistics
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import quote

import cv2
import damaged_pages
import numpy as np
import pytest
import uvicorn
from web_program import Program, Sizes, ask, error, live, png, served

from recognition.web import app, server, worker


@pytest.fixture(scope="module")
def port():
    with served(Sizes()) as number:
        yield number


def test_a_picture_is_answered_by_a_line_and_its_name_is_no_path(port):
    status, headers, text = ask(port, "/read?name=../../etc/passwd", png())
    assert (status, headers["x-size"], headers["content-type"]) == (200, "20x10", "application/jsonl")
    assert text == '{"source": "../../etc/passwd", "frame": 0, "size": [20, 10]}\n'
    assert json.loads(ask(port, "/read", png())[2])["source"] == "photo"
    assert json.loads(ask(port, "/read?name=a%00b%0Ac", png())[2])["source"] == "a?b?c"


def test_pages_of_a_tiff_and_of_a_pdf_are_a_line_each(port, tmp_path):
    from PIL import Image

    pages = [Image.new("RGB", (30 + k, 40), "white") for k in range(3)]
    for suffix in ("tiff", "pdf"):
        pages[0].save(tmp_path / f"pages.{suffix}", save_all=True, append_images=pages[1:])
        status, headers, text = ask(port, f"/read?name=pages.{suffix}", (tmp_path / f"pages.{suffix}").read_bytes())
        lines = [json.loads(line) for line in text.splitlines()]
        assert status == 200 and len(headers["x-size"].split(",")) == 3
        assert [line["source"] for line in lines] == [f"pages.{suffix}{end}" for end in ("", "#2", "#3")]
        assert [line["frame"] for line in lines] == [0, 1, 2]
        content = (tmp_path / f"pages.{suffix}").read_bytes()
        sizes = [json.loads(ask(port, f"/named{page}", content)[2])["frame"] for page in ("", "?page=1", "?page=3")]
        assert sizes == [lines[k]["size"] for k in (0, 0, 2)] and sizes[0] != sizes[2]
        for page in ("4", "0", "-1", "x", "²", "99999999"):
            assert error(ask(port, f"/named?page={quote(page)}", content)) == (
                400, f"page={page}: the picture has no such page; the first is page=1"
            )  # fmt: skip


@pytest.mark.parametrize("suffix", ["tiff", "pdf"])
def test_a_page_that_cannot_be_read_costs_no_other_one(port, tmp_path, suffix):
    name = f"pages.{suffix}"
    content = damaged_pages.save(tmp_path / name, 4, [1]).read_bytes()
    status, headers, text = ask(port, f"/read?name={name}", content)
    lines, sizes = [json.loads(line) for line in text.splitlines()], headers["x-size"].split(",")
    assert status == 200 and [line["frame"] for line in lines] == [0, 1, 2, 3]
    assert lines[1].keys() == {"source", "frame", "error"} and lines[1]["source"] == f"{name}#2"
    assert lines[1]["error"].startswith(f"{name}: page 2")
    assert [size == "0x0" for size in sizes] == [False, True, False, False]
    assert json.loads(ask(port, "/named?page=3", content)[2])["frame"] == lines[2]["size"]
    assert error(ask(port, "/named?page=2", content))[0] == 422
    content = damaged_pages.save(tmp_path / name, 2, [0, 1]).read_bytes()
    status, reason = error(ask(port, f"/read?name={name}", content))
    assert status == 422 and reason.startswith(f"{name}: page 1")


def test_what_is_cut_off_costs_no_page_before_it(port, tmp_path):
    content = damaged_pages.save(tmp_path / "a.tiff", 6, []).read_bytes()
    *lines, last = map(json.loads, ask(port, "/read?name=a.tiff", content[: len(content) // 2])[2].splitlines())
    assert lines and "error" not in lines[-1] and last.keys() == {"source", "error"}


def test_actions_get_options_and_a_picture_or_none(port):
    assert json.loads(ask(port, "/named?a=1&b=x", png())[2]) == {"options": {"a": "1", "b": "x"}, "frame": [20, 10]}
    assert json.loads(ask(port, "/named", b"")[2]) == {"options": {}, "frame": None}
    assert ask(port, "/drawn", b"")[1]["content-type"] == "image/jpeg"
    preview = cv2.imdecode(np.frombuffer(picture(port, png(4000, 2000)), np.uint8), cv2.IMREAD_COLOR)
    assert preview.shape == (800, 1600, 3) and abs(int(preview.mean()) - 200) < 2


def picture(port: int, content: bytes) -> bytes:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/preview", content) as answer:
        return answer.read()


def test_every_error_is_one_line_with_a_fitting_code(port, capfd):
    bomb = bytearray(png())
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    assert error(ask(port, "/read", b"")) == (422, "photo: the file is empty")
    assert error(ask(port, "/read?name=x.png", b"\x89PNG"))[0] == 422
    assert error(ask(port, "/read?name=x.png", bytes(bomb))) == (
        422,
        "x.png: 60000x60000 pixels are too many (limit 64,000,000): shrink it",
    )
    assert error(ask(port, "/read", png()[:-30]))[0] == 422
    assert error(ask(port, "/read?name=a.pdf", b"%PDF-1.4 nothing"))[0] == 422
    assert error(ask(port, "/read", png(), content_type="Multipart/form-data; boundary=x"))[0] == 415
    assert error(ask(port, "/refused", b"")) == (400, "this cannot be")
    assert error(ask(port, "/nowhere", b"")) == (404, "there is no such address: see docs/web.md")
    assert error(ask(port, "/a/b"))[0] == error(ask(port, "/read/", png()))[0] == 404
    assert len(error(ask(port, f"/refused?words={'x' * 5000}", b""))[1]) == app.LONGEST
    assert error(ask(port, "/read", method="GET"))[0] == 405
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/"):
        assert error(ask(port, path))[0] == 404
    assert error(ask(port, "/full", b"")) == (422, "faces/Ada/1.jpg: No space left on device")
    capfd.readouterr()
    assert error(ask(port, "/broken", b"")) == (500, "the program made a mistake, which its terminal names")
    assert capfd.readouterr().err == "error: /broken: ZeroDivisionError: a fault\n"


def test_too_many_bytes_are_not_read(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        head = f"POST /read HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {app.MOST + 1}\r\n\r\n"
        client.sendall(head.encode())
        answer = b"".join(iter(lambda: client.recv(4000), b""))
    assert b" 413 " in answer and b"more than 100 MB" in answer


def test_what_has_no_length_is_counted(monkeypatch):
    monkeypatch.setattr(app, "MOST", 1000)
    with served(Sizes()) as port:
        status, reason = error(ask(port, "/read", iter([b"x" * 600] * 2)))
    assert status == 413 and "smaller" in reason


def test_what_comes_too_slowly_is_given_up(monkeypatch):
    monkeypatch.setattr(app, "ARRIVED", 0.3)
    with served(Sizes()) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"POST /read HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9\r\n\r\nx".encode())
        answer = b"".join(iter(lambda: client.recv(4000), b""))  # till it is closed
    assert b" 408 " in answer and b"not here within" in answer


def test_slow_uploads_keep_nobody_waiting_and_what_is_held_is_bounded(monkeypatch):
    head = "POST /read HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 99000\r\n\r\n"
    with served(Sizes()) as port, contextlib.ExitStack() as clients:
        slow = [clients.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(8)]
        for client in slow:
            client.sendall(head.format(port=port).encode() + b"x" * 1000)
        begun = time.monotonic()
        assert ask(port, "/read", png())[0] == 200
        assert time.monotonic() - begun < 2
        monkeypatch.setattr(app, "MOST_HELD", 7500)
        busy = (503, "too much is asked at once: try again in a moment")
        assert error(ask(port, "/read", png())) == busy
        for client in slow:
            client.close()
        time.sleep(0.5)
        assert ask(port, "/read", png())[0] == 200


def test_who_connects_and_asks_nothing_is_sent_away(monkeypatch):
    monkeypatch.setattr(server, "SILENT", 0.3)
    with served(Sizes(1.0)) as port, contextlib.ExitStack() as clients:
        one, other, third = (
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in range(3)
        )
        other.sendall(b"GET / HTTP/1.1\r\nHost: 127.0")
        third.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\nGET".encode())
        with live(port) as camera:
            assert ask(port, "/read", png())[0] == 200  # it takes longer than silence may
            assert one.recv(100) == other.recv(100) == b""
            assert third.recv(100).startswith(b"HTTP/1.1 200")
            while third.recv(65536):
                pass
            camera.recv()
            camera.send(png())
            assert json.loads(camera.recv())["frame"] == 0


def test_answers_over_one_connection_come_at_once(port):
    """TCP holds back what follows the headers, and the other side 40 ms what it has received, unless told otherwise."""
    seconds, picture = [], png()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for _ in range(40):
            begun = time.monotonic()
            connection.request("POST", "/read", picture)
            assert connection.getresponse().read()
            seconds.append(time.monotonic() - begun)
    assert statistics.median(seconds) < 0.03


def test_an_answer_that_takes_too_long_and_too_many_at_once_are_told(monkeypatch):
    monkeypatch.setattr(worker.Worker.do, "__kwdefaults__", {"patience": 0.2})
    with served(Sizes(1.0)) as port:
        assert error(ask(port, "/read", png())) == (503, "no answer within 0 seconds: send fewer, or smaller pictures")
    monkeypatch.setattr(worker, "MOST", 0)
    with served(Sizes()) as port:
        assert error(ask(port, "/read", png())) == (503, "too much is asked at once: try again in a moment")


def test_a_taken_port_makes_way_ctrl_c_ends_at_once_and_tabs_are_told(tmp_path):
    with socket.create_server(("127.0.0.1", 8310)), Program("digit_recognition", cwd=tmp_path, port=8310) as program:
        assert program.address == "http://127.0.0.1:8311/"
        assert ask(8311, "/")[0] == 200
        with live(8311) as tab:
            assert json.loads(tab.recv()) == {"ready": True, "page": "digits"}
            begun = time.monotonic()
            code, errors = program.stop()
            assert time.monotonic() - begun < 2
            with pytest.raises(Exception, match="1012"):
                tab.recv(timeout=2)
    assert code == 130
    assert errors.splitlines() == ["port 8310 is taken: 8311 instead", "Ctrl-C ends it", "stopped"]


def test_ctrl_c_ends_it_at_once_in_the_middle_of_work_too(tmp_path):
    page = png(3000, 3000)
    with Program("digit_recognition", cwd=tmp_path, port=8315) as program, ThreadPoolExecutor(3) as askers:
        asked = [askers.submit(ask, program.port, "/read", page) for _ in range(3)]
        time.sleep(0.5)
        begun = time.monotonic()
        code, errors = program.stop()
        assert time.monotonic() - begun < 4
        assert (code, errors.splitlines()) == (130, ["Ctrl-C ends it", "stopped"])
        told = {error(one.result()) for one in asked if not one.exception()}
        assert told <= {(503, "the program was ended")}


def test_ctrl_c_while_it_starts_is_not_forgotten(monkeypatch):
    begin, kept = threading.Event(), []

    def run(running, sockets):
        running.should_exit = True  # as Ctrl-C does
        begin.set()
        time.sleep(0.2)  # in which the part gets ready
        kept.append(running.should_exit)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    config = SimpleNamespace(host="127.0.0.1", port=0, token=None, open=False)
    assert server.serve("digits", begin.wait, config) == 0
    assert kept == [True]


def test_scripts_run_whatever_windows_takes_their_suffix_for():
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for suffix in kinds:
        mimetypes.add_type("text/plain", suffix)
    with served(Sizes()) as port:
        for name in ("shared.js", "shared.css", "icon.svg"):
            told = ask(port, f"/static/{name}")[1]["content-type"]
            assert told.partition(";")[0] == kinds[name[name.index(".") :]]


def test_who_leaves_in_the_middle_of_an_upload_is_no_fault(port, capfd):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"POST /read HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 99\r\n\r\nx".encode())
        time.sleep(0.2)
    time.sleep(0.3)
    assert ask(port, "/read", png())[0] == 200
    assert capfd.readouterr().err == ""


def test_what_cannot_be_served_is_told_in_one_line(script):
    for arguments, line in {
        (
            "--host",
            "0.0.0.0",
        ): "error: --host 0.0.0.0: others can reach it, so it needs --token WORD, which they have to know",
        ("--token", "short"): "error: --token: at least 8 letters and digits, a to z, 0 to 9",
        ("--host", "192.0.2.1", "--token", "abcd1234"): "error: --host 192.0.2.1: no address of this computer",
        ("--port", "70000"): "error: --port 70000: must be 0 to 65535",
        ("--threshold", "2"): "error: --threshold 2.0: must be 0 to 1",
    }.items():
        done = script("digit_recognition/web.py", "--no-open", *arguments)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(line)
        assert done.stderr.count("error") == 1 and "Traceback" not in done.stderr
    done = script("digit_recognition/web.py", "--no-open", "--model", "nothing")
    assert done.returncode == 1 and "nothing.json not found" in done.stderr.splitlines()[-1]
