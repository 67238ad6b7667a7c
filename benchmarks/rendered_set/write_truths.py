"""Writes the truth of every clip: `.venv/bin/python benchmarks/rendered_set/write_truths.py FOLDER`.

FOLDER/NAME/ receives truth_p1.npz (truth_p2.npz for a second person) and camera.npz: focal_px, image_size, and per
frame rotations (T, 3, 3), camera axes into the world, and positions (T, 3), which move in a hand-held clip only.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(ROOT), str(FOLDER), str(ROOT / "benchmarks"), str(ROOT / "addon_assets" / "demo")]

import numpy as np  # noqa: E402  (the paths above make these importable)
from plans import PLANS, Actor, ClipPlan  # noqa: E402
from retarget import RATE_HZ, Array, Played, find_contacts, play, rest_heights  # noqa: E402
from scipy.ndimage import gaussian_filter1d  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402
from sitting import sit  # noqa: E402

from solver.body import joint_transforms  # noqa: E402
from solver.body_file import Body, read_body  # noqa: E402
from solver.lift import landmark_points  # noqa: E402
from solver.motion.contacts import FOOT_POINTS  # noqa: E402
from solver.motion.world import LEVEL  # noqa: E402
from solver.take import Camera, Take, write_take  # noqa: E402

IMAGE_SIZE = (640, 360)


def write_truths(folder: Path) -> None:
    """Every plan's takes and camera."""
    body = read_body("open")
    for plan in PLANS:
        played = [(sit if actor.motion == "sit" else play)(actor, body, shape(actor)) for actor in plan.actors]
        count = min(len(motion.pelvis) for motion in played)
        cameras = camera_path(plan, count)
        for number, (actor, motion) in enumerate(zip(plan.actors, played, strict=True), start=1):
            take = truth_take(plan, body, shape(actor), motion, cameras)
            write_take(take, folder / plan.name / f"truth_p{number}.npz")
        np.savez(
            folder / plan.name / "camera.npz",
            focal_px=cameras[0].focal_px,
            image_size=np.array(IMAGE_SIZE),
            rotations=np.array([camera.rotation for camera in cameras]),
            positions=np.array([camera.position for camera in cameras]),
        )
        print(f"{plan.name}: {count} frames, {len(played)} people", flush=True)


def shape(actor: Actor) -> Array:
    """(10,) the actor's shape."""
    betas = np.zeros(10)
    betas[: len(actor.size)] = actor.size
    return betas


def camera_path(plan: ClipPlan, count: int) -> list[Camera]:
    """One camera a frame; a hand's sway is low-passed noise, the same for each name."""
    noise = np.random.default_rng(len(plan.name)).normal(size=(count, 6))
    sway = gaussian_filter1d(noise, 8.0, axis=0, mode="reflect")
    sway *= plan.handheld / sway.std(axis=0)
    pitch = np.arctan2(plan.height - plan.aim, plan.distance)
    still = Rotation.from_euler("x", -pitch).as_matrix() @ LEVEL
    turns = Rotation.from_rotvec(sway[:, 3:] / 3).as_matrix() @ still
    places = np.array((0.0, -plan.distance, plan.height)) + sway[:, :3]
    return [
        Camera(
            focal_px=plan.focal * IMAGE_SIZE[0],
            center_px=(IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2),
            image_size=IMAGE_SIZE,
            rotation=tuple((float(row[0]), float(row[1]), float(row[2])) for row in turn),
            position=(float(place[0]), float(place[1]), float(place[2])),
        )
        for turn, place in zip(turns, places, strict=True)
    ]


def truth_take(plan: ClipPlan, body: Body, betas: Array, played: Played, cameras: list[Camera]) -> Take:
    """The exact take of one person; a landmark outside the picture is not visible."""
    count = len(cameras)
    rotations, pelvis = played.rotations[:count], played.pelvis[:count]
    joints = body.rest_joints(betas)
    turned, placed = joint_transforms(rotations, joints)
    trans = pelvis - joints[0]
    points = landmark_points(body, betas).place(turned, placed + trans[:, None])
    landmarks = np.stack([camera.project(frame) for camera, frame in zip(cameras, points, strict=True)])
    inside = ((landmarks > 0) & (landmarks < IMAGE_SIZE)).all(axis=-1)
    return Take(
        poses=Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(count, 72),
        trans=trans,
        betas=betas,
        gender="neutral",
        model="open",
        framerate=RATE_HZ,
        timestamps=np.arange(count) / RATE_HZ,
        keypoints3d=placed + trans[:, None],
        confidence=np.ones((count, 24)),
        contacts=find_contacts(points[:, FOOT_POINTS], rest_heights(body, betas)),
        landmarks2d=np.concatenate([landmarks, inside[..., None]], axis=-1),
        camera=cameras[0],
        meta={"clip": f"{plan.name}/clip.mp4", "origin": "rendered set, ground truth"},
    )


if __name__ == "__main__":
    write_truths(Path(sys.argv[1]))
