"""Smoothing without delay, and bridging of moments in which the person was not seen."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from ..detect.observations import Observations
from ..stretches import stretches

Array = NDArray[Any]

LANDMARK_CUTOFF_HZ = 6.0  # human motion lies below, the detector's jitter above (DESIGN 10)
_VALUES_AT_ONCE = 20_000  # that are filtered: 160 kB for each copy that the filter makes


def low_pass(values: Array, rate_hz: float, cutoff_hz: float) -> Array:
    """Zero-phase Butterworth (fourth order in effect) along the first axis.

    A time base too slow to hold noise above the cutoff is returned as it is: 5 Hz video keeps its every sample.
    The result has the precision of `values`.
    """
    if rate_hz <= 2.5 * cutoff_hz or len(values) < 3:
        return values
    sections = _sections(rate_hz, cutoff_hz)
    padding = min(int(rate_hz), len(values) - 1)
    columns = values.reshape(len(values), -1)
    smoothed = np.empty_like(columns)
    # Of a long clip few at once: the copies are in double precision.
    for some in stretches(columns.shape[1], length=max(1, _VALUES_AT_ONCE // len(values))):
        part = columns[:, some.kept].astype(np.float64)
        smoothed[:, some.kept] = sosfiltfilt(sections, part, axis=0, padlen=padding)
    return smoothed.reshape(values.shape)


@lru_cache
def _sections(rate_hz: float, cutoff_hz: float) -> Array:
    return np.asarray(butter(2, cutoff_hz, fs=rate_hz, output="sos"))


def fill_gaps(observations: Observations) -> Observations:
    """Landmarks of unseen moments interpolated in time from the seen ones; their visibility becomes 0.

    Raises:
        ValueError: the person is seen at no moment.
    """
    seen = observations.seen
    if not seen.any():
        raise ValueError("a person who is never seen")
    landmarks2d, landmarks3d = observations.landmarks2d.copy(), observations.landmarks3d.copy()
    for landmarks in (landmarks2d, landmarks3d):
        for column in landmarks.reshape(len(seen), -1).T:
            column[~seen] = np.interp(observations.times[~seen], observations.times[seen], column[seen])
    landmarks2d[~seen, :, 2] = 0.0
    return replace(observations, landmarks2d=landmarks2d, landmarks3d=landmarks3d)


def bridge_positions(positions: Array, seen: Array) -> Array:
    """Positions (T, 3), those of unseen moments interpolated between the seen ones, `seen` (T,)."""
    if seen.all() or not seen.any():
        return positions
    moments = np.arange(len(seen))
    return np.stack([np.interp(moments, moments[seen], column[seen]) for column in positions.T], axis=1)


def bridge_rotations(rotations: Array, seen: Array) -> Array:
    """Rotations (T, K, 3, 3), those of unseen moments turned evenly, the shortest way, between the seen ones around."""
    known, unseen = np.flatnonzero(seen), np.flatnonzero(~seen)
    if not len(known) or not len(unseen):
        return rotations
    after = np.searchsorted(known, unseen)
    first, last = known[np.maximum(after - 1, 0)], known[np.minimum(after, len(known) - 1)]
    share = (unseen - first) / np.maximum(last - first, 1)
    shape = rotations[unseen].shape
    start = Rotation.from_matrix(rotations[first].reshape(-1, 3, 3))
    way = (start.inv() * Rotation.from_matrix(rotations[last].reshape(-1, 3, 3))).as_rotvec()
    partly = Rotation.from_rotvec(way * np.repeat(share, shape[1])[:, None])
    bridged = rotations.copy()
    bridged[unseen] = (start * partly).as_matrix().reshape(shape)
    return bridged


def smooth(observations: Observations, rate_hz: float) -> Observations:
    """The landmarks low-passed at LANDMARK_CUTOFF_HZ; visibility untouched."""
    landmarks2d = observations.landmarks2d.copy()
    landmarks2d[..., :2] = low_pass(landmarks2d[..., :2], rate_hz, LANDMARK_CUTOFF_HZ)
    return replace(
        observations,
        landmarks2d=landmarks2d,
        landmarks3d=low_pass(observations.landmarks3d, rate_hz, LANDMARK_CUTOFF_HZ),
    )
