"""MakeHuman's person moved from its own rest pose into SMPL's T-pose."""

from __future__ import annotations

from typing import Any

import numpy as np
from makehuman import MakeHuman
from numpy.typing import NDArray

Array = NDArray[Any]

# Degrees about x, from parent to child: SMPL's upright stance.
LEAN = {"spine05": -2.5, "spine04": -2.0, "spine03": -1.5, "neck01": 3.0, "neck03": 3.0}
# How much of each phalanx's curl is taken out.
FLATTENING = (0.9, 0.8, 0.7)


def move_to_t_pose(makehuman: MakeHuman, vertices: Array) -> tuple[Array, dict[str, Array]]:
    """Skin a shaped mesh into the T-pose with the full rig.

    Returns:
        (vertices, 3) posed, metres, and each bone's posed head (3,). Joint cubes move rigidly with their bones.
    """
    heads = np.array([makehuman.locate(vertices, bone["head"]) for bone in makehuman.rig.values()])
    wanted = _lean_trunk()
    for side in ("L", "R"):
        wanted |= _spread_arm(makehuman, vertices, side, wanted["spine03"]) | _straighten_leg(makehuman, vertices, side)
    turned, placed = _follow_bones(makehuman, heads, wanted)
    shift = placed - np.einsum("bij,bj->bi", turned, heads)
    moves = np.concatenate([turned, shift[:, :, None]], axis=2).reshape(-1, 12)
    blended = (makehuman.weights @ moves).reshape(-1, 3, 4)
    posed = np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
    _carry_cubes(makehuman, vertices, posed, turned, placed, heads)
    return posed, dict(zip(makehuman.rig, placed, strict=True))


def _follow_bones(makehuman: MakeHuman, heads: Array, wanted: dict[str, Array]) -> tuple[Array, Array]:
    """Global rotations (bones, 3, 3) and posed heads (bones, 3); a bone not asked to turn follows its parent."""
    index = {name: row for row, name in enumerate(makehuman.rig)}
    turned, placed = np.empty((len(heads), 3, 3)), heads.copy()
    for name, bone in makehuman.rig.items():
        row = index[name]
        if not bone["parent"]:
            turned[row] = wanted.get(name, np.eye(3))
            continue
        parent = index[bone["parent"]]
        turned[row] = wanted.get(name, turned[parent])
        placed[row] = placed[parent] + turned[parent] @ (heads[row] - heads[parent])
    return turned, placed


def _carry_cubes(
    makehuman: MakeHuman, vertices: Array, posed: Array, turned: Array, placed: Array, heads: Array
) -> None:
    at_head = {bone["head"].get("cube_name") for bone in makehuman.rig.values()}
    for row, bone in enumerate(makehuman.rig.values()):
        if bone["head"]["strategy"] == "CUBE":
            cube = makehuman.cubes[bone["head"]["cube_name"]]
            posed[cube] = vertices[cube] - vertices[cube].mean(axis=0) + placed[row]
        if bone["tail"]["strategy"] == "CUBE" and bone["tail"]["cube_name"] not in at_head:
            cube = makehuman.cubes[bone["tail"]["cube_name"]]
            posed[cube] = vertices[cube] @ turned[row].T + (placed[row] - turned[row] @ heads[row])


def _lean_trunk() -> dict[str, Array]:
    wanted, total = {}, 0.0
    for bone, degrees in LEAN.items():
        total += degrees
        wanted[bone] = _turn((1, 0, 0), total)
    return wanted


