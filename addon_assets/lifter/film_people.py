"""Films the training set's truths: `.venv-blender-4.5/bin/python addon_assets/lifter/film_people.py FOLDER MOTIONS`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parents[1] / "benchmarks" / "rendered_set")]

from film_clips import film  # noqa: E402  (the paths above make these importable)
from training_set import cast  # noqa: E402


def main(folder: Path, motions: int) -> None:
    """Film every clip that is not there yet."""
    for casting in cast(motions):
        own = folder / casting.plan.name
        if not (own / "clip.mp4").exists():
            film(casting.plan, own)
            print(f"filmed {casting.plan.name}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
    sys.stdout.flush()
    # bpy may hang at the interpreter's own exit.
    os._exit(0)
