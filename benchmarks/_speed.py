"""IKOL's speed against its rivals', and how it grows with the batch."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from tests.solver.ikol.poses import make_poses

from ._layers import ours, published
from ._rivals import dense_published, smplfitter_run, solve_analytic_only
from ._timing import interleave


def speed_table() -> list[str]:
    """Milliseconds for 1,000 poses, each rival in turns with ours: one that fills the memory slows all in its run."""
    poses = make_poses(1000, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    rivals: dict[str, Callable[[], object]] = {
        "analytic pass alone": lambda: solve_analytic_only(poses, keypoints, None),
        "published, analytic Jacobian": lambda: published(poses, keypoints),
        "published, dense automatic differentiation": lambda: dense_published(poses, keypoints),
        "smplfitter 0.6.0, joints and 1,024 vertices, 3 iterations": smplfitter_run(poses),
    }
    rows = ["| 1,000 poses | ms | tangent to convergence, ms | ratio |", "|---|---|---|---|"]
    for name, run in rivals.items():
        times = interleave({"tangent": lambda: ours(poses, keypoints), name: run}, rounds=9)
        rows.append(f"| {name} | {times[name]:.1f} | {times['tangent']:.1f} | {times[name] / times['tangent']:.2f} |")
    return rows


def growth_table() -> list[str]:
    """Linear in the batch, and its memory."""
    rows = ["| poses | ms | µs a pose |", "|---|---|---|"]
    for count in (10, 100, 1000, 10000, 100000):
        milliseconds, megabytes = (
            float(v)
            for v in subprocess.run(
                [sys.executable, "benchmarks/ikol.py", "--grow", str(count)], check=True, capture_output=True, text=True
            ).stdout.split()
        )
        rows.append(f"| {count:,} | {milliseconds:.0f} | {1000 * milliseconds / count:.0f} |")
        if count == 100000:
            rows.append(f"\nPeak memory at 100,000: {megabytes:.0f} MB, Python, torch and the inputs included.")
    return rows


def grow(count: int) -> None:
    """One entry of the growth table, in its own process for its memory."""
    poses = make_poses(count, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    ours(poses, keypoints[: min(count, 1000)]) if count <= 1000 else None
    began = time.perf_counter()
    ours(poses, keypoints)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(1000 * (time.perf_counter() - began), peak)
