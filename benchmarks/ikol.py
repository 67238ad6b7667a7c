"""IKOL against its rivals: accuracy, speed, gradients, sequences. Prints tables and rewrites their section of
docs/benchmarks.md. Rivals run interleaved with ours, in one process; figures are medians.

`smplfitter` is not a dependency of the project; its row appears where it is installed (benchmarks/requirements.txt).
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks._mocap import FOLDER, read_motion, read_motions, resample  # noqa: E402
from benchmarks._rivals import dense_published, generic_implicit, smplfitter_run, solve_analytic_only  # noqa: E402
from solver.body_file import JOINT_NAMES, PARENTS  # noqa: E402
from solver.ikol import IKOLLayer, so3  # noqa: E402
from solver.ikol.blocks import difference  # noqa: E402
from solver.ikol.sequence import ClipTermination, ClipWindows, default_terms, solve_sequence, start_chain  # noqa: E402
from solver.ikol.terms import acceleration_stencil, velocity_stencil  # noqa: E402
from tests.solver.ikol.poses import Poses, describe, make_poses  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
LIMBS = [k for k, name in enumerate(JOINT_NAMES) if re.search("hip|knee|shoulder|elbow", name)]
OUTLIERS, OUTLIER_CONFIDENCE = 0.05, 0.1

Solve = Callable[[Poses, Tensor, Tensor | None], tuple[Tensor, Tensor]]


def ours(poses: Poses, keypoints: Tensor, confidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Relative rotations and joints of the tangent formulation."""
    solution = IKOLLayer(poses.skeleton)(keypoints, **poses.inputs, confidence=confidence)
    return solution.rotations, solution.joints


