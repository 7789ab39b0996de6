"""The bar stays on the terminal, results go where stdout goes."""

import contextlib
import os
import subprocess
import sys

import pytest

PROGRAM = """
import time
from recognition import progress

progress.PATIENCE = 0.1
for number in progress.watched(range(20), 20):
    time.sleep(0.05)
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals for tests")
def test_results_go_to_stdout_while_a_bar_is_shown(tmp_path):
    import pty

    terminal, end = pty.openpty()
    printed, shown = tmp_path / "printed.txt", b""
    with printed.open("w") as file, subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=file, stderr=end) as run:
        os.close(end)
        with contextlib.suppress(OSError):  # that is how Linux tells that the program has ended
            while part := os.read(terminal, 4096):
                shown += part
    os.close(terminal)
    assert run.returncode == 0
    assert printed.read_text().split() == [str(number) for number in range(20)]
    assert b"/20" in shown