def _spread_arm(makehuman: MakeHuman, vertices: Array, side: str, chest: Array) -> dict[str, Array]:
    out = 1.0 if side == "L" else -1.0
    points = _Points(makehuman, vertices, side)
    wanted = {
        f"{bone}.{side}": _turn((0, 1, 0), out * 8) @ _turn((0, 0, 1), out * degrees) @ chest
        for bone, degrees in (("clavicle", 10), ("shoulder01", 18))
    }
    upper, fore = points["elbow"] - points["shoulder"], points["hand"] - points["elbow"]
    # The elbow's hinge, brought to point down on the left.
    hinge, wanted_hinge = np.cross(upper, fore), np.array([0.0, -out, 0.0])
    upper_wanted, fore_wanted, hand_wanted = (_sideways(out, *tilt) for tilt in ((-3, -5.5), (2, -0.5), (-5, -4)))
    turned_upper = _frame(upper_wanted, wanted_hinge) @ _frame(upper, hinge).T
    turned_fore = _frame(fore_wanted, wanted_hinge) @ _frame(fore, hinge).T
    hand = points["finger-3-1"] - points["hand"]
    across = points["finger-2-1"] - points["finger-5-1"]
    turned_hand = _frame(hand_wanted, np.array([0.0, 0.0, 1.0])) @ _frame(hand, across).T
    # The forearm's two bones share the twist between elbow and hand.
    twist = np.degrees(_twist_about(turned_hand @ turned_fore.T, fore_wanted))
    wanted |= {f"upperarm0{part}.{side}": turned_upper for part in (1, 2)}
    wanted[f"lowerarm01.{side}"] = _turn(fore_wanted, 0.25 * twist) @ turned_fore
    wanted[f"lowerarm02.{side}"] = _turn(fore_wanted, 0.70 * twist) @ turned_fore
    wanted[f"wrist.{side}"] = turned_hand
    palm = turned_hand @ _unit(np.cross(hand, across))
    for finger in (2, 3, 4, 5):
        for phalanx, flattening in enumerate(FLATTENING, start=1):
            along = turned_hand @ (points[f"finger-{finger}-{phalanx + 1}"] - points[f"finger-{finger}-{phalanx}"])
            flat = along - flattening * (along @ palm) * palm
            wanted[f"finger{finger}-{phalanx}.{side}"] = _swing(along, flat) @ turned_hand
    return wanted


def _straighten_leg(makehuman: MakeHuman, vertices: Array, side: str) -> dict[str, Array]:
    out = 1.0 if side == "L" else -1.0
    points = _Points(makehuman, vertices, side)
    hip, knee, ankle = points["upper-leg"], points["knee"], points["ankle"]
    thigh = _swing(knee - hip, _downwards(out, 1.5, -1))
    shin = _swing(thigh @ (ankle - knee), _downwards(out, -2, -6)) @ thigh
    toes = np.mean([points[f"toe-{toe}-1"] for toe in range(1, 6)], axis=0) - ankle
    foot = _turn((0, 1, 0), out * 12.5 - np.degrees(np.arctan2(toes[0], toes[2])))
    return {
        **{f"upperleg0{part}.{side}": thigh for part in (1, 2)},
        **{f"lowerleg0{part}.{side}": shin for part in (1, 2)},
        f"foot.{side}": foot,
    }


class _Points:
    """Centres of one side's joint cubes, by name."""

    def __init__(self, makehuman: MakeHuman, vertices: Array, side: str) -> None:
        self.cubes, self.vertices, self.prefix = makehuman.cubes, vertices, f"joint-{side.lower()}-"

    def __getitem__(self, name: str) -> Array:
        return self.vertices[self.cubes[self.prefix + name]].mean(axis=0)


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


def _frame(first: Array, second: Array) -> Array:
    first = _unit(first)
    second = _unit(second - first * (first @ second))
    return np.stack([first, second, np.cross(first, second)], axis=1)


def _turn(axis: Any, degrees: float) -> Array:
    x, y, z = _unit(np.asarray(axis, np.float64))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(np.radians(degrees)) * cross + (1 - np.cos(np.radians(degrees))) * cross @ cross


def _swing(start: Array, end: Array) -> Array:
    """The shortest rotation of one direction onto another."""
    start, end = _unit(start), _unit(end)
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    return np.eye(3) if sine < 1e-9 else _turn(axis, float(np.degrees(np.arctan2(sine, start @ end))))


def _twist_about(turn: Array, axis: Array) -> float:
    """Angle, radians, of a rotation's part about a unit axis."""
    vector = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return float(2 * np.arctan2(vector @ axis, 1 + np.trace(turn)))


def _sideways(out: float, up_degrees: float, forward_degrees: float) -> Array:
    return _unit(np.array([out, np.tan(np.radians(up_degrees)), np.tan(np.radians(forward_degrees))]))


def _downwards(out: float, out_degrees: float, forward_degrees: float) -> Array:
    return _unit(np.array([out * np.tan(np.radians(out_degrees)), -1.0, np.tan(np.radians(forward_degrees))]))
