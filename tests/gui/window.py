"""A walk through Blender's window: one step at a time, with pictures, and then Blender quits."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy

EXTENSION = "bl_ext.user_default.ikol"
_TICK_SECONDS = 0.5


def run(walk: Callable[[Path, Path, Path], Iterator[None]]) -> None:
    """Go through `walk`, of the clip, the take and the folder for pictures that stand behind `--`.

    The extension is enabled. Each `yield` of the walk lets Blender draw.
    """
    clip, take, pictures = (Path(argument) for argument in sys.argv[sys.argv.index("--") + 1 :])
    steps = walk(clip, take, pictures)
    bpy.context.preferences.view.show_splash = False

    def advance() -> float | None:
        try:
            next(steps)
        except StopIteration:
            print("walked through")
        except Exception:
            traceback.print_exc()
        else:
            return _TICK_SECONDS
        sys.stdout.flush()
        bpy.ops.wm.quit_blender()
        return None

    def begin() -> None:
        addon_utils.extensions_refresh()
        addon_utils.enable(EXTENSION, default_set=True)
        bpy.app.timers.register(advance, persistent=True)

    bpy.app.timers.register(begin, first_interval=2.0)


def picture(path: Path) -> Iterator[None]:
    """The whole screen, once Blender has drawn it."""
    for _ in range(3):
        yield
    # Blender's own screenshot is black under a virtual screen.
    subprocess.run(["import", "-window", "root", str(path)], check=True)
