"""Keys for a range of frames that leave every frame outside it as it was, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from ..cleanup.keys import FREE, LINEAR, Keys, plain_keys
from ..scene.keys import read_keys, write_keys

Array = NDArray[np.float64]
_NEAR = 1e-3


def write_range(curve: bpy.types.FCurve, frames: Array, values: Array, *, open_start: bool, open_end: bool) -> None:
    """A linear key (frames[i], values[i]) on each of the range's whole frames, in place of the keys between them.

    A segment that crosses an edge of the range gets a key on each of its whole frames outside. With `open_start` or
    `open_end` the range's own first or last value holds beyond it, where no keys follow.
    """
    old = read_keys(curve)
    times = old.co[:, 0]
    outside = old.where((times < frames[0] - _NEAR) | (times > frames[-1] + _NEAR))
    before = outside.co[:, 0] < frames[0]
    kept = _linear_after_last(outside, before)
    around = np.concatenate(
        [
            _whole_frames_before(outside.co[before, 0], frames[0], open_start),
            _whole_frames_after(outside.co[~before, 0], frames[-1], open_end),
        ]
    )
    all_frames = np.concatenate([frames, around])
    all_values = np.concatenate([values, [curve.evaluate(frame) for frame in around]])
    order = np.argsort(all_frames)
    fresh = plain_keys(all_frames[order], all_values[order])
    while True:
        write_keys(curve, kept.joined(fresh))
        written = read_keys(curve)
        now = written.where(np.isin(written.co[:, 0], outside.co[:, 0]))
        bent = (now.handle_left != outside.handle_left).any(axis=1) | (now.handle_right != outside.handle_right).any(
            axis=1
        )
        loose = (kept.handle_left_type != FREE) | (kept.handle_right_type != FREE)
        if not (bent & loose).any():
            return
        # Automatic handles follow their new neighbours; these keep the shape that they had.
        frozen = bent & loose
        kept = replace(
            kept,
            handle_left_type=np.where(frozen, FREE, kept.handle_left_type).astype(np.int32),
            handle_right_type=np.where(frozen, FREE, kept.handle_right_type).astype(np.int32),
        )


def _linear_after_last(keys: Keys, before: NDArray[np.bool_]) -> Keys:
    """The last key before the range leads to it straight: only whole frames lie between."""
    interpolation = keys.interpolation.copy()
    if before.any():
        interpolation[np.flatnonzero(before)[-1]] = LINEAR
    return replace(keys, interpolation=interpolation)


def _whole_frames_before(keys: NDArray[np.float32], start: float, is_open: bool) -> Array:
    if len(keys):
        return np.arange(np.floor(keys[-1] + _NEAR) + 1, start)
    return np.empty(0) if is_open else np.array([start - 1])


def _whole_frames_after(keys: NDArray[np.float32], end: float, is_open: bool) -> Array:
    if len(keys):
        return np.arange(end + 1, np.ceil(keys[0] - _NEAR))
    return np.empty(0) if is_open else np.array([end + 1])
