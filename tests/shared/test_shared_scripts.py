"""The scripts with a shared gallery, as users run them: enrol here, recognise there, live while the server restarts."""

import json
import subprocess
import sys
import threading
import time
import urllib.request

import camera_server
import cv2
import pytest
from conftest import script_environment
from web_program import Program, ask

from recognition.files import ROOT
from recognition.synthetic.portraits import draw_face, write_people

QUICK = ("--detector", "hog", "--recognizer", "dlib")  # need no download
FOLDER = "face_recognition"


@pytest.fixture
def photos(tmp_path):
    """Return a folder of two drawn people, who look alike."""
    return write_people(tmp_path / "people", 2, 1)


def named(line):
    return [face["name"] for face in json.loads(line)["faces"]]


def test_people_are_enrolled_listed_recognised_and_forgotten(script, address, photos, tmp_path):
    at = (*QUICK, "--faces", address)
    done = script(f"{FOLDER}/enroll.py", "--each", photos, "--force", *at)
    assert done.returncode == 0 and done.stdout.count("enrolled as person") == 2, done
    done = script(f"{FOLDER}/enroll.py", "--each", photos, *at, "--json")
    assert done.returncode == 0 and done.stdout.count("already there") == 2
    probe = tmp_path / "probe.png"
    cv2.imwrite(str(probe), draw_face(0, photo=5))
    done = script(f"{FOLDER}/predict_static.py", probe, "--json", "--crops", tmp_path / "cut", *at)
    assert named(done.stdout) == ["person 0"] and (tmp_path / "cut" / "person 0").exists()
    folder = script(f"{FOLDER}/predict_static.py", probe, "--json", *QUICK, "--faces", photos)
    assert folder.stdout == done.stdout  # to the digit
    done = script(f"{FOLDER}/people.py", "list", "--sheet", "people.png", *at)
    assert done.returncode == 0 and "person 1    1 photos,    1 usable" in done.stdout
    assert (tmp_path / "people.png").exists()
    done = script(f"{FOLDER}/people.py", "forget", "person 0", "--yes", *at)
    assert done.returncode == 0 and "WAL" in done.stderr and "1 photo " in done.stdout
    done = script(f"{FOLDER}/predict_static.py", probe, "--json", *at)
    assert named(done.stdout) != ["person 0"]
    assert not list((tmp_path).glob("postgresql*"))  # no folder of that name was made


def test_the_page_enrols_renames_and_forgets(server, address, tmp_path):
    face = cv2.imencode(".png", draw_face(0, photo=0))[1].tobytes()
    other = cv2.imencode(".png", draw_face(0, photo=5))[1].tobytes()
    with Program(FOLDER, *QUICK, "--faces", address, cwd=tmp_path, port=8390) as page:
        status, _, text = ask(page.port, "/enroll?name=Ada&consent=yes", face)
        told = json.loads(text)
        assert status == 200 and told["people"] == [{"name": "Ada", "photos": 1}] and told["new"]
        assert named(ask(page.port, "/read", other)[2]) == ["Ada"]
        asked = urllib.request.Request(f"http://127.0.0.1:{page.port}/portrait?name=Ada", method="POST")
        with urllib.request.urlopen(asked) as portrait:
            assert portrait.read().startswith(b"\xff\xd8")
        server.stop()
        assert named(ask(page.port, "/read", other)[2]) == ["Ada"]  # whom it met
        status, _, text = ask(page.port, "/rename?name=Ada&new=Ben", b"")
        assert status >= 400 and "no connection" in text and "\n" not in text.strip()
        server.start()
        limit = time.monotonic() + 20
        while (told := ask(page.port, "/rename?name=Ada&new=Ben", b""))[0] != 200:
            assert time.monotonic() < limit, told
            time.sleep(0.2)
        assert named(ask(page.port, "/read", other)[2]) == ["Ben"]
        assert json.loads(ask(page.port, "/forget?name=Ben", b"")[2])["people"] == []
        assert named(ask(page.port, "/read", other)[2]) == [None]
        assert ask(page.port, "/people", b"")[0] == 200


class Webcam:
    """A webcam.py that runs; `who`: the last line's names, `lines`: how many there were."""

    def __init__(self, source, address, cwd):
        words = [sys.executable, ROOT / FOLDER / "webcam.py", "--source", source, "--json", *QUICK, "--faces", address]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([*map(str, words)], cwd=cwd, env=script_environment(), **pipes)
        self.who, self.lines, self.said = None, 0, []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.who, self.lines = named(line), self.lines + 1

    def wait_for(self, who, seconds=30):
        limit = time.monotonic() + seconds
        while self.who != who:
            assert time.monotonic() < limit and self.process.poll() is None, (self.who, self.said)
            time.sleep(0.02)


def test_a_webcam_learns_of_people_and_outlives_the_server(server, address, script, tmp_path):
    face, photo = tmp_path / "face.mp4", tmp_path / "photo.png"
    writer = cv2.VideoWriter(str(face), cv2.VideoWriter.fourcc(*"mp4v"), 10, draw_face(0).shape[1::-1])
    writer.write(draw_face(0, photo=5))
    writer.release()
    cv2.imwrite(str(photo), draw_face(0, photo=0))
    with camera_server.serve(face) as camera:
        webcam = Webcam(f"{camera}/closes/1000000/10", address, tmp_path)
        try:
            webcam.wait_for([None])
            assert script(f"{FOLDER}/enroll.py", "Ada", photo, *QUICK, "--faces", address).returncode == 0
            webcam.wait_for(["Ada"])
            server.stop()
            lines = webcam.lines
            time.sleep(2)
            assert webcam.lines > lines + 5 and webcam.who == ["Ada"]
            server.start()
            script(f"{FOLDER}/people.py", "rename", "Ada", "Ben", *QUICK, "--faces", address)
            webcam.wait_for(["Ben"])
            said = [line for line in webcam.said if "postgresql" in line]
            assert ["no connection" in line for line in said[-2:]] == [True, False] and len(said) <= 3, webcam.said
        finally:
            webcam.process.kill()
