"""A random population of adults, from which the body's mean and shapes are learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from makehuman import MakeHuman, Phenotype

BODY_VERTICES = 13380
# Standard deviations of MakeHuman's local modifiers, which vary bone proportions and girths.
BUILD = {
    "legs/upperlegs-height": 0.25,
    "legs/lowerlegs-height": 0.25,
    "torso/torso-scale-vert": 0.2,
    "hip/hip-scale-vert": 0.15,
    "arms/measure-upperarm-length": 0.18,
    "arms/measure-lowerarm-length": 0.18,
    "torso/measure-shoulder-dist": 0.35,
    "torso/torso-vshape": 0.4,
    "hip/hip-scale-horiz": 0.35,
    "torso/torso-scale-depth": 0.3,
    "buttocks/buttocks-volume": 0.4,
    "stomach/stomach-tone": 0.4,
    "neck/neck-scale-vert": 0.3,
    "head/head-scale-vert": 0.25,
    "head/head-scale-horiz": 0.25,
    "head/head-scale-depth": 0.25,
    "hands/*hand-scale": 0.3,
    "feet/*foot-scale": 0.3,
}
GIRTHS = {
    "torso/measure-waist-circ": 0.6,
    "torso/measure-hips-circ": 0.5,
    "legs/measure-thigh-circ": 0.4,
    "torso/measure-bust-circ": 0.35,
    "torso/measure-underbust-circ": 0.4,
    "neck/measure-neck-circ": 0.4,
    "arms/measure-upperarm-circ": 0.4,
    "head/head-fat": 0.5,
}
MANNEQUIN = {"breast/nipple-size": -1.0, "breast/nipple-point": -1.0}


def draw_people(makehuman: MakeHuman, count: int) -> Iterator[Phenotype]:
    """`count` adults, the same ones each time: half women, half men, 1.63 and 1.77 m tall (sd 6.5 cm), of mixed origin.

    The order of the draws is part of the body's definition: another order gives another body.
    """
    draw = np.random.default_rng(0)
    for index in range(count):
        male, fat = index % 2, draw.normal(0, 1)
        gender = _clip(male + (1 - 2 * male) * abs(draw.normal(0, 0.15)))
        age = draw.uniform(0.5, 0.7)
        muscle = _clip(draw.normal(0.5, 0.2))
        proportions = _clip(draw.normal(0.55, 0.2))
        cup = _clip(draw.normal(0.4, 0.2))
        local = {name: _clip(draw.normal(0.16 * name.startswith("arms"), sd), -1) for name, sd in BUILD.items()}
        races = tuple(draw.dirichlet([1, 1, 1]))
        for name, sd in GIRTHS.items():
            local[name] = _clip(sd * (0.8 * fat + 0.6 * draw.normal()), -1)
        person = Phenotype(
            gender=gender,
            age=age,
            muscle=muscle,
            weight=_clip(0.52 + 0.3 * fat, 0, 1.6),
            height=0.5,
            proportions=proportions,
            cup=cup,
            races=races,
            local=local | MANNEQUIN,
        )
        yield _grow_to(makehuman, person, draw.normal(1.63 + 0.14 * male, 0.065))


def _grow_to(makehuman: MakeHuman, person: Phenotype, metres: float) -> Phenotype:
    """The person with the height slider where one linear step puts the body's height."""

    def tall(slider: float) -> float:
        return float(np.ptp(makehuman.shape(replace(person, height=slider))[:BODY_VERTICES, 1]))

    middle = tall(0.5)
    other = tall(0.6 if metres > middle else 0.4)
    return replace(person, height=_clip(0.5 + 0.1 * (metres - middle) / abs(other - middle)))


def _clip(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return float(np.clip(value, low, high))
