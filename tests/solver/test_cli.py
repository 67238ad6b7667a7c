"""The command line as a parent process sees it: real processes, exit status, one event for each failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from solver.device import choose_device
from solver.errors import BadInput
from solver.events import Failed, read_events

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m solver`, its standard input open until it ends."""
    command = [sys.executable, "-m", "solver", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    return subprocess.CompletedProcess(command, process.wait(60), out, err)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--fps", "-3"],
        ["--height", "tall"],
        ["--detector", "best"],
        ["--start", "-1"],
        ["--fly"],
    ],
)
def test_a_wrong_option_is_one_error_event_and_status_2(wrong: list[str], tmp_path: Path):
    ended = run("solve", "clip.mp4", "--out", str(tmp_path), "--events", *wrong)
    events = list(read_events(ended.stdout.splitlines()))
    assert ended.returncode == 2
    assert [type(event) for event in events] == [Failed]
    assert isinstance(events[0], Failed)
    assert events[0].code == "bad_input"
    assert events[0].message.endswith(".")
    assert "--help" in events[0].hint


def test_a_person_at_a_terminal_reads_the_sentence_and_the_hint(tmp_path: Path):
    ended = run("solve", str(tmp_path / "nowhere.mp4"), "--out", str(tmp_path))
    assert ended.returncode == 2
    assert "nowhere.mp4" in ended.stderr
    assert "Choose the video again" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_nobody_hears_any_more_is_no_crash(tmp_path: Path):
    command = [sys.executable, "-m", "solver", "solve", "clip.mp4", "--out", str(tmp_path), "--events", "--fly"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()  # long before Python has started over there
    assert "Traceback" not in process.stderr.read()
    assert process.wait(60) == 130


def test_a_broken_body_file_is_refused_before_any_solving(tmp_path: Path):
    body, clip = tmp_path / "body.pkl", ROOT / "addon_assets" / "demo" / "demo.mp4"
    body.write_bytes(b"no pickle")
    ended = run("solve", str(clip), "--out", str(tmp_path / "out"), "--model", str(body), "--events")
    failed = [event for event in read_events(ended.stdout.splitlines()) if isinstance(event, Failed)]
    assert ended.returncode == 2
    assert [event.code for event in failed] == ["body_unreadable"]


def test_doctor_finds_everything_working():
    ended = run("doctor")
    assert ended.returncode == 0, ended.stdout
    assert "FAIL" not in ended.stdout
    assert "ikol: the rest pose comes back" in ended.stdout


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(BadInput):
        choose_device("quantum")
