"""Which way is up, as the upright edges of a room or a street tell it.

Door frames, posters, poles and walls are upright; in the picture of a camera that looks down they lean apart, and all
of them point at one place. Each edge lies in a plane through the camera, and that plane contains the vertical: its
normal is square to up. Edges that are not upright count as clutter, so nothing is decided by taking the best of many
guesses: all tilts near the one told before are weighed (Bayes), each edge being upright with some chance and anything
otherwise. Where no tilt explains the edges better than clutter does, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from .segments import Segments

Array = NDArray[Any]

_TOLD_SIGMA = np.radians((5.0, 3.0))  # pitch and roll of up as it was told before
_WINDOW = np.radians(18.0)  # edges that lean farther from what was told before are not upright
_LARGEST_PITCH, _LARGEST_ROLL, _STEP = np.radians(16.0), np.radians(10.0), np.radians(0.4)  # tilts that are weighed
_LEAN = np.radians(0.5)  # how far upright things lean: hung askew, tapered, bent by the lens
_COMMON_LEAN = np.radians(0.3)  # of all of them together
_NEIGHBOURS = np.radians(1.5)  # edges so near to the side of each other are one thing's, and lean alike
_SHARES = np.array((0.1, 0.25, 0.5, 0.75, 0.9))  # of the edges in the window, that may be upright
_NONE_UPRIGHT = 0.5  # chance, before anything is seen, that none is
_SLANTED = 0.03  # and that those which agree are slanted: a rail's bars, a truss
_DOUBT = 0.1  # chance, afterwards, of either, from which on nothing is said
_FEWEST = 3.5  # things that must agree
_MOST = 600  # edges that are weighed, the sharpest: more tell hardly more, and take seconds


@dataclass(frozen=True)
class Upright:
    """Which way is up.

    Attributes:
        up: (3,) against gravity, axes of the first picture, any length.
        information: (3, 3) what edges told of it, 1/rad^2; zeros where they told nothing.
    """

    up: Array
    information: Array

    def level_information(self, level: Array) -> Array:
        """(2, 2) the same along x and z of the level camera into whose axes `level` (3, 3) turns the picture's."""
        return (level @ self.information @ level.T)[np.ix_((0, 2), (0, 2))]


def find_upright(told: Array, segments: Segments, focal_sigma: float) -> Upright:
    """Up as it was `told` (3,) before, bettered by the upright ones among the edges.

    Args:
        told: as the people's motion told it, any length.
        segments: edges of what stands still.
        focal_sigma: how far the focal length may be off, relative; a pitch told by edges is off in proportion.
    """
    as_told = Upright(told, np.zeros((3, 3)))
    told = told / np.linalg.norm(told)
    axes = _tilt_axes(told)
    normals, sigma = _planes(segments, told)
    near = np.abs(np.arcsin(np.clip(normals @ told, -1, 1))) < _WINDOW
    normals, sigma = normals[near], sigma[near]
    sharpest = np.argsort(sigma, kind="stable")[:_MOST]
    normals, sigma = normals[sharpest], sigma[sharpest]
    worth = _worth(normals @ axes.T, sigma)
    tilts = _tilts()
    chance = _weigh(_tilted(told, axes, tilts), tilts, normals, np.hypot(sigma, _LEAN), worth)
    if chance is None:
        return as_told
    tilt = chance @ tilts
    covariance = (chance[:, None] * (tilts - tilt)).T @ (tilts - tilt) + _COMMON_LEAN**2 * np.eye(2)
    # What was told before, no tilt, is part of it. Taken out again, what remains is what the edges told.
    certain = np.linalg.inv(covariance)
    before = np.diag(_TOLD_SIGMA**-2)
    news, ways = np.linalg.eigh(certain - before)
    news = (ways * np.maximum(news, 0.0)) @ ways.T
    # Through another lens the same edges would tell a pitch that is larger or smaller in proportion.
    blur = (focal_sigma * np.arcsin(np.clip(_tilted(told, axes, tilt[None])[0, 2], -1, 1))) ** 2
    share = blur / (1 + blur * news[0, 0])
    pulled = certain @ tilt
    pulled = pulled - share * news[:, 0] * pulled[0]
    news = news - share * np.outer(news[:, 0], news[0])
    up = _tilted(told, axes, np.linalg.solve(news + before, pulled)[None])[0]
    return Upright(up, axes.T @ news @ axes)