def published(poses: Poses, keypoints: Tensor, confidence: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The same of the published formulation."""
    solution = IKOLLayer(poses.skeleton, formulation="published")(keypoints, **poses.inputs)
    return solution.rotations, solution.joints


def joint_error(joints: Tensor, truth: Tensor) -> float:
    """Mean root-relative distance, mm."""
    return 1000 * float(((joints - joints[:, :1]) - (truth - truth[:, :1])).norm(dim=-1).mean())


def limb_error(rotations: Tensor, truth: Tensor) -> float:
    """Mean angle between the limbs' global rotations, degrees."""
    turn = _globals(rotations)[:, LIMBS].mT @ _globals(truth)[:, LIMBS]
    return float(torch.rad2deg(so3.log(turn.double()).norm(dim=-1)).mean())


def accuracy_table() -> list[str]:
    """Protocol A."""
    poses = make_poses(2000, torch.float32, shaped=False)
    layers: dict[str, Solve] = {"published (ours)": published, "analytic": solve_analytic_only, "**tangent**": ours}
    rows = {"raw keypoints": ["raw keypoints"], **{name: [name] for name in layers}}
    limbs: dict[str, str] = {"raw keypoints": "-"}
    for metres in (0.0, 0.01, 0.02, 0.03):
        generator = torch.Generator().manual_seed(1)
        keypoints = poses.joints + metres * torch.randn(poses.joints.shape, generator=generator)
        rows["raw keypoints"].append(f"{joint_error(keypoints, poses.joints):.1f}")
        for name, solve in layers.items():
            rotations, joints = solve(poses, keypoints, None)
            assert torch.isfinite(rotations).all()
            rows[name].append(f"{joint_error(joints, poses.joints):.{4 if metres == 0 else 1}f}")
            if metres == 0.01:
                limbs[name] = f"{limb_error(rotations, poses.rotations):.1f}°"
    head = ["| mm | s = 0 | 10 mm | 20 mm | 30 mm | limbs' rotation at 10 mm |", "|---|---|---|---|---|---|"]
    return head + [f"| {' | '.join(row)} | {limbs[name]} |" for name, row in rows.items()]


def lifted(joints: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Protocol B's keypoints and confidence: 10 mm at the hips, 20 at wrists, ankles, hands and feet, 15 between,
    three times that in depth (z); 5 % of the keypoints 200 mm off with low confidence."""
    generator = torch.Generator().manual_seed(seed)
    sigma = torch.full((24, 1), 0.015)
    sigma[[0, 1, 2]] = 0.010
    sigma[[7, 8, 10, 11, 20, 21, 22, 23]] = 0.020
    noise = sigma * torch.tensor([1.0, 1.0, 3.0]) * torch.randn(joints.shape, generator=generator)
    off = torch.rand(joints.shape[:2], generator=generator) < OUTLIERS
    away = torch.nn.functional.normalize(torch.randn(joints.shape, generator=generator), dim=-1)
    noise = torch.where(off[..., None], 0.2 * away, noise)
    return joints + noise.to(joints), torch.where(off, OUTLIER_CONFIDENCE, 1.0).to(joints)


def realistic_table() -> list[str]:
    """Protocol B."""
    rotations = torch.cat([motion.rotations for motion in read_motions()])
    poses = describe(rotations, torch.zeros(len(rotations), 10).double(), torch.float32)
    keypoints, confidence = lifted(poses.joints, 1)
    head = [f"| {len(rotations)} mocap poses | joints, mm | limbs' rotation |", "|---|---|---|"]
    head.append(f"| raw keypoints | {joint_error(keypoints, poses.joints):.1f} | - |")
    layers: dict[str, Solve] = {"published (ours)": published, "analytic": solve_analytic_only, "**tangent**": ours}
    for name, solve in layers.items():
        found, joints = solve(poses, keypoints, confidence)
        errors = joint_error(joints, poses.joints), limb_error(found, poses.rotations)
        head.append(f"| {name} | {errors[0]:.1f} | {errors[1]:.1f}° |")
    return head


def speed_table() -> list[str]:
    """Milliseconds for 1,000 poses, interleaved."""
    poses = make_poses(1000, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    runs: dict[str, Callable[[], object]] = {
        "**tangent, to convergence**": lambda: ours(poses, keypoints),
        "analytic pass alone": lambda: solve_analytic_only(poses, keypoints, None),
        "published, analytic Jacobian": lambda: published(poses, keypoints),
        "published, dense automatic differentiation": lambda: dense_published(poses, keypoints),
    }
    rival = smplfitter_run(poses)
    if rival:
        runs["smplfitter 0.6.0, joints and 1,024 vertices, 3 iterations"] = rival
    times = interleave(runs, rounds=5)
    base = times["**tangent, to convergence**"]
    rows = [f"| {name} | {ms:.1f} | {ms / base:.2f} |" for name, ms in times.items()]
    return ["| 1,000 poses | ms | against tangent |", "|---|---|---|", *rows]


def growth_table() -> list[str]:
    """Linear in the batch, and its memory."""
    rows = ["| poses | ms | µs a pose |", "|---|---|---|"]
    for count in (10, 100, 1000, 10000, 100000):
        milliseconds, megabytes = (
            float(v)
            for v in subprocess.run(
                [sys.executable, __file__, "--grow", str(count)], check=True, capture_output=True, text=True
            ).stdout.split()
        )
        rows.append(f"| {count:,} | {milliseconds:.0f} | {1000 * milliseconds / count:.0f} |")
        if count == 100000:
            rows.append(f"\nPeak memory at 100,000: {megabytes:.0f} MB, Python, torch and the inputs included.")
    return rows


def grow(count: int) -> None:
    """One entry of the growth table, in its own process for its memory."""
    import resource

    poses = make_poses(count, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    ours(poses, keypoints[: min(count, 1000)]) if count <= 1000 else None
    began = time.perf_counter()
    ours(poses, keypoints)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(1000 * (time.perf_counter() - began), peak)


def gradient_table() -> list[str]:
    """Forward and backward of a batch of 24."""
    poses = make_poses(24, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    runs: dict[str, Callable[[], object]] = {}
    for mode in ("unrolled", "last_step", "implicit"):
        layer = IKOLLayer(poses.skeleton, differentiation=mode)
        runs[mode] = lambda layer=layer: (
            layer(keypoints.clone().requires_grad_(), **poses.inputs).joints.sum().backward()
        )
    runs["generic implicit, dense `torch.func.jacrev`"] = lambda: generic_implicit(poses, keypoints)
    times = interleave(runs, rounds=5)
    rows = [f"| {name} | {ms:.1f} | {saved_megabytes(runs[name])} |" for name, ms in times.items()]
    return ["| 24 poses, forward and backward | ms | MB saved for backward |", "|---|---|---|", *rows]


def sequence_table() -> list[str]:
    """What smoothness does to error, to acceleration error, and to the peak speed of the wrists in a clean clip."""
    rows = ["| 30 Hz, 15 mm noise | error per frame, mm | smooth | acceleration error, m/s² | smooth | peak kept |"]
    rows.append("|---|---|---|---|---|---|")
    for name in ("walk", "punch", "dance_a", "kick", "spin"):
        motion = resample(read_motion(next(p for p in _clips() if p.stem.endswith(f"_{name}"))), 30.0)
        poses = describe(motion.rotations, torch.zeros(len(motion.rotations), 10).double(), torch.float32)
        truth = poses.joints + motion.translation[:, None].float()
        noise = 0.015 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
        start, terms = clip_of(poses, truth + noise, 30.0)
        smooth = solve_sequence(start, terms).chain
        figures = [1000 * float((c.joints - truth).norm(dim=-1).mean()) for c in (start, smooth)]
        stencil = acceleration_stencil(30.0)
        figures += [float(difference(c.joints - truth, stencil).norm(dim=-1).mean()) for c in (start, smooth)]
        clean, clean_terms = clip_of(poses, truth, 30.0)
        speed = [
            float(difference(j[:, 20:22], velocity_stencil(30.0)).norm(dim=-1).max())
            for j in (solve_sequence(clean, clean_terms).chain.joints, truth)
        ]
        rows.append(f"| {name} | {' | '.join(f'{f:.1f}' for f in figures)} | {100 * speed[0] / speed[1]:.1f} % |")
    return rows


def sequence_speed() -> list[str]:
    """3,000 frames: the smooth solve against the per-frame one, and windows against the whole."""
    motions = [resample(motion, 30.0).rotations for motion in read_motions()]
    rotations = torch.cat(motions * (3000 // sum(map(len, motions)) + 1))[:3000]
    poses = describe(rotations, torch.zeros(3000, 10).double(), torch.float32)
    noise = 0.015 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    began = time.perf_counter()
    start, terms = clip_of(poses, poses.joints + noise, 30.0)
    middle = time.perf_counter()
    solve_sequence(start, terms)
    end = time.perf_counter()
    rows = ["| 3,000 frames | s |", "|---|---|", f"| frame by frame | {middle - began:.2f} |"]
    rows.append(f"| with smoothness | {end - middle:.2f} |")
    rows.append(f"\nRatio {(end - middle) / (middle - began):.1f}.")
    poses = Poses(poses.skeleton.double(), *(v[:400].double() for v in list(vars(poses).values())[1:]))
    start, terms = clip_of(poses, poses.joints + noise[:400].double(), 30.0)
    tight = ClipTermination(max_iterations=40, step=1e-5, decrease=1e-9)
    whole, cut = (
        solve_sequence(start, terms, tight, windows).chain.joints for windows in (None, ClipWindows(length=100))
    )
    rows.append(
        f"Windows of 100 against the whole of 400 frames: {1000 * float((whole - cut).abs().max()):.4f} mm at most."
    )
    return rows


def clip_of(poses: Poses, keypoints: Tensor, frame_rate: float):
    """The per-frame chain and the default terms of a clip."""
    confidence = torch.ones_like(keypoints[..., 0])
    given = (keypoints, poses.betas[0], poses.twist, poses.leaf_rotations, confidence)
    start = start_chain(poses.skeleton, *given, frame_rate)
    return start, default_terms(keypoints, poses.twist, poses.leaf_rotations, confidence)


def interleave(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each, run in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            if turn:  # the first warms up
                times[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def saved_megabytes(run: Callable[[], object]) -> str:
    """Memory of the distinct tensors that autograd keeps, MB; "-" for torch.func, which does not tell."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            run()
    except RuntimeError:
        return "-"
    return f"{sum(kept.values()) / 1e6:.1f}"


def _globals(rotations: Tensor) -> Tensor:
    frames = [rotations[:, 0]]
    for k in range(1, 24):
        frames.append(frames[PARENTS[k]] @ rotations[:, k])
    return torch.stack(frames, 1)


def _clips() -> list[Path]:
    return sorted(FOLDER.glob("humanoid3d_*.txt"))


def main() -> None:
    """Print every table and put them on the page."""
    if "--grow" in sys.argv:
        grow(int(sys.argv[-1]))
        return
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    machine = f"{platform.machine()}, {threads} thread(s), Python {platform.python_version()}, "
    machine += f"torch {torch.__version__}, float32"
    lines = ["## IKOL", "", "    python3 build.py bench ikol", "", machine + ".", ""]
    tables: dict[str, Callable[[], list[str]]] = {
        "Accuracy on random poses (protocol A)": accuracy_table,
        "Speed": speed_table,
        "Growth": growth_table,
        "Gradients": gradient_table,
    }
    if _clips():
        tables |= {
            "Accuracy on mocap with a lifter's noise (protocol B)": realistic_table,
            "Clips": sequence_table,
            "Clips: speed and windows": sequence_speed,
        }
    for title, table in tables.items():
        with torch.set_grad_enabled(table is gradient_table):
            rows = table()
        print("\n".join([f"\n### {title}", *rows]), flush=True)
        lines += [f"### {title}", "", *rows, ""]
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks\n"
    page = re.sub(r"## IKOL\n.*?(?=\n## |\Z)", "", page, flags=re.S).rstrip() + "\n\n"
    PAGE.write_text(page + "\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
