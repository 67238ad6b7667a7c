"""The demo: a clip becomes a take, a .blend file, an overlay and a preview."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .blender import run_session
from .environments import ROOT, solver_environment
from .failure import BuildFailure

DEMO_CLIP = ROOT / "addon_assets" / "demo" / "demo.mp4"
DEMO_TRUTH = ROOT / "addon_assets" / "demo" / "demo_truth.npz"


@dataclass(frozen=True)
class Outputs:
    """The files of one demo, all in demo_out/<clip>/."""

    folder: Path

    @property
    def take(self) -> Path:
        return self.folder / "take_p1.npz"

    @property
    def blend(self) -> Path:
        return self.folder / "take.blend"

    @property
    def overlay(self) -> Path:
        return self.folder / "overlay.mp4"

    @property
    def preview(self) -> Path:
        return self.folder / "preview.png"


def make_demo(video: str | None) -> int:
    """Write demo_out/<clip>/ from `video`, or from the demo clip, and say how to open it; the exit status.

    Raises:
        BuildFailure: the clip is missing, or a step after the solve failed.
    """
    began = time.monotonic()
    clip = Path(video).expanduser().resolve() if video else DEMO_CLIP
    if not clip.exists():
        raise BuildFailure(f"There is no file {clip}.", "Give the path of a video: python3 build.py demo VIDEO", 2)
    outputs = Outputs(ROOT / "demo_out" / clip.stem)
    for stale in outputs.folder.glob("take_p*.npz"):
        stale.unlink()

    print(f"[1/4] Solving {clip.name}", flush=True)
    status = _solver("solve", clip, "--out", outputs.folder)
    if status != 0:
        return status  # the solver said why, and what to do
    work = outputs.folder / "work"  # kept when a step fails, for its logs
    print("[2/4] Importing the take into Blender", flush=True)
    run_session("demo", clip, outputs.take, outputs.blend, work, log=work / "import.log")
    print("[3/4] Drawing the overlay", flush=True)
    drawn = work / "overlay.mp4"
    _require(_solver("overlay", clip, outputs.take, "--out", drawn), "overlay")
    # OpenCV's wheel has no H.264 encoder, Blender has: browsers and phones play nothing else.
    run_session("encode", drawn, outputs.overlay, log=work / "encode.log")
    print("[4/4] Laying out the preview", flush=True)
    _require(_module("building.preview", clip, outputs.take, work, outputs.preview), "preview")
    shutil.rmtree(work)
    if clip == DEMO_CLIP.resolve() and DEMO_TRUTH.exists():
        print("\nAgainst the truth that the demo clip was rendered from:", flush=True)
        _require(_solver("evaluate", outputs.take, "--truth", DEMO_TRUTH), "evaluation")
    _say_what_was_written(outputs, time.monotonic() - began)
    return 0


def _solver(*arguments: object) -> int:
    return _module("solver", *arguments)


def _module(name: str, *arguments: object) -> int:
    command = [solver_environment(tools=False).interpreter, "-m", name, *arguments]
    return subprocess.call([str(part) for part in command], cwd=ROOT)


def _require(status: int, what: str) -> None:
    if status != 0:
        raise BuildFailure(f"The {what} ended with status {status}.", "Its own words are above.", status)


def _say_what_was_written(outputs: Outputs, seconds: float) -> None:
    people = len(list(outputs.folder.glob("take_p*.npz")))
    print(f"\nDone in {seconds:.0f} s. Written to {outputs.folder}:")
    print("  take.blend    the animated body: open it in Blender 4.5 or later and press Space")
    print("  preview.png   four moments: the frame, the body from the same camera, and both together")
    print("  overlay.mp4   landmarks and the solved skeleton on the video")
    print("  take_p1.npz   the motion itself, readable by any AMASS tool")
    if people > 1:
        print(f"  {people} people were found; take.blend holds the first, the panel IKOL imports the others.")
