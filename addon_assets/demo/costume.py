"""The demo's person: the open body in a shirt, trousers and shoes, with hair and eyes. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.body_file import JOINT_NAMES, Body

Array = NDArray[Any]

COLOURS = {
    "skin": (0.80, 0.52, 0.39),
    "shirt": (0.05, 0.30, 0.46),
    "trousers": (0.13, 0.13, 0.17),
    "shoes": (0.78, 0.77, 0.73),
    "hair": (0.06, 0.03, 0.018),
    "lips": (0.62, 0.28, 0.24),
    "white": (0.92, 0.92, 0.90),
    "pupil": (0.03, 0.018, 0.012),
}
# How far each covering stands off the skin, metres, and how often it is smoothed: cloth bridges what skin follows.
THICKNESS = {"shirt": 0.010, "trousers": 0.008, "shoes": 0.008, "hair": 0.012}
SMOOTHING = {"shirt": 14, "trousers": 8, "shoes": 60, "hair": 10}
EYE_RADIUS = 0.0125
EYE_INSET = 0.0075
AT = {name: index for index, name in enumerate(JOINT_NAMES)}


@dataclass(frozen=True)
class Person:
    """A dressed body at rest.

    Attributes:
        vertices: (V, 3) metres, SMPL's rest frame.
        faces: (F, 3) vertex indices.
        worn: F keys of COLOURS.
        weights: (V, 24) skinning weights.
        joints: (24, 3) of the bare body.
    """

    vertices: Array
    faces: Array
    worn: list[str]
    weights: Array
    joints: Array

    def pose(self, turned: Array, placed: Array) -> Array:
        """(V, 3) vertices for global rotations (24, 3, 3) and joint positions (24, 3)."""
        shift = placed - np.einsum("jab,jb->ja", turned, self.joints)
        blended = (self.weights @ turned.reshape(24, 9)).reshape(-1, 3, 3)
        return np.einsum("vab,vb->va", blended, self.vertices) + self.weights @ shift


def dress(body: Body, betas: Array) -> Person:
    """The person that the demo shows, shaped by `betas` (10,)."""
    rest, joints = body.rest_vertices(betas), body.rest_joints(betas)
    worn = _choose_garments(body, rest, joints)
    vertices = _straighten_hems(rest, body.faces, worn)
    vertices = _cover(vertices, body.faces, worn)
    faces, weights, names = [body.faces], [body.weights], [worn]
    pieces = [vertices]
    count = len(vertices)
    for name in ("leye", "reye"):
        ball, ball_faces, ball_colours = _eyeball(rest[body.landmarks[name]] - (0.0, 0.0, EYE_INSET))
        pieces.append(ball)
        faces.append(ball_faces + count)
        names.append(ball_colours)
        weights.append(np.tile(np.eye(24)[AT["head"]], (len(ball), 1)))
        count += len(ball)
    everything = np.concatenate(names)
    return Person(np.concatenate(pieces), np.concatenate(faces), everything.tolist(), np.concatenate(weights), joints)


def _choose_garments(body: Body, rest: Array, joints: Array) -> Array:
    """(F,) what each face wears: by the joint that moves it most and where it lies on the resting body."""
    owner = body.weights[body.faces].sum(axis=1).argmax(axis=1)
    x, y, z = rest[body.faces].mean(axis=1).T

    def moved_by(*names: str) -> Array:
        return np.isin(owner, [AT[name] for name in names])

    trunk = moved_by("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar", "neck")
    arms = moved_by("left_shoulder", "right_shoulder")
    legs = moved_by("left_hip", "right_hip", "left_knee", "right_knee")
    feet = moved_by("left_ankle", "right_ankle", "left_foot", "right_foot")
    head = moved_by("head", "neck")
    worn = np.full(len(body.faces), "skin", dtype=object)
    waist = joints[AT["pelvis"], 1] + 0.03
    shoulder, elbow = joints[AT["left_shoulder"], 0], joints[AT["left_elbow"], 0]
    worn[(trunk | legs) & (y <= waist)] = "trousers"
    # The collar runs down from the nape to the throat.
    collar = joints[AT["neck"], 1] - 0.035 - 0.45 * np.maximum(z - joints[AT["neck"], 2], -0.02)
    worn[trunk & (y > waist) & ((y < collar) | (np.abs(x) > 0.085))] = "shirt"
    worn[arms & (np.abs(x) < shoulder + 0.6 * (elbow - shoulder))] = "shirt"
    worn[(feet | legs) & (y < joints[AT["left_ankle"], 1] + 0.015)] = "shoes"
    eye, ear = rest[body.landmarks["leye"]], rest[body.landmarks["lear"]]
    hairline = eye[1] + 0.062 - 1.0 * np.clip(ear[2] + 0.035 - z, 0.0, 0.14) - 1.2 * np.maximum(np.abs(x) - 0.045, 0.0)
    beside_ear = (np.abs(x) > ear[0] - 0.016) & (np.abs(z - ear[2]) < 0.035) & (y < ear[1] + 0.03)
    worn[head & (y > hairline) & ~beside_ear] = "hair"
    nose = rest[body.landmarks["nose"]]
    mouth = (np.abs(y - (nose[1] - 0.036)) < 0.007) & (np.abs(x) < 0.022) & (z > nose[2] - 0.04)
    worn[head & mouth] = "lips"
    return worn


def _straighten_hems(vertices: Array, faces: Array, worn: Array) -> Array:
    """Even out the lines between garments, which follow the mesh's zigzag, by smoothing each along itself."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    garment = np.repeat(np.unique(worn.astype(str), return_inverse=True)[1], 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, garment = edges[order], garment[order]
    same = (edges[1:] == edges[:-1]).all(axis=1) & (garment[1:] != garment[:-1])
    hem = edges[1:][same]
    return _smooth(vertices, hem, np.isin(np.arange(len(vertices)), hem), 12)


