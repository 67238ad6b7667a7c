"""What the fit over the clip costs beside detection, and how time and memory grow with the clip.

Detection is the demo clip's own, decoding included. Longer clips are what was seen in the demo clip, played to its end
and back again; each length is solved in a process of its own, after a round of detection in the same process. A short
clip's fit is over in a second, in which a busy machine may do anything: of several such processes the medians are told.

    python build.py bench fit_cost
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from solver.body_file import read_body  # noqa: E402  (the path above makes these importable)
from solver.detect import BlazePose, Observations, gather_observations  # noqa: E402
from solver.ikol import Skeleton  # noqa: E402
from solver.lens import focal_length  # noqa: E402
from solver.lift import correct_landmarks  # noqa: E402
from solver.motion.camera import intrinsics  # noqa: E402
from solver.person import PersonSolver, prepare_track  # noqa: E402
from solver.video import probe_video, read_frames  # noqa: E402

DEMO_CLIP = ROOT / "addon_assets" / "demo" / "demo.mp4"
PAGE, BEGIN, END = ROOT / "docs" / "benchmarks.md", "<!-- fit cost -->", "<!-- end of fit cost -->"
LENGTHS = (100, 1000, 5000, 20000)  # moments
RUNS = {100: 7, 1000: 3}
GATE_SHARE = 0.3  # of detection's time
GATE_SLOPE = 1.5  # the longest clip's time a moment over that of 1,000
GATE_MEMORY = 12.0  # kB that each moment of the longest clip takes beyond the second longest; its take holds 1.1


def main() -> int:
    """Measure every length, print the table and keep it in docs/benchmarks.md; 0 when all gates hold."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, torch {version('torch')}, heavy detector; ms a moment.",
        "",
        "| moments | detection | fit over the clip | share | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    shares, costs, memories = [], {}, {}
    for length in LENGTHS:
        runs = np.array([measure_apart(length) for _ in range(RUNS.get(length, 1))])
        detection, fit, memory = np.median(runs, axis=0)
        shares.append(np.median(runs[:, 1] / runs[:, 0]))
        costs[length], memories[length] = fit, memory
        lines.append(f"| {length} | {detection:.1f} | {fit:.1f} | {shares[-1]:.2f} | {memory:.0f} |")
        print(lines[-1], flush=True)
    slope = costs[LENGTHS[-1]] / costs[1000]
    lines += ["", f"Gates: a share of at most {GATE_SHARE}; {LENGTHS[-1]} moments cost {slope:.2f} times 1,000's each"]
    growth = 1024 * (memories[LENGTHS[-1]] - memories[LENGTHS[-2]]) / (LENGTHS[-1] - LENGTHS[-2])
    lines[-1] += f" (at most {GATE_SLOPE}); from {LENGTHS[-2]} to {LENGTHS[-1]} a moment takes {growth:.1f} kB"
    lines[-1] += f" (at most {GATE_MEMORY:g})."
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    text = "\n".join(lines)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(text)
    return 0 if max(shares) <= GATE_SHARE and slope <= GATE_SLOPE and growth <= GATE_MEMORY else 1


def measure_apart(length: int) -> list[float]:
    """`measure` in a process of its own."""
    run = subprocess.run([sys.executable, __file__, str(length)], check=True, stdout=subprocess.PIPE, text=True)
    return [float(value) for value in run.stdout.split()[-3:]]


def measure(length: int) -> tuple[float, float, float]:
    """Detection and the fit, milliseconds a moment, and the peak memory, MB, for a clip of so many moments."""
    video = probe_video(DEMO_CLIP)
    began = time.perf_counter()
    with closing(read_frames(DEMO_CLIP)) as frames:
        seen = gather_observations(frames, BlazePose(), video.image_size)[0]
    detection = (time.perf_counter() - began) / len(seen.times)
    body, skeleton = read_body("open"), Skeleton.from_body("open")
    solver = PersonSolver(body, skeleton, None, video.rate_hz, torch.device("cpu"), lambda: None)
    track = prepare_track(prolonged(seen, length, video.rate_hz), video.rate_hz)
    camera = intrinsics(video.image_size, focal_length(video.path, video.image_size, None).pixels)
    corrected = correct_landmarks(track.observations, camera, video.rate_hz)
    began = time.perf_counter()
    turn = solver.find_floor_turn(track, corrected, camera, lambda _share: None)
    solver.solve(track, corrected, replace(camera, level=turn @ camera.level), lambda share: None)
    fit = (time.perf_counter() - began) / length
    return 1000 * detection, 1000 * fit, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prolonged(seen: Observations, length: int, rate_hz: float) -> Observations:
    """The observations, to the end and back again, until there are `length` of them."""
    there = np.arange(len(seen.times))
    order = np.resize(np.concatenate((there, there[-2:0:-1])), length)
    return replace(
        seen,
        times=np.arange(length) / rate_hz,
        landmarks2d=seen.landmarks2d[order],
        landmarks3d=seen.landmarks3d[order],
        seen=seen.seen[order],
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*measure(int(sys.argv[1])))
    else:
        sys.exit(main())
