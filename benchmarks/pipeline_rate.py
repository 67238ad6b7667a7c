"""How fast the whole pipeline is beside its slowest part alone, and how its memory grows with the clip.

The rival is the bare landmark network: LiteRT's interpreter invoked again and again on one prepared picture, with
as many threads as the pipeline gives it, no decoding, no cropping, nothing written. Both run in turns in one process.

    python build.py bench pipeline_rate
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from solver.detect.networks import MODEL_FOLDER  # noqa: E402
from solver.events import SolveRequest  # noqa: E402
from solver.pipeline import Job, solve  # noqa: E402
from solver.video import probe_video, read_frames  # noqa: E402

import cv2  # noqa: E402 isort: skip
from ai_edge_litert.interpreter import Interpreter  # noqa: E402 isort: skip

DEMO_CLIP = ROOT / "addon_assets" / "demo" / "demo.mp4"
ROUNDS = 3
BARE_RUNS = 40
SHORT, LONG = 1200, 3600  # frames of the two clips for the memory's slope: beyond every window and batch
HOUR = 30 * 3600  # frames
GATE_RATE, GATE_MEMORY_GB = 0.6, 1.5


def main() -> int:
    """Print both tables; 0 when both gates hold."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "opencv-python", "ai-edge-litert")))
    with tempfile.TemporaryDirectory(prefix="ikol-bench-") as scratch:
        print("\n| detector | bare network, Hz | whole pipeline, Hz | ratio |\n|---|---|---|---|")
        ratios = {detector: compare_rates(detector, Path(scratch)) for detector in ("heavy", "full", "lite")}
        print(f"Gate: at least {GATE_RATE} with heavy, the default.")
        hour_mb = measure_memory(Path(scratch))
        print(f"Gate: under {GATE_MEMORY_GB * 1000:.0f} MB for the hour.")
    return 0 if ratios["heavy"] >= GATE_RATE and hour_mb < GATE_MEMORY_GB * 1000 else 1


def compare_rates(detector: str, scratch: Path) -> float:
    """Print one row of the table; whole pipeline over the bare network before and after it, median of the rounds."""
    frames = sum(1 for _ in read_frames(DEMO_CLIP))
    bare, whole = [], []
    for _ in range(ROUNDS):
        before = bare_rate(detector)
        began = time.perf_counter()
        request = SolveRequest(video=str(DEMO_CLIP), out=str(scratch / "out"), detector=detector)
        solve(request, Job(lambda event: None, lambda: False))
        whole.append(frames / (time.perf_counter() - began))
        bare.append((before + bare_rate(detector)) / 2)
    ratio = float(np.median(np.divide(whole, bare)))
    print(f"| {detector} | {np.median(bare):.1f} | {np.median(whole):.1f} | {ratio:.2f} |", flush=True)
    return ratio


def bare_rate(detector: str) -> float:
    """Runs of the landmark network a second."""
    model = str(MODEL_FOLDER / f"pose_landmark_{detector}.tflite")
    network = Interpreter(model_path=model, num_threads=min(4, os.cpu_count() or 1))
    network.allocate_tensors()
    entry = network.get_input_details()[0]
    network.set_tensor(entry["index"], np.random.default_rng(0).random(entry["shape"], np.float32))
    for _ in range(5):
        network.invoke()
    began = time.perf_counter()
    for _ in range(BARE_RUNS):
        network.invoke()
    return BARE_RUNS / (time.perf_counter() - began)


def measure_memory(scratch: Path) -> float:
    """Print the table of peak memory; what an hour of 1080p would take, MB."""
    peaks = []
    for frames in (SHORT, LONG):
        clip = loop_in_1080p(DEMO_CLIP, frames, scratch / f"loop_{frames}.mp4")
        peaks.append(peak_memory_mb(clip, scratch / f"out_{frames}"))
    slope = (peaks[1] - peaks[0]) / (LONG - SHORT) * 1000
    hour = peaks[1] + max(0.0, slope) * (HOUR - LONG) / 1000
    print("\n| 1080p clip | peak memory, MB |\n|---|---|")
    for frames, peak in zip((SHORT, LONG), peaks, strict=True):
        print(f"| {frames} frames | {peak:.0f} |")
    print(f"| slope per 1,000 frames | {slope:.1f} |")
    print(f"| one hour at 30 Hz, extrapolated | {hour:.0f} |", flush=True)
    return hour


def loop_in_1080p(source: Path, frames: int, target: Path) -> Path:
    """The clip, scaled to 1920x1080, over and over until it has `frames` frames."""
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), probe_video(source).rate_hz, (1920, 1080))
    written = 0
    while written < frames:
        for frame in read_frames(source):
            if written == frames:
                break
            writer.write(cv2.resize(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR), (1920, 1080)))
            written += 1
    writer.release()
    return target


def peak_memory_mb(clip: Path, out: Path) -> float:
    """Peak resident memory of `python -m solver solve` on the clip, megabytes."""
    program = (
        "import resource, subprocess, sys; status = subprocess.call(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)"
    )
    command = [sys.executable, "-m", "solver", "solve", str(clip), "--out", str(out), "--detector", "lite"]
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    kilobytes = int(done.stdout.split()[-1]) / (1024 if sys.platform == "darwin" else 1)
    return kilobytes * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main())
