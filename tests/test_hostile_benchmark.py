"""The benchmark of hostile files: it makes the same ones again, and sees what goes wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("pipes and signals as Unix has them", allow_module_level=True)

import hostile_files
from hostile_runs import Found, judge

from recognition import settings

BENCHMARKS = Path(hostile_files.__file__).parent
WATCH = """
import json, sys
from hostile_runs import Found, judge, watch
found = Found()
done = watch([sys.executable, "-c", sys.argv[1]], ".", limit=3, starts=0.0)
judge(found, "program", done, ["good.png"])
print(json.dumps([done[0], [found.crashes, found.tracebacks, found.hangs, found.lost], found.memory]))
"""  # in a process of its own: a program's peak begins with its parent's memory
PROGRAMS = {  # what a program does: exit code, and whether it is a crash, a traceback, a hang, or an input lost
    "print('good.png')": (0, (0, 0, 0, 0)),
    "print('other.png')": (0, (0, 0, 0, 1)),
    "print('good.png'); raise ValueError": (1, (0, 1, 0, 0)),
    "import os; print('good.png', flush=True); os.kill(os.getpid(), 11)": (-11, (1, 0, 0, 0)),
    "import time; print('good.png', flush=True); time.sleep(60)": (None, (0, 0, 1, 0)),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_goes_wrong_is_seen(tmp_path, program):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent)])}
    command = [sys.executable, "-c", WATCH, program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    code, counted, memory = json.loads(done.stdout)
    expected_code, expected = PROGRAMS[program]
    assert code == expected_code and tuple(counted) == expected
    assert 5 < memory < 400
    assert (done.stderr == "") == (expected == (0, 0, 0, 0))


def test_a_wrong_call_is_no_result_but_the_refusal_that_was_expected_is():
    found, done = Found(), (2, "", "a.mp4: cannot be written", 50.0, 0.1)
    with pytest.raises(settings.UserError, match="was not run"):
        judge(found, "program", done, [])
    judge(found, "program", done, [], refusal="cannot be written")
    assert not found.kinds


def test_the_files_are_the_same_for_the_same_seed_and_the_good_ones_good(tmp_path):
    made, good = hostile_files.save_pictures(tmp_path / "a", 45, 3)
    hostile_files.save_pictures(tmp_path / "b", 45, 3)
    hostile_files.save_pictures(tmp_path / "c", 45, 4)
    names = sorted(os.listdir(os.fsencode(tmp_path / "a")))
    assert names == sorted(os.listdir(os.fsencode(tmp_path / "b"))) and len(names) == made + len(good)
    a, b, c = ([(tmp_path / one / f"{k:04}_good.png").read_bytes() for k in range(0, 45, 15)] for one in "abc")
    assert a == b != c
    from recognition.media.frames import read_image

    assert all(read_image(tmp_path / "a" / name).shape == (120, 160, 3) for name in good)
    assert len(hostile_files.save_data(tmp_path / "data", 0)) > 20
