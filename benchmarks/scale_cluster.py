"""Two nodes of Ray on this machine, each with a core, that stand for two machines: one of them can be killed."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START = "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", "--num-cpus=1"
HEALTH = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "3"}  # seconds, not half a minute


@contextlib.contextmanager
def cluster(environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen]]:
    """Start two nodes; yield the head's address and the other node, for `kill`. `environment`: gets what lets in."""
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    folder, port = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp")), free_port()  # Ray's sockets want short names
    environment = environment | HEALTH | {"RAY_USAGE_STATS_ENABLED": "0"}
    nodes: list[subprocess.Popen] = []

    def start(*words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", *START, "--object-store-memory=100000000", *words]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        nodes.append(subprocess.Popen(command, env=environment, **pipes))
        return nodes[-1]

    try:
        start("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={folder}")
        limit = time.monotonic() + 60
        health = [sys.executable, "-m", "ray.scripts.scripts", "health-check", f"--address=127.0.0.1:{port}"]
        while subprocess.run(health, env=environment, capture_output=True).returncode:
            if nodes[0].poll() is not None or time.monotonic() > limit:
                raise TimeoutError("Ray's head node does not start")
        yield f"127.0.0.1:{port}", start(f"--address=127.0.0.1:{port}")
    finally:
        for node in nodes:
            kill(node)
        shutil.rmtree(folder, ignore_errors=True)


def kill(node: subprocess.Popen) -> None:
    """End a node as a power cut does: all of its processes at once."""
    if node.poll() is None:
        for process in [node.pid, *descendants(node.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    node.wait()


def descendants(process: int) -> list[int]:
    """Return the numbers of all processes that a process started, and those started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, new = [], [process]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
