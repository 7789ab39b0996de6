"""A phone's camera app on this machine: pictures over HTTP, for tests and benchmarks.

    python tests/camera_server.py 0               # a port, 0 for any; prints it; pictures that carry the time
    python tests/camera_server.py 0 clip.mp4      # the frames of a video, again and again

The address is http://127.0.0.1:PORT/MODE/FRAMES, or /MODE/FRAMES/RATE for another rate than 30 a second: after so many
pictures the camera closes the connection (MODE closes), or keeps it and sends nothing more (stalls); one that hangs
never answers. Without a video, the pictures carry, as 32 black and white squares, the millisecond of time.monotonic()
at which they were taken.
"""

import contextlib
import http.server
import subprocess
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

RATE = 30.0  # pictures a second


@contextlib.contextmanager
def serve(*video: str, port: int = 0) -> Iterator[str]:
    """Run this file in a process of its own and yield its address, to which MODE/FRAMES is appended.

    `port`: 0 for any that is free.
    """
    command = [sys.executable, __file__, str(port), *map(str, video)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def clock() -> np.ndarray:
    """Return a picture of now."""
    now = int(time.monotonic() * 1000)
    bits = [(now >> bit) & 1 for bit in range(32)]
    return np.kron(np.uint8(bits).reshape(4, 8) * 255, np.ones((60, 60), np.uint8))


def as_jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def read_jpegs(path: str) -> list[bytes]:
    """Return the frames of a video."""
    capture, jpegs = cv2.VideoCapture(path), []
    while (frame := capture.read()[1]) is not None:
        jpegs.append(as_jpeg(frame))
    if not jpegs:
        sys.exit(f"{path}: no video that can be read")
    return jpegs


class Camera(http.server.BaseHTTPRequestHandler):
    """Answers each request with a stream of pictures."""

    jpegs: tuple[bytes, ...] = ()  # of the video; without one, pictures of the clock

    def do_GET(self) -> None:
        _, mode, frames, *rate = self.path.split("/")
        rate = float(rate[0]) if rate else RATE
        if mode == "hangs":
            time.sleep(60)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        start = time.monotonic()
        for number in range(int(frames)):
            time.sleep(max(0, start + number / rate - time.monotonic()))
            jpeg = self.jpegs[number % len(self.jpegs)] if self.jpegs else as_jpeg(clock())
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
        if mode == "stalls":
            time.sleep(60)

    def log_message(self, *_: object) -> None:
        """Print nothing about requests."""


def main(port: str, *videos: str) -> None:
    Camera.jpegs = tuple(jpeg for path in videos for jpeg in read_jpegs(path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Camera)
    server.handle_error = lambda *_: None  # whoever has seen enough hangs up
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