def _weigh(ups: Array, tilts: Array, normals: Array, spread: Array, worth: Array) -> Array | None:
    """(G,) chance of each of the directions `ups` (G, 3), which lean by `tilts` (G, 2) from what was told before.

    None where the edges do not tell. normals (N, 3), how far off each one's lean is (N,), and what it counts (N,).
    """
    if worth.sum() < _FEWEST:
        return None
    # How much likelier each edge's lean is when it is upright than when it is clutter, by direction.
    likelier = np.exp(-0.5 * (ups @ normals.T / spread) ** 2) / (np.sqrt(2 * np.pi) * spread) * 2 * _WINDOW
    gain = np.stack([np.log(share * likelier + 1 - share) @ worth for share in _SHARES]) - np.log(len(_SHARES))
    told = -0.5 * ((tilts / _TOLD_SIGMA) ** 2).sum(axis=1)
    upright = np.log(1 - _NONE_UPRIGHT - _SLANTED) + gain + told - logsumexp(told)
    slanted = np.log(_SLANTED / len(tilts)) + logsumexp(gain)
    total = logsumexp((np.log(_NONE_UPRIGHT), slanted, logsumexp(upright)))
    if np.exp(logsumexp(upright) - total) < 1 - _DOUBT:
        return None
    share, best = np.unravel_index(int(upright.argmax()), upright.shape)
    odds = _SHARES[share] * likelier[best]
    if worth @ (odds / (odds + 1 - _SHARES[share])) < _FEWEST:
        return None
    return np.exp(upright - logsumexp(upright)).sum(axis=0)


def _planes(segments: Segments, up: Array) -> tuple[Array, Array]:
    """(N, 3) unit normals of the planes through camera and edges, and (N,) how far off their lean is, radians."""
    across = np.cross(segments.starts, segments.ends)
    length = np.maximum(np.linalg.norm(across, axis=1), 1e-9)
    normals = across / length[:, None]
    middle = segments.starts + segments.ends
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    along = np.cross(normals, middle)
    return normals, segments.end_sigma * np.hypot(middle @ up / np.sqrt(2), np.sqrt(2) * (along @ up) / length)


def _worth(sideways: Array, sigma: Array) -> Array:
    """(N,) what each edge counts: those of one thing, in all pictures, count as one together, its sharpest the most.

    sideways: (N, 2) the normals' parts that are level; edges with the same ones are above each other.
    """
    bearing = np.arctan2(sideways[:, 0], sideways[:, 1])
    apart = np.abs((bearing[:, None] - bearing + np.pi / 2) % np.pi - np.pi / 2)
    information = 1 / (sigma**2 + _LEAN**2)
    return information / np.maximum((apart < _NEIGHBOURS) @ information, 1e-9)


def _tilt_axes(up: Array) -> Array:
    """(2, 3) unit vectors square to `up`: forwards, and to the right."""
    forwards = np.array((0.0, 0.0, 1.0)) - up[2] * up
    forwards /= max(float(np.linalg.norm(forwards)), 1e-9)
    return np.stack((forwards, np.cross(forwards, up)))


def _tilts() -> Array:
    """(G, 2) pitch and roll of the tilts that are weighed, radians."""
    sides = [
        np.arange(-round(most / _STEP), round(most / _STEP) + 1) * _STEP for most in (_LARGEST_PITCH, _LARGEST_ROLL)
    ]
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)


def _tilted(up: Array, axes: Array, tilts: Array) -> Array:
    """(G, 3) `up`, leant forwards and to the right by `tilts` (G, 2), radians."""
    angle = np.linalg.norm(tilts, axis=1, keepdims=True)
    return np.cos(angle) * up + np.sinc(angle / np.pi) * (tilts @ axes)
