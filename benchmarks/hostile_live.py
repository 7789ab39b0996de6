"""What only time shows: writing in the air live, and attempts to connect: rows of the table of benchmarks/hostile.py.

For `connections` each script runs in a network namespace of its own, without a way out, for as long as it lasts, at
most 90 seconds. The camera of those that need one is a server in that namespace.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import air_writing_clip
import endurance
import measuring
from hostile_kills import save_film
from hostile_runs import FRUIT, PEOPLE, Found, Place, judge, tiny_training, watch

from recognition import settings
from recognition.files import ROOT

RATES = 8, 15, 30  # frames a second
SECONDS = 90  # that a script is watched for connections
PORT = 9999  # of the camera, in a namespace that has nothing else
STREAM = f"http://127.0.0.1:{PORT}/closes/100000"
ITSELF = re.compile(r'port=htons\((?!53\)).*"(::ffff:)?127\.0\.0\.1"')  # but no name server
SAMPLES = ROOT / "data" / "samples"


def air(config, place: Place) -> list[measuring.Row]:
    """Write in the air before a live camera at some rates; then follow the finger and the cap in the film itself."""
    claim = f"writing in the air live, {', '.join(map(str, RATES))} frames/s, {config.minutes:g} minutes each: "
    claim += "crashes / tracebacks / hangs"
    if not air_writing_clip.CLIP.exists():
        return [(claim, "", "0 / 0 / 0", "skipped: no data/air_writing")]
    found, seconds, numbers = Found(), 60 * config.minutes, []
    for rate in RATES:
        with endurance.camera(str(air_writing_clip.CLIP)) as address:
            source = f"{address}/closes/{round(rate * seconds)}/{rate}"
            words = ["digit_recognition/hand_tracking.py", "--source", source, "--no-reconnect", "--text", "None"]
            done = watch([*place.command(words), "--json"], place.folder, seconds + 60, starts=seconds + 60)
        judge(found, f"{rate} frames/s", done, [])
        numbers.append(done[1].count("\n"))
    finger = air_writing_clip.measure_fingertip()
    return [
        (claim + " (numbers read)", "", "0 / 0 / 0",
         f"{found.crashes} / {found.tracebacks} / {found.hangs} ({', '.join(map(str, numbers))})"),
        ("fingertip tracker, frames of 1280x720; found in the real clip", "", "≥ 60 frames/s; ≥ 98 %",
         f"{1000 / finger['milliseconds']:.0f} frames/s; {finger['found']:.1%}"),
    ]  # fmt: skip


def scripts_in_order(place: Place, film: Path) -> list[list[list]]:
    """Return the words of all scripts, in lists of those that need what those before them made."""
    party, output = SAMPLES / "party.jpg", ["--output", place.folder / "out"]
    people, stream = ["--faces", "PEOPLE"], ["--source", STREAM, "--json"]
    own, features = place.folder / "own", ["--features", place.folder]
    library = ["--library", place.folder / "l.sqlite", *people]
    tiny, shown = tiny_training(place.folder), place.folder / "shown"
    for photo in (SAMPLES / "objects").glob("*.jpg"):
        (shown / photo.stem).mkdir(parents=True)
        shutil.copy(photo, shown / photo.stem)
    return [
        [["digit_recognition/explore.py", "--no-show", *output]],
        [[*tiny, *output], ["digit_recognition/evaluate.py", place.folder / "tiny.npz", "--no-show", *output]],
        [["digit_recognition/predict_static.py", SAMPLES / "digits", "--json"]],
        [["digit_recognition/video.py", film, "--json"]],
        [["digit_recognition/webcam.py", *stream]],
        [["digit_recognition/hand_tracking.py", *stream, "--text", "None"]],
        [["digit_recognition/web.py", "--no-open"]],
        [["digit_recognition/bulk.py", SAMPLES / "digits", "--output", place.folder / "bulk digits"]],
        [
            ["face_recognition/enroll.py", "--each", PEOPLE, "--faces", place.folder / "enrolled"],
            ["face_recognition/people.py", "list", "--faces", place.folder / "enrolled"],
        ],
        [["face_recognition/library.py", "add", PEOPLE, *library], ["face_recognition/library.py", "people", *library]],
        [["face_recognition/verify.py", party, PEOPLE / "Ada" / "1.jpg"]],
        [["face_recognition/evaluate.py", PEOPLE, *people, "--no-show", *output]],
        [["face_recognition/train.py", "--faces", PEOPLE, "--epochs", "1", "--views", "64", *output]],
        [["face_recognition/predict_static.py", party, *people, "--json"]],
        [["face_recognition/video.py", film, *people, "--json"]],
        [["face_recognition/webcam.py", *people, *stream]],
        [["face_recognition/web.py", "--no-open", *people]],
        [["face_recognition/bulk.py", party, *people, "--output", place.folder / "bulk faces"]],
        [["cifar_recognition/explore.py", "--no-show", *output]],
        [["cifar_recognition/train.py", "--epochs", "1", *output]],
        [["cifar_recognition/train_photos.py", "--images", "100", "--epochs", "1", *features, *output]],
        [
            ["cifar_recognition/extract_features.py", FRUIT, "--name", "watched", *output],
            ["cifar_recognition/train_transfer.py", "watched", "--features", place.folder / "out", *output],
            ["cifar_recognition/export.py", place.folder / "out" / "watched", "--output", place.folder / "w.tflite"],
        ],
        [["cifar_recognition/evaluate.py", shown, "--no-show", *output]],
        [["cifar_recognition/predict_static.py", SAMPLES / "objects", "--json"]],
        [["cifar_recognition/video.py", film, "--json"]],
        [["cifar_recognition/webcam.py", *stream]],
        [["cifar_recognition/bulk.py", SAMPLES / "objects", "--output", place.folder / "bulk objects"]],
        [["cifar_recognition/collect.py", "red", "blue", "--source", STREAM, "--folder", own]],
        [["cifar_recognition/web.py", "--no-open", "--folder", own]],
    ]


def tried(place: Place, film: Path, words: list) -> list[str]:
    """Return the attempts to connect of a script, but those to itself and to the camera."""
    camera = f"{sys.executable} {ROOT / 'tests' / 'camera_server.py'} {PORT} {film} & sleep 2;"
    log = place.folder / f"{'_'.join(Path(word).stem for word in map(str, words[:2]))}_{id(words)}.strace"
    shell = f'ip link set lo up; {camera if STREAM in words else ""} exec "$@"'
    window = ["xvfb-run", "-a"] if shutil.which("xvfb-run") and "collect" in words[0] else []
    command = ["unshare", "--net", "sh", "-c", shell, "sh", *window, "strace", "-f", "--seccomp-bpf", "-o", log]
    command += ["-e", "trace=connect,sendto,sendmsg,sendmmsg", *place.command(words)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(list(map(str, command)), cwd=place.folder, **pipes) as process:
        for ends in (signal.SIGINT, signal.SIGKILL):
            try:
                process.wait(SECONDS if ends == signal.SIGINT else 10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, ends)
        os.killpg(process.pid, signal.SIGKILL) if STREAM in words else None
    if process.returncode not in (0, 1, 130, -signal.SIGKILL, -signal.SIGINT):
        raise settings.UserError(f"{' '.join(map(str, words))}: was not run: exit code {process.returncode}")
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if "sa_family=AF_INET" in line and not ITSELF.search(line)]


def connections(config, place: Place) -> list[measuring.Row]:
    """Count the attempts to connect of every script, in a network namespace without a way out."""
    claim = f"connections that scripts tried in {SECONDS} seconds"
    can = shutil.which("strace") and not subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode
    if not can:
        return [(claim, "", "0", "skipped: no strace, or no right to make a network namespace")]
    film = place.folder / "film.mp4"
    save_film(film)
    chains = scripts_in_order(place, film)
    every = {str(path.relative_to(ROOT)) for path in ROOT.glob("*_recognition/*.py")}
    if every != (named := {words[0] for chain in chains for words in chain}):
        raise settings.UserError(f"not watched, or not there: {', '.join(every ^ named)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda chain: [line for words in chain for line in tried(place, film, words)], chains))
    for line in (line for lines in found for line in lines):
        settings.say(line)
    return [(f"{claim}, all {len(every)} of them", "", "0", str(sum(map(len, found))))]
