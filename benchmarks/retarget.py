"""Retargeting beside Blender's own way: Copy Rotation constraints, then Bake Action with visual keying.

3,000 frames of captured motion (DeepMimic's clips one after the other) on an IKOL armature, to a rig of 60 bones with
Mixamo's names. Both run in one Blender, in turns, on bare rigs: no mesh, no other object in the scene. The bake runs on
all bones, as after Select All, and on the constrained ones alone. Ours runs with feet planted, which no bake does, and
without.

    python3 build.py bench retarget
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from building.environments import blender_environment, ensure  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- retarget: made by build.py bench retarget -->", "<!-- end of retarget -->"
FRAMES, BONES, ROUNDS = 3000, 60, 3
GATE_SECONDS, GATE_RATIO = 1.0, 10.0
NOTHING_MEASURED = 2
OURS, BARE = "IKOL, feet planted", "IKOL, rotations alone"
BAKE, BAKE_FEW = "constraints and Bake Action, all bones", "constraints and Bake Action, constrained bones"


def main() -> int:
    """Run the comparison inside Blender and keep its table in the page; 0 when the gates hold."""
    from benchmarks._mocap import FOLDER

    if not FOLDER.is_dir():
        print(f"{FOLDER} is not on this machine: nothing was measured, so no gate was tried.", file=sys.stderr)
        return NOTHING_MEASURED
    environment = blender_environment()
    ensure([environment])
    with tempfile.TemporaryDirectory(prefix="ikol-bench-") as scratch:
        take, answer = Path(scratch) / "take.npz", Path(scratch) / "answer.json"
        write_motion(take)
        command = [str(environment.interpreter), __file__, "inside", str(take), str(answer)]
        status = subprocess.call(command, cwd=ROOT, env={**os.environ, "BLENDER_USER_RESOURCES": scratch})
        if status != 0:
            return status
        found = json.loads(answer.read_text())
    text, holds = report(found)
    print(text)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
    return 0 if holds else 1


def report(found: dict[str, Any]) -> tuple[str, bool]:
    """The table, and whether the gates hold."""
    wall, cpu = found["wall"], found["cpu"]
    lines = [
        f"Blender {found['blender']}, {FRAMES} frames, {found['bones']} bones of which {found['moved']} move; "
        f"medians of {ROUNDS} rounds in turns.",
        "",
        "| | s | processor s | times as long as ours |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {wall[name]:.2f} | {cpu[name]:.2f} | {found['ratio'][name]:.1f} |"
        for name in (OURS, BARE, BAKE, BAKE_FEW)
    ]
    ratio = found["ratio"][BAKE]
    holds = wall[OURS] < GATE_SECONDS and ratio >= GATE_RATIO
    gates = f"ours with feet planted under {GATE_SECONDS:g} s, and the bake on all bones at least {GATE_RATIO:g} times"
    lines += ["", f"Gates: {gates} as long."]
    return "\n".join(lines), holds


def write_motion(path: Path) -> None:
    """`FRAMES` frames of motion as a take."""
    from scipy.spatial.transform import Rotation

    from benchmarks._mocap import read_motions, resample
    from solver.take import Camera, Take, write_take

    motions = [resample(motion, 30.0) for motion in read_motions()]
    rotations = np.concatenate([motion.rotations.numpy() for motion in motions])
    places = np.concatenate([motion.translation.numpy() for motion in motions])
    repeats = -(-FRAMES // len(rotations))
    rotations, places = np.tile(rotations, (repeats, 1, 1, 1))[:FRAMES], np.tile(places, (repeats, 1))[:FRAMES]
    z_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    rotations[:, 0] = z_up @ rotations[:, 0]
    poses = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(FRAMES, 72)
    write_take(
        Take(
            poses=poses,
            trans=places @ z_up.T,
            betas=np.zeros(10),
            gender="neutral",
            model="open",
            framerate=30.0,
            timestamps=np.arange(FRAMES) / 30,
            keypoints3d=np.zeros((FRAMES, 24, 3)),
            confidence=np.ones((FRAMES, 24)),
            contacts=np.zeros((FRAMES, 4)),
            landmarks2d=np.zeros((FRAMES, 33, 3)),
            camera=Camera(700.0, (320.0, 180.0), (640, 360), ((1, 0, 0), (0, 0, -1), (0, 1, 0)), (0.0, -4.0, 1.3)),
            meta={"clip": "motion.mp4"},
        ),
        path,
    )


def inside(take: Path, answer: Path) -> None:
    """The comparison, run by a Python that has `bpy`."""
    import bpy

    from building.blender_session import MODULE, enable_extension

    scene = enable_extension()
    bpy.ops.wm.read_homefile(use_empty=True)
    source = scene.import_take(bpy.context, take).armature
    for other in [thing for thing in bpy.data.objects if thing != source]:
        bpy.data.objects.remove(other)
    bench = Bench(MODULE, source)
    runs = {
        OURS: lambda: bench.ours(True),
        BARE: lambda: bench.ours(False),
        BAKE: lambda: bench.bake(bench.targets[BAKE].data.bones.keys()),
        BAKE_FEW: lambda: bench.bake(bench.moved),
    }
    wall, cpu = bench.interleave(runs)
    found = {
        "blender": bpy.app.version_string,
        "bones": len(bench.targets[OURS].data.bones),
        "moved": len(bench.moved),
        "wall": {name: statistics.median(times) for name, times in wall.items()},
        "cpu": {name: statistics.median(times) for name, times in cpu.items()},
        "ratio": {
            name: statistics.median(a / b for a, b in zip(times, wall[OURS], strict=True))
            for name, times in wall.items()
        },
    }
    answer.write_text(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # Blender 4.5 hangs when its Python ends in the ordinary way.


class Bench:
    """Ours and Blender's, from one source to rigs of their own."""

    def __init__(self, module: str, source: Any) -> None:
        import importlib

        self.run = importlib.import_module(f"{module}.ikol_blender.retarget.run")
        families = importlib.import_module(f"{module}.ikol_blender.retarget.families")
        bone_map = importlib.import_module(f"{module}.ikol_blender.retarget.bone_map")
        self.source = source
        self.target_map, _ = bone_map.load_map(families.FOLDER / "mixamo.json")
        self.source_map = families.detect(bone.name for bone in source.pose.bones).bone_map
        self.moved = self.target_map.names()
        self.targets = {name: build_rig(source, self.source_map, self.target_map) for name in (OURS, BAKE)}
        constrain(self.targets[BAKE], source, self.source_map, self.target_map)

    def interleave(self, runs: dict[str, Callable[[], None]]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """Seconds of each, by the clock and of the processor; the first of ours warms up."""
        wall: dict[str, list[float]] = {name: [] for name in runs}
        cpu: dict[str, list[float]] = {name: [] for name in runs}
        self.ours(True)
        for _ in range(ROUNDS):
            for name, run in runs.items():
                self.prepare(self.targets[BAKE if name in (BAKE, BAKE_FEW) else OURS])
                began, spent = time.perf_counter(), time.process_time()
                run()
                wall[name].append(time.perf_counter() - began)
                cpu[name].append(time.process_time() - spent)
        return wall, cpu

    def prepare(self, target: Any) -> None:
        """Leave the source and `target` alone in the scene, the target without an action."""
        import bpy

        collection = bpy.context.scene.collection
        for rig in self.targets.values():
            if rig.name in collection.objects:
                collection.objects.unlink(rig)
        collection.objects.link(target)
        target.animation_data_clear()
        for action in [action for action in bpy.data.actions if action != self.source.animation_data.action]:
            bpy.data.actions.remove(action)
        bpy.context.view_layer.update()

    def ours(self, plant: bool) -> None:
        import bpy

        bpy.context.view_layer.objects.active = self.source
        done = self.run.retarget(bpy.context, self.targets[OURS], plant_feet=plant)
        first, last = done.action.frame_range
        assert last - first + 1 == FRAMES

    def bake(self, bones: Collection[str]) -> None:
        import bpy

        target = self.targets[BAKE]
        bpy.context.view_layer.objects.active = target
        bpy.ops.object.mode_set(mode="POSE")
        for bone in target.data.bones:
            bone.select = bone.name in bones
        bpy.ops.nla.bake(
            frame_start=1, frame_end=FRAMES, only_selected=True, visual_keying=True, use_current_action=False,
            bake_types={"POSE"},
        )  # fmt: skip
        bpy.ops.object.mode_set(mode="OBJECT")
        first, last = target.animation_data.action.frame_range
        assert last - first + 1 == FRAMES


def build_rig(source: Any, source_map: Any, target_map: Any) -> Any:
    """A rig of `BONES` bones at the joints of `source`: the mapped ones, and fingers that stay as they are."""
    import bpy

    data = bpy.data.armatures.new("rig")
    rig = bpy.data.objects.new("rig", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    theirs = {bone: name for role, names in source_map.bones.items() for bone, name in _pairs(role, names, target_map)}
    for name, bone in theirs.items():
        new, old = data.edit_bones.new(name), source.data.bones[bone]
        new.head, new.tail, new.roll = old.head_local, old.tail_local, 0.3
        above = next((n for b in old.parent_recursive for n, t in theirs.items() if t == b.name), None)
        new.parent = data.edit_bones[above] if above else None
    hands = [data.edit_bones[target_map.bones[f"hand.{side}"][0]] for side in "LR"]
    while len(data.edit_bones) < BONES:
        count = len(data.edit_bones)
        finger, hand = data.edit_bones.new(f"finger{count}"), hands[count % 2]
        finger.head = hand.tail
        finger.tail = hand.tail + (hand.tail - hand.head) * 0.3
        finger.parent = hand
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return rig


def constrain(target: Any, source: Any, source_map: Any, target_map: Any) -> None:
    """Copy Rotation in world space on every mapped bone, and Copy Location on the hips."""
    for role, names in source_map.bones.items():
        for name, bone in _pairs(role, names, target_map):
            kinds = ("COPY_ROTATION", "COPY_LOCATION") if role == "hips" else ("COPY_ROTATION",)
            for kind in kinds:
                constraint = target.pose.bones[name].constraints.new(kind)
                constraint.target, constraint.subtarget = source, bone


def _pairs(role: str, names: tuple[str, ...], target_map: Any) -> list[tuple[str, str]]:
    """Names of the target's and the source's bones of one role, one by one."""
    return list(zip(target_map.bones.get(role, ()), names, strict=False))


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        inside(Path(sys.argv[2]), Path(sys.argv[3]))
    sys.exit(main())
