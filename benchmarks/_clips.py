"""The sequence solver: what smoothness gains and costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from solver.ikol import so3
from solver.ikol.blocks import difference
from solver.ikol.chain import Chain
from solver.ikol.sequence import ClipTermination, ClipWindows, default_terms, solve_sequence, start_chain
from solver.ikol.terms import Term, acceleration_stencil, velocity_stencil
from tests.solver.ikol.poses import Poses, describe

from ._mocap import FOLDER, read_motion, read_motions, resample
from ._timing import interleave


def sequence_table() -> list[str]:
    """What smoothness does to error, to acceleration error, and to the peak speed of the wrists in a clean clip."""
    rows = ["| 30 Hz, 15 mm noise | error per frame, mm | smooth | acceleration error, m/s² | smooth | peak kept |"]
    rows.append("|---|---|---|---|---|---|")
    for name in ("walk", "punch", "dance_a", "kick", "spin"):
        motion = resample(read_motion(next(p for p in mocap_files() if p.stem.endswith(f"_{name}"))), 30.0)
        poses = describe(motion.rotations, torch.zeros(len(motion.rotations), 10).double(), torch.float32)
        truth = poses.joints + motion.translation[:, None].float()
        noise = 0.015 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
        start, terms = clip_of(poses, truth + noise, 30.0)
        smooth = solve_sequence(start.calmed(), terms).chain
        figures = [1000 * float((c.joints - truth).norm(dim=-1).mean()) for c in (start, smooth)]
        stencil = acceleration_stencil(30.0)
        figures += [float(difference(c.joints - truth, stencil).norm(dim=-1).mean()) for c in (start, smooth)]
        clean, clean_terms = clip_of(poses, truth, 30.0)
        speed = [
            float(difference(j[:, 20:22], velocity_stencil(30.0)).norm(dim=-1).max())
            for j in (solve_sequence(clean.calmed(), clean_terms).chain.joints, truth)
        ]
        rows.append(f"| {name} | {' | '.join(f'{f:.1f}' for f in figures)} | {100 * speed[0] / speed[1]:.1f} % |")
    return rows


def sequence_speed() -> list[str]:
    """3,000 frames: the smooth solve against the per-frame one, and windows against the whole."""
    rotations = _joined([resample(motion, 30.0).rotations for motion in read_motions()], 3000)
    poses = describe(rotations, torch.zeros(3000, 10).double(), torch.float32)
    noise = 0.015 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    keypoints = poses.joints + noise
    start, terms = clip_of(poses, keypoints, 30.0)
    rivals: dict[str, Callable[[], object]] = {
        "frame by frame": lambda: clip_of(poses, keypoints, 30.0),
        "smooth": lambda: solve_sequence(start.calmed(), terms),
    }
    times = interleave(rivals, 5)
    rows = ["| 3,000 frames | s |", "|---|---|"]
    rows += [f"| {name} | {milliseconds / 1000:.2f} |" for name, milliseconds in times.items()]
    rows.append(f"\nRatio {times['smooth'] / times['frame by frame']:.1f}.\n")
    rows.append(
        "Windows of 600 frames against the whole of 3,000: "
        + _apart(start, terms, ClipTermination(), ClipWindows())
        + "."
    )
    exact = Poses(poses.skeleton.double(), *(v[:400].double() for v in list(vars(poses).values())[1:]))
    start, terms = clip_of(exact, keypoints[:400].double(), 30.0)
    tight = ClipTermination(max_iterations=200, step=1e-6, decrease=1e-12)
    apart = _apart(start, terms, tight, ClipWindows(length=100))
    rows.append(f"Windows of 100 against the whole of 400, both to the end: {apart}.")
    return rows


def _apart(start: Chain, terms: list[Term], termination: ClipTermination, windows: ClipWindows) -> str:
    """How far joints of windows and of the whole lie apart."""
    start = start.calmed()
    cut = solve_sequence(start, terms, termination, windows).chain.joints
    distance = 1000 * (solve_sequence(start, terms, termination, None).chain.joints - cut).norm(dim=-1)
    return f"{float(distance.mean()):.4f} mm in the mean, {float(distance.max()):.4f} at most"


def _joined(clips: list[Tensor], count: int) -> Tensor:
    """`count` frames of the clips one after the other, again and again, turned into one another over half a second."""
    share = torch.linspace(0, 1, 17, dtype=torch.float64)[1:-1, None, None]
    pieces: list[Tensor] = []
    while sum(map(len, pieces)) < count:
        for clip in clips:
            if pieces:
                before = pieces[-1][-1]
                pieces.append(before @ so3.exp(share * so3.log(before.mT @ clip[0])))
            pieces.append(clip)
    return torch.cat(pieces)[:count]


def clip_of(poses: Poses, keypoints: Tensor, frame_rate: float) -> tuple[Chain, list[Term]]:
    """The per-frame chain and the default terms of a clip."""
    confidence = torch.ones_like(keypoints[..., 0])
    given = (keypoints, poses.betas[0], poses.twist, poses.leaf_rotations, confidence)
    start = start_chain(poses.skeleton, *given, frame_rate)
    return start, default_terms(keypoints, poses.twist, poses.leaf_rotations, confidence)


def mocap_files() -> list[Path]:
    """The clips of deepmimic, none where the shared data is absent."""
    return sorted(FOLDER.glob("humanoid3d_*.txt"))
