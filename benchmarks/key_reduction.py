"""Key reduction beside Blender's own Decimate on real motion: keys left at the same error, and the time that it takes.

Five CMU clips at 60 Hz on their 24 body bones, a key for every frame. Ours keeps every bone within 1 degree and every
joint within 5 mm in the world, at every frame. Decimate (Graph Editor > Key > Density > Decimate (Allowed
Change)) knows one margin for each curve by itself; it gets the widest with which the same holds. Both run in one
Blender, in turns; errors are measured on what Blender's curves give.

    python build.py bench key_reduction
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from building.environments import blender_environment, ensure  # noqa: E402

MOCAP = ROOT.parent / "shared" / "data" / "mocap" / "cmu_bvh"
CLIPS = ("005_01", "005_06", "005_18", "006_10", "006_12")
TOLERANCE_DEG, TOLERANCE_MM = 1.0, 5.0
# Seconds are of the processor, of one thread: what a wait is on a machine that does nothing else.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
GATE_FEWER, GATE_SECONDS = 0.80, 5.0
NOTHING_MEASURED = 2
MARGIN_STEPS = 7
# What is no body bone of these files: fingers, toes, twists and the face; their neck is two twist bones.
MINOR = (
    "Twist",
    "Share",
    "Toe1",
    "Index",
    "Mid",
    "Ring",
    "Pinky",
    "Thumb",
    "Eye",
    "Teeth",
    "Tongue",
    "Breast",
    "Facial",
)
NECK = "NeckTwist"


def main() -> int:
    """Run the comparison inside Blender; 0 when the gates hold."""
    if not MOCAP.is_dir():
        print(f"{MOCAP} is not on this machine: nothing was measured, so no gate was tried.", file=sys.stderr)
        return NOTHING_MEASURED
    environment = blender_environment()
    ensure([environment])
    with tempfile.TemporaryDirectory(prefix="ikol-bench-") as scratch:
        command = [str(environment.interpreter), __file__, "inside"]
        return subprocess.call(command, cwd=ROOT, env={**os.environ, "BLENDER_USER_RESOURCES": scratch, **ONE_THREAD})


def inside() -> None:
    """The comparison, run by a Python that has `bpy`."""
    import bpy

    from building.blender_session import MODULE, enable_extension

    enable_extension()
    tolerance = f"{TOLERANCE_DEG:g} deg, {TOLERANCE_MM:g} mm"
    print(f"Blender {bpy.app.version_string}, numpy on one thread; {len(CLIPS)} CMU clips, 60 Hz, {tolerance}.\n")
    print("| clip | frames | bones | keys | ours | fewer | off by | s for 1,000 frames | Decimate | its keys / ours |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    bench = Bench(MODULE)
    rows = [bench.row(clip) for clip in CLIPS]
    fewer = 1 - sum(row[1] for row in rows) / sum(row[0] for row in rows)
    least, slowest = min(1 - row[1] / row[0] for row in rows), max(row[2] for row in rows)
    ratios = sorted(row[3] for row in rows)
    print(f"\nMedian: Decimate leaves {ratios[len(ratios) // 2]:.1f} times as many keys.")
    print(f"Gates: at least {GATE_FEWER:.0%} fewer in all ({fewer:.1%}; {least:.1%} in the worst clip), ", end="")
    print(f"under {GATE_SECONDS:g} s ({slowest:.2f} s in the slowest).")
    sys.stdout.flush()
    # Blender 4.5 hangs when its Python ends in the ordinary way.
    os._exit(0 if fewer >= GATE_FEWER and slowest < GATE_SECONDS else 1)


class Bench:
    """Ours and Blender's, on one clip after the other."""

    def __init__(self, module: str) -> None:
        import importlib

        self.samples = importlib.import_module(f"{module}.ikol_blender.scene.samples")
        self.reduction = importlib.import_module(f"{module}.ikol_blender.scene.key_reduction")
        self.compat = importlib.import_module(f"{module}.ikol_blender.scene.compat")
        self.quaternions = importlib.import_module(f"{module}.ikol_blender.cleanup.quaternions")

    def row(self, clip: str) -> tuple[int, int, float, float]:
        """Print one row; keys before and after, seconds for 1,000 frames, and Decimate's keys over ours."""
        import bpy

        armature = read_body(clip)
        truth = self.samples.sample(bpy.context, armature)
        original = armature.animation_data.action
        began = time.process_time()
        ours = self.reduction.reduce_action(bpy.context, tolerance_deg=TOLERANCE_DEG, tolerance_mm=TOLERANCE_MM)
        seconds = (time.process_time() - began) / len(truth.motion) * 1000
        degrees, millimetres = self.error(armature, truth)
        assert degrees <= TOLERANCE_DEG and millimetres <= TOLERANCE_MM, (degrees, millimetres)
        theirs = self.decimated(armature, original, truth)
        fewer, ratio = 1 - ours.after / ours.before, theirs / ours.after
        print(
            f"| {clip} | {len(truth.motion)} | {len(armature.data.bones)} | {ours.before} | {ours.after} | {fewer:.1%} "
            f"| {degrees:.2f} deg, {millimetres:.2f} mm | {seconds:.2f} | {theirs} | {ratio:.2f} |",
            flush=True,
        )
        return ours.before, ours.after, seconds, ratio

    def error(self, armature: Any, truth: Any) -> tuple[float, float]:
        """The most that any bone, degrees, and any joint, millimetres, is off at any frame."""
        import bpy
        import numpy as np

        now = self.samples.sample(bpy.context, armature).motion
        angle = self.quaternions.angle_between(now.rotations, truth.motion.rotations).max()
        distance = np.linalg.norm(now.posed().heads - truth.motion.posed().heads, axis=-1).max()
        return float(np.degrees(angle)), float(distance * 1000)

    def decimated(self, armature: Any, original: Any, truth: Any) -> int:
        """The fewest keys that Decimate leaves within the tolerance, its margin found by halving."""
        low, high, best = 0.0, 0.02, len(truth.motion)
        for _ in range(MARGIN_STEPS):
            margin = (low + high) / 2
            armature.animation_data.action = original
            self.compat.copy_action(armature, "decimated")
            curves = self.compat.curves_of(armature).fcurves
            decimate(margin)
            degrees, millimetres = self.error(armature, truth)
            if degrees <= TOLERANCE_DEG and millimetres <= TOLERANCE_MM:
                low, best = margin, sum(len(curve.keyframe_points) for curve in curves)
            else:
                high = margin
        return best


def read_body(clip: str) -> Any:
    """The clip's armature with its body bones alone, in a new file."""
    import bpy

    bpy.ops.wm.read_homefile(use_empty=True)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        bpy.ops.import_anim.bvh(
            filepath=str(MOCAP / f"{clip}.bvh"), global_scale=0.01, rotate_mode="QUATERNION", update_scene_fps=True,
            update_scene_duration=True,
        )  # fmt: skip
    armature = bpy.context.active_object
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    for bone in list(bones):
        if NECK not in bone.name and any(word in bone.name for word in MINOR):
            bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    curves = armature.animation_data.action.fcurves
    for curve in list(curves):
        if curve.data_path.split('"')[1] not in armature.data.bones:
            curves.remove(curve)
    return armature


def decimate(margin: float) -> None:
    """Blender's own operator on every curve of the active armature."""
    import bpy

    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "GRAPH_EDITOR"
    area.spaces.active.dopesheet.show_only_selected = False
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.graph.select_all(action="SELECT")
        bpy.ops.graph.decimate(mode="ERROR", remove_error_margin=margin)


if __name__ == "__main__":
    if sys.argv[1:] == ["inside"]:
        inside()
    sys.exit(main())
