"""The bar stays on the terminal, results go where stdout goes; items that are made ahead of time."""

import contextlib
import os
import subprocess
import sys

import pytest

from recognition import progress

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


def test_items_come_in_order_with_their_errors_and_no_more_than_wanted_are_made():
    made = []

    def source():
        for k in range(20):
            made.append(k)
            yield k
        raise ValueError("the last one")

    found = []
    with pytest.raises(ValueError, match="the last one"):
        for item in progress.ahead(source(), 4):
            assert len(made) <= len(found) + 5
            found.append(item)
    assert found == list(range(20))
    made.clear()
    some = progress.ahead(source(), 4)
    assert next(some) == 0
    some.close()
    assert len(made) <= 5
    assert [len(batch) for batch in progress.batches(range(7), 3)] == [3, 3, 1]
