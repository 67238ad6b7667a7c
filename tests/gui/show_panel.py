"""Runs inside Blender with a window: walks through the IKOL panel and takes a picture of each state.

blender --python show_panel.py -- CLIP TAKE PICTURES_FOLDER      (see run.py)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

from window import EXTENSION, picture, run

_PATIENCE_TICKS = 60


def walk(clip: Path, take: Path, pictures: Path) -> Iterator[None]:
    """Each `yield` lets Blender draw."""
    options = bpy.types.IKOL_PT_options
    bpy.utils.unregister_class(options)
    options.bl_options = set()  # open, to be seen
    bpy.utils.register_class(options)
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    area = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
    area.spaces.active.show_region_ui = True
    yield
    sidebar = next(region for region in area.regions if region.type == "UI")
    sidebar.active_panel_category = "IKOL"
    area.tag_redraw()
    yield
    yield from picture(pictures / "1_not_installed.png")

    preferences.solver_python = sys.executable
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    yield from picture(pictures / "2_no_video.png")

    settings = bpy.context.scene.ikol
    settings.video = str(clip)
    yield from picture(pictures / "3_ready.png")

    standin = pictures / "standin"
    standin.write_text(_STANDIN.format(python=sys.executable, take=str(take)), encoding="utf-8")
    standin.chmod(0o755)
    preferences.solver_python = str(standin)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area):
        bpy.ops.ikol.solve("INVOKE_DEFAULT", import_takes=True)
    for _ in range(4):
        yield
    yield from picture(pictures / "4_solving.png")
    for _ in range(_PATIENCE_TICKS):
        if len(bpy.data.armatures) > 0:
            break
        yield
    bpy.context.scene.frame_set(30)
    yield from picture(pictures / "5_imported.png")

    with bpy.context.temp_override(
        window=bpy.context.window_manager.windows[0],
        area=area,
        region=next(r for r in area.regions if r.type == "WINDOW"),
    ):
        bpy.ops.view3d.view_camera()
    yield
    yield from picture(pictures / "6_through_the_camera.png")

    bpy.ops.screen.userpref_show("INVOKE_DEFAULT")
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "IKOL"
    yield
    bpy.ops.preferences.addon_expand(module=EXTENSION)
    yield
    yield from picture(pictures / "7_preferences.png")


_STANDIN = """#!{python}
import json, pathlib, shutil, sys, time
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
for done in range(0, 121, 4):
    progress = {{"event": "progress", "stage": "detect", "done": done, "total": 120, "eta_s": (120 - done) / 20}}
    print(json.dumps(progress), flush=True)
    time.sleep(0.2)
shutil.copy({take!r}, out / "take_p1.npz")
print(json.dumps({{"event": "take", "person": 1, "path": str(out / "take_p1.npz")}}))
print(json.dumps({{"event": "warning", "code": "x", "message": "The focal length was assumed; the depth may be off."}}))
print(json.dumps({{"event": "done"}}), flush=True)
"""

run(walk)
