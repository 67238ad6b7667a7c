"""What the detector sees in the training set: `.venv/bin/python addon_assets/lifter/observe_people.py FOLDER`.

Writes FOLDER/NAME/observed.npz beside each film: landmarks as the solver's lift receives them, and which of the
truth's moments they are of.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (the path above makes these importable)

from solver.detect import BlazePose, gather_observations, repair, resample_observations  # noqa: E402
from solver.motion.smoothing import fill_gaps, smooth  # noqa: E402
from solver.take import read_take  # noqa: E402
from solver.video import probe_video, read_frames  # noqa: E402


def observe(folder: Path) -> None:
    """Write one clip's observations, of the moments from the person's first sight to the last."""
    truth = read_take(folder / "truth_p1.npz")
    video = probe_video(folder / "clip.mp4")
    people = gather_observations(read_frames(video.path), BlazePose("heavy"), video.image_size)
    if not people:
        print(f"{folder.name}: nobody seen", flush=True)
        return
    sight = people[0].times[people[0].seen]
    moments = np.flatnonzero((truth.timestamps >= sight[0] - 1e-3) & (truth.timestamps <= sight[-1] + 1e-3))
    observed = resample_observations(repair(people[0]).observations, truth.timestamps[moments])
    observed = smooth(fill_gaps(observed), truth.framerate)
    np.savez(
        folder / "observed.npz", moments=moments, landmarks2d=observed.landmarks2d, landmarks3d=observed.landmarks3d
    )
    print(f"{folder.name}: {len(moments)} moments, {observed.seen.mean():.0%} seen", flush=True)


if __name__ == "__main__":
    for clip in sorted(Path(sys.argv[1]).glob("*/clip.mp4")):
        if not (clip.parent / "observed.npz").exists():
            observe(clip.parent)
