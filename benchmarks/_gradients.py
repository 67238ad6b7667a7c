"""Time and memory of IKOL's gradients against a generic way."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from solver.ikol import IKOLLayer, Skeleton
from tests.solver.ikol.poses import make_poses

from ._rivals import GenericLayer
from ._timing import interleave


def gradient_table() -> list[str]:
    """Forward and backward of a batch of 24. The rival's two parts are timed apart, to compare its backward alone."""
    poses = make_poses(24, torch.float32, shaped=False)
    keypoints = poses.joints + 0.01 * torch.randn(poses.joints.shape, generator=torch.Generator().manual_seed(1))
    forwards: dict[str, Callable[[], Tensor]] = {}
    for mode in ("unrolled", "last_step", "implicit"):
        layer = IKOLLayer(poses.skeleton, differentiation=mode)
        forwards[mode] = lambda layer=layer: layer(keypoints.clone().requires_grad_(), **poses.inputs).joints.sum()
    runs: dict[str, Callable[[], object]] = {}
    for mode, forward in forwards.items():
        runs[f"{mode}: forward"] = forward
        runs[f"{mode}: both"] = lambda forward=forward: forward().backward()
    generic = GenericLayer(poses)
    solved = generic.solve(keypoints)
    runs["generic: forward"] = lambda: generic.solve(keypoints)
    runs["generic: backward"] = lambda: generic.gradient(solved, keypoints)
    runs["no gradient: forward"] = lambda: _without_gradient(poses.skeleton, keypoints, poses.inputs)
    times = interleave(runs, rounds=9)
    bare = times["no gradient: forward"]
    rows = ["| 24 poses | forward and backward, ms | what the gradient adds, ms | MB saved for backward |"]
    rows.append("|---|---|---|---|")
    for mode in forwards:
        both = times[f"{mode}: both"]
        rows.append(f"| {mode} | {both:.1f} | {both - bare:.1f} | {saved_megabytes(runs[f'{mode}: both'])} |")
    forward, backward = times["generic: forward"], times["generic: backward"]
    rows.append(f"| generic: Newton and implicit, dense `jacrev` | {forward + backward:.1f} | {backward:.1f} | - |")
    last = times["last_step: both"]
    rows.append(
        f"\nThe generic way takes {(forward + backward) / last:.1f} times as long as last_step; "
        f"its gradient alone {backward / (last - bare):.1f} times, beside a solve without gradients of {bare:.1f} ms."
    )
    return rows


def _without_gradient(skeleton: Skeleton, keypoints: Tensor, inputs: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return IKOLLayer(skeleton)(keypoints, **inputs).joints


def saved_megabytes(run: Callable[[], object]) -> str:
    """Memory of the distinct tensors that autograd keeps, MB."""
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return f"{sum(kept.values()) / 1e6:.1f}"
