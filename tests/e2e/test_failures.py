"""What goes wrong on people's machines: one sentence, one hint, the right exit status, nothing half-written."""

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from solver.events import Failed
from solver.take import read_take
from tests.e2e.solving import Ended, solve

QUICK = ("--detector", "lite", "--start", "0", "--end", "1")


def require_failure(ended: Ended, status: int, code: str) -> Failed:
    """The one error event of a solve that failed as it should."""
    failures = [event for event in ended.events if isinstance(event, Failed)]
    assert ended.status == status, ended.stderr
    assert len(failures) == 1
    (failure,) = failures
    assert failure.code == code
    assert failure.message.endswith(".")
    assert "\n" not in failure.message
    assert failure.hint.endswith(".")
    assert "Traceback" not in ended.stderr
    assert not ended.of_kind("take")
    assert not ended.of_kind("done")
    return failure


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_missing_file(tmp_path: Path) -> None:
    failure = require_failure(solve(tmp_path / "nothing.mp4", tmp_path / "out"), 2, "video_unreadable")
    assert "nothing.mp4" in failure.message
    assert not files_under(tmp_path)


def test_text_named_mp4(tmp_path: Path) -> None:
    clip = tmp_path / "letter.mp4"
    clip.write_text("Dear animator, this is not a film.\n" * 100)
    require_failure(solve(clip, tmp_path / "out"), 2, "video_unreadable")
    assert files_under(tmp_path) == [clip]


def test_folder_instead_of_a_clip(tmp_path: Path) -> None:
    require_failure(solve(tmp_path, tmp_path / "out"), 2, "video_unreadable")
    assert not files_under(tmp_path)


def test_clip_with_nobody_in_it(tmp_path: Path) -> None:
    clip = tmp_path / "hills.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (320, 240))
    slope = np.linspace(40, 200, 240)[:, None, None]
    for index in range(30):
        writer.write(np.broadcast_to(slope + index, (240, 320, 3)).astype(np.uint8))
    writer.release()
    require_failure(solve(clip, tmp_path / "new" / "out"), 3, "no_person")
    assert list(tmp_path.rglob("*")) == [clip], "the folders that were made for the takes are gone"
    before = tmp_path / "was there"
    before.mkdir()
    require_failure(solve(clip, before / "out"), 3, "no_person")
    require_failure(solve(clip, before), 3, "no_person")
    assert sorted(tmp_path.rglob("*")) == [clip, before]


def test_wrong_options(demo_clip: Path, tmp_path: Path) -> None:
    for options in (
        ("--detector", "best"),
        ("--start", "5", "--end", "2"),
        ("--fps", "-3"),
        ("--model", tmp_path / "no.npz"),
    ):
        ended = solve(demo_clip, tmp_path / "out", *options)
        code = "body_unreadable" if "--model" in options else "bad_input"
        require_failure(ended, 2, code)
    assert not files_under(tmp_path)


@pytest.mark.parametrize("folder", ["a_file/out", "/proc/ikol_out"])
def test_folder_that_cannot_be_written(demo_clip: Path, tmp_path: Path, folder: str) -> None:
    """Tests may run as root, whom no permission stops: a folder under a file and one in /proc stop everybody."""
    if folder.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc on this system")
    (tmp_path / "a_file").write_text("x")
    require_failure(solve(demo_clip, tmp_path / folder, *QUICK), 2, "output_unwritable")
    assert files_under(tmp_path) == [tmp_path / "a_file"]


def test_full_disk(demo_clip: Path, tmp_path: Path) -> None:
    """The disk fills up while the take is being written: the folder could be made, the take does not fit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    listing = tmp_path / "left.txt"
    # A mount namespace of its own: no other process sees the little disk, and it goes with the solver.
    script = (
        f'mount -t tmpfs -o size=12k tmpfs "{disk}" && {{ "$@"; s=$?; ls -A "{disk}/out" > "{listing}"; exit $s; }}'
    )
    prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    listing.unlink(missing_ok=True)
    ended = solve(demo_clip, disk / "out", "--detector", "lite", "--start", "0", "--end", "2", prefix=prefix)
    require_failure(ended, 2, "output_unwritable")
    assert listing.read_text() == ""


def test_spaces_quotes_and_japanese_in_paths(demo_clip: Path, tmp_path: Path) -> None:
    quotes = "'one' " if os.name == "nt" else "'one' \"two\" "
    folder = tmp_path / f"my clips {quotes}踊り"
    folder.mkdir()
    clip = folder / f"Ünïcode {quotes}ダンス & 100%.mp4"
    shutil.copyfile(demo_clip, clip)
    ended = solve(clip, folder / "撮影 out", *QUICK)
    assert ended.status == 0, ended.stderr
    take = read_take(folder / "撮影 out" / "take_p1.npz")
    assert take.meta["clip"] == clip.name
    assert len(take) == pytest.approx(take.framerate, abs=2)
    assert {path.name for path in files_under(folder)} == {clip.name, "take_p1.npz"}
