"""Results of very many photos: parts that are whole, equal as JSON Lines and as Parquet, and gone on with."""

import json
import subprocess
import sys

import pytest

from recognition.bulk import results
from recognition.files import ROOT
from recognition.settings import UserError

pa = pytest.importorskip("pyarrow", reason="requirements-bulk.txt is not installed")
parquet = pytest.importorskip("pyarrow.parquet")
SCHEMA = pa.schema({"source": pa.string(), "frame": pa.int64(), "text": pa.string(), "rotated": pa.int64()})


def line(name, frame=0):
    return json.dumps({"source": f"{name}#{frame + 1}" if frame else name, "frame": frame, "text": f"{name}{frame}"})


def open_results(folder, resume=False, **settings):
    return results.Results(folder, {"model": "m"} | settings, SCHEMA, resume)


def told(folder, kind="jsonl"):
    parts = sorted(folder.glob(f"part-*.{kind}"))
    if kind == "jsonl":
        return [json.loads(one) for part in parts for one in part.read_text().splitlines()]
    return [{key: value for key, value in row.items() if value is not None}
            for part in parts for row in parquet.read_table(part).to_pylist()]  # fmt: skip


def test_every_file_is_told_of_once_in_both_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "PHOTOS", 2)
    with open_results(tmp_path / "r") as written:
        written.add("a", line("a") + "\n", "")
        written.add("b", "".join(f"{line('b', frame)}\n" for frame in range(3)), "")
        written.add("c", line("c") + "\n", "c: page 2 is 12x34 pixels")
        written.add("a", line("a") + "\n", "")  # told again by another worker
        written.add("d", "", "d: page 7 is 1,000x2 pixels")
        summary = written.summary(2.0, 4, 2)
    lines = told(tmp_path / "r")
    assert [one["source"] for one in lines] == ["a", "b", "b#2", "b#3", "c", "c", "d"]
    assert [one["error"] for one in lines if "error" in one] == [
        "c: page 2 is 12x34 pixels",
        "d: page 7 is 1,000x2 pixels",
    ]
    assert told(tmp_path / "r", "parquet") == lines
    assert len(list((tmp_path / "r").glob("part-*"))) == 4
    expected = {"read": 2, "failed": 2, "reasons": {"page N is NxN pixels": 2}, "seconds": 2.0}
    assert summary == expected | {"photos_per_second_and_core": 1.0}
    assert json.loads((tmp_path / "r" / "summary.json").read_text()) == summary


def test_a_run_goes_on_with_what_is_there(tmp_path):
    folder = tmp_path / "r"
    with open_results(folder) as written:
        written.add("a", line("a") + "\n", "")
        written.flush()
        written.add("b", "".join(f"{line('b', frame)}\n" for frame in range(2)), "")
        written.add("c", "", "c: damaged")
    (folder / "part-00001.parquet").unlink()  # as if killed between the two
    (folder / ".part-00002.jsonl.12.partial").write_text("half")
    with open_results(folder, resume=True) as written:
        assert written.done == {"a", "b", "c"}
        written.add("d", line("d") + "\n", "")
        assert written.summary(1.0, 1, 1)["read"] == 3
    assert [one["source"] for one in told(folder)] == ["a", "b", "b#2", "c", "d"]
    assert told(folder, "parquet") == told(folder)


def test_results_of_other_settings_and_others_results_are_not_mixed(tmp_path):
    folder = tmp_path / "r"
    with open_results(folder) as written:
        written.add("a", line("a") + "\n", "")
    with pytest.raises(UserError, match="r: has results: --resume goes on with them"):
        open_results(folder)
    with pytest.raises(UserError, match="r: was made with another model, top: choose another"):
        open_results(folder, resume=True, model="n", top="3")
    (folder / "part-00000.jsonl").write_text('{"source": 3}\n')
    with pytest.raises(UserError, match=r"part-00000.jsonl: line 1: not of bulk.py"):
        open_results(folder, resume=True)
    (folder / "settings.json").write_text("{")
    with pytest.raises(UserError, match=r"settings.json: .*: choose another --output"):
        open_results(folder, resume=True)


def test_names_of_any_bytes(tmp_path):
    with open_results(tmp_path / "r") as written:
        written.add("caf\udce9", line("caf\udce9") + "\n", "")
        written.add("\U0001f480", line("\U0001f480") + "\n", "")
    with open_results(tmp_path / "r", resume=True) as written:
        assert written.done == {"caf\udce9", "\U0001f480"}
    assert [row["text"] for row in told(tmp_path / "r", "parquet")] == ["caf?0", "\U0001f4800"]


RUN = """
import sys, time
sys.path.insert(0, {root!r})
import pyarrow
from pathlib import Path
from recognition.bulk.results import Results
with Results(Path(sys.argv[1]), {{"model": "m"}}, pyarrow.schema({{"source": pyarrow.string()}}), True):
    print("begun", flush=True)
    time.sleep(60)
"""


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    command = [sys.executable, "-c", RUN.format(root=str(ROOT)), str(tmp_path / "r")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "begun\n"
        for resume in (False, True):
            with pytest.raises(UserError, match="r: another run writes there"):
                open_results(tmp_path / "r", resume)
        first.kill()
    with open_results(tmp_path / "r") as second:
        second.add("a", line("a") + "\n", "")
        with pytest.raises(UserError, match="another run"):
            open_results(tmp_path / "r", resume=True)
    with open_results(tmp_path / "r", resume=True) as third:
        assert third.done == {"a"}
    assert sorted(path.suffix for path in (tmp_path / "r").iterdir()) == [".json", ".jsonl", ".parquet"]
