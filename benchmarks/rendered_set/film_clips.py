"""Films the truths as clips: `.venv-blender-4.5/bin/python benchmarks/rendered_set/film_clips.py FOLDER [NAME ...]`.

Reads what write_truths.py wrote and writes FOLDER/NAME/clip.mp4, in the demo's costume and room with other colours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(ROOT), str(FOLDER), str(ROOT / "addon_assets" / "demo")]

import bpy  # noqa: E402  (the paths above make these importable)
import numpy as np  # noqa: E402
from costume import COLOURS, Person, dress  # noqa: E402
from mathutils import Matrix  # noqa: E402
from plans import PLANS, Actor, ClipPlan  # noqa: E402
from render_demo import rotation_matrices, write_clip  # noqa: E402
from studio import add_person, build_room, film_with, light_room  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import read_body  # noqa: E402
from solver.take import Take, read_take  # noqa: E402

ROOM_DEPTH = 2.2  # m further back than in the demo
STOOL = (0.38, 0.42, 0.43)  # width, depth, height, m


def film(plan: ClipPlan, folder: Path) -> None:
    """Write the clip of one plan."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.app.handlers.frame_change_pre.clear()
    scene = bpy.context.scene
    build_room()
    light_room(scene)
    for name in ("wall", "skirting"):
        bpy.data.objects[name].location.y += ROOM_DEPTH
    bpy.data.materials["wall"].diffuse_color = (*plan.wall, 1.0)
    scene.display.light_direction = plan.light
    scene.view_settings.exposure = plan.exposure
    _hang_posters(plan.posters)
    takes = [read_take(path) for path in sorted(folder.glob("truth_p*.npz"))]
    film_with(takes[0].camera, scene)
    moves = [_camera_moves(folder / "camera.npz")]
    moves += [_person_moves(take, actor) for take, actor in zip(takes, plan.actors, strict=True)]
    if any(actor.motion == "sit" for actor in plan.actors):
        _add_stool(takes[0])

    def follow(scene: bpy.types.Scene, *_: object) -> None:
        for move in moves:
            move(scene.frame_current - 1)

    bpy.app.handlers.frame_change_pre.append(follow)
    scene.frame_start, scene.frame_end = 1, len(takes[0])
    scene.render.fps, scene.render.fps_base = round(takes[0].framerate), 1.0
    write_clip(folder / "clip.mp4", "PERC_LOSSLESS")  # filmed anew, the set must be the same


def _person_moves(take: Take, actor: Actor) -> Callable[[int], None]:
    """What poses the dressed person at a moment."""
    person: Person = dress(read_body("open"), take.betas)
    mesh = add_person(person)
    for garment in ("shirt", "trousers"):
        mesh.materials[list(COLOURS).index(garment)].diffuse_color = (*getattr(actor, garment), 1.0)
    turned, placed = joint_transforms(rotation_matrices(take.poses.reshape(len(take), 24, 3)), person.joints)
    placed = placed + take.trans[:, None]

    def move(moment: int) -> None:
        mesh.vertices.foreach_set("co", person.pose(turned[moment], placed[moment]).astype(np.float32).ravel())
        mesh.update()

    return move


def _camera_moves(path: Path) -> Callable[[int], None]:
    """What places the camera at a moment."""
    with np.load(path) as stored:
        turns, places = stored["rotations"], stored["positions"]

    def move(moment: int) -> None:
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turns[moment] @ np.diag((1.0, -1.0, -1.0)), places[moment]
        bpy.context.scene.camera.matrix_world = Matrix(matrix.tolist())

    return move


def _add_stool(take: Take) -> None:
    """A block under the pelvis where it is lowest."""
    pelvis = take.keypoints3d[:, 0]
    x, y = pelvis[pelvis[:, 2].argmin(), :2]
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=(x, y, STOOL[2] / 2), scale=STOOL)
    stool = bpy.context.object
    forward = pelvis[0, :2] - (x, y)
    stool.rotation_euler.z = float(np.arctan2(forward[0], -forward[1]))
    material = bpy.data.materials.new("stool")
    material.diffuse_color = (0.22, 0.14, 0.08, 1.0)
    stool.data.materials.append(material)


def _hang_posters(count: int) -> None:
    """Framed sheets of different sizes and colours side by side on the wall."""
    random = np.random.default_rng(count)
    wall = bpy.data.objects["wall"].location.y
    for number in range(count):
        width, height = random.uniform((0.3, 0.4), (0.8, 0.9))
        place = (1.1 * (number - (count - 1) / 2), wall - 0.05, random.uniform(1.2, 2.0))
        for layer, share in enumerate((1.0, 0.8, 0.4)):
            bpy.ops.mesh.primitive_cube_add(size=1.0, location=(place[0], place[1] - 0.01 * layer, place[2]))
            sheet = bpy.context.object
            sheet.scale = (share * width, 0.01, share * height)
            material = bpy.data.materials.new(f"poster {number} {layer}")
            material.diffuse_color = (*random.uniform(0.02, 0.8, 3), 1.0)
            sheet.data.materials.append(material)


def main(arguments: list[str]) -> None:
    """Film the named clips, or all."""
    folder, names = Path(arguments[0]).resolve(), arguments[1:]
    for plan in PLANS:
        if not names or plan.name in names:
            film(plan, folder / plan.name)
            print(f"filmed {plan.name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    # bpy may hang at the interpreter's own exit.
    os._exit(0)