def _cover(vertices: Array, faces: Array, worn: Array) -> Array:
    """Move each garment's vertices off the skin and let it bridge the body's creases."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    covered = vertices.copy()
    for garment, thickness in THICKNESS.items():
        inside = np.zeros(len(vertices), bool)
        inside[faces[worn == garment]] = True
        within = inside.copy()
        within[faces[worn != garment]] = False
        covered = _smooth(covered, edges, within, SMOOTHING[garment])
        covered[inside] += thickness * _normals(covered, faces)[inside]
    return covered


def _smooth(vertices: Array, edges: Array, moving: Array, rounds: int) -> Array:
    """`rounds` times, move the `moving` (V,) vertices halfway to the mean of their neighbours along `edges`."""
    start, end = np.concatenate([edges, edges[:, ::-1]]).T
    degree = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    smoothed = vertices.copy()
    for _ in range(rounds):
        total = np.stack([np.bincount(start, smoothed[end, axis], len(vertices)) for axis in range(3)], axis=1)
        smoothed[moving] += 0.5 * (total / degree - smoothed)[moving]
    return smoothed


def _normals(vertices: Array, faces: Array) -> Array:
    """(V, 3) unit normals."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], across)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)


def _eyeball(centre: Array) -> tuple[Array, Array, Array]:
    """A sphere about `centre` (3,), white but for the pupil before it (+z): vertices, faces and their colours."""
    rings, spokes = 12, 16
    polar, around = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.arange(spokes) * 2 * np.pi / spokes, indexing="ij")
    ball = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    corner = np.arange(rings * spokes).reshape(rings, spokes)
    right = np.roll(corner, -1, axis=1)
    quads = np.stack([corner, corner + spokes, right + spokes, right], axis=-1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    ring = np.tile(np.repeat(np.arange(rings), spokes), 2)
    return centre + EYE_RADIUS * ball.reshape(-1, 3), faces, np.where(ring < 3, "pupil", "white").astype(object)
