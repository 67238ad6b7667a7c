"""Runs inside Blender with a window: the confidence strip and the tinted bones of a take.

blender --python show_confidence.py -- CLIP TAKE PICTURES_FOLDER      (see run.py)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).parent))

from window import EXTENSION, picture, run


def walk(_: Path, take: Path, pictures: Path) -> Iterator[None]:
    """Each `yield` lets Blender draw."""
    panel = bpy.types.IKOL_PT_confidence
    others: list[type[bpy.types.Panel]] = []
    for other in ("solve", "takes", "retarget", "clean_up", "exchange", "pins", "confidence"):
        found = getattr(bpy.types, f"IKOL_PT_{other}", None)
        if found is not None:
            bpy.utils.unregister_class(found)
            others.append(found)
    panel.bl_options = set()  # alone and open, to be seen
    bpy.utils.register_class(panel)
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    bpy.ops.ikol.import_take(filepath=str(take))
    window = bpy.context.window_manager.windows[0]
    areas = {area.type: area for area in window.screen.areas}
    view = areas["VIEW_3D"]
    before = set(window.screen.areas)
    with bpy.context.temp_override(window=window, area=view):  # a dope sheet needs more room than the timeline has
        bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.4)
    pair = (view, *(set(window.screen.areas) - before))
    below, view = sorted(pair, key=lambda area: area.y)
    below.type = "DOPESHEET_EDITOR"
    view.spaces.active.show_region_ui = True
    yield
    next(region for region in view.regions if region.type == "UI").active_panel_category = "IKOL"
    below.ui_type = "DOPESHEET"
    yield
    _view_all(window, below, bpy.ops.action.view_all)
    region = next(region for region in view.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=view, region=region):
        bpy.ops.view3d.view_selected()
    yield from picture(pictures / "c1_off.png")

    settings = bpy.context.scene.ikol
    settings.show_confidence = settings.tint_doubtful = True
    yield from picture(pictures / "c2_on.png")
    with bpy.context.temp_override(window=window, area=view, region=region):
        bpy.ops.ikol.next_doubtful()
    yield from picture(pictures / "c3_next.png")

    with bpy.context.temp_override(window=window, area=view, region=region):
        bpy.ops.object.mode_set(mode="POSE")
        bpy.ops.pose.select_all(action="DESELECT")
        bone = bpy.context.object.pose.bones["L_Elbow"]
        (bone if bpy.app.version >= (5, 0, 0) else bone.bone).select = True
    bpy.context.scene.timeline_markers.new("a marker", frame=30)
    yield from picture(pictures / "c4_one_bone.png")

    below.ui_type = "FCURVES"
    yield
    _view_all(window, below, bpy.ops.graph.view_all)
    yield from picture(pictures / "c5_graph_editor.png")

    below.ui_type = "DOPESHEET"
    with bpy.context.temp_override(window=window, area=view, region=region):
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.wm.save_as_mainfile(filepath=str(pictures / "saved.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.open_mainfile(filepath=str(pictures / "saved.blend"))
    yield from picture(pictures / "c6_opened_again.png")

    settings = bpy.context.scene.ikol
    _time_drawing("on")
    settings.show_confidence = settings.tint_doubtful = False
    _time_drawing("off")
    yield
    for other in others:
        if other is not panel:
            bpy.utils.register_class(other)
    addon_utils.disable(EXTENSION)
    yield from picture(pictures / "c7_disabled.png")


def _view_all(window: bpy.types.Window, area: bpy.types.Area, operator: Callable[[], object]) -> None:
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        operator()


def _time_drawing(label: str) -> None:
    """Milliseconds that Python spends in the strip and the tint, a drawing."""
    drawing = sys.modules[f"{EXTENSION}.ikol_blender.confidence.drawing"]
    window = bpy.context.window_manager.windows[0]
    for kind, function in (("DOPESHEET_EDITOR", drawing.draw_strip), ("VIEW_3D", drawing.draw_tint)):
        found = next(area for area in window.screen.areas if area.type == kind)
        region = next(region for region in found.regions if region.type == "WINDOW")
        spent: list[float] = []

        def timed(function=function, spent=spent) -> None:
            start = time.perf_counter()
            function()
            spent.append(time.perf_counter() - start)

        space = type(found.spaces.active)
        hook = space.draw_handler_add(timed, (), "WINDOW", "POST_PIXEL" if kind == "DOPESHEET_EDITOR" else "POST_VIEW")
        with bpy.context.temp_override(window=window, area=found, region=region):
            for _ in range(20):
                found.tag_redraw()
                bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)
        space.draw_handler_remove(hook, "WINDOW")
        spent.sort()
        print(f"DRAWN {label} {kind}: median {1000 * spent[len(spent) // 2]:.3f} ms of {len(spent)}")
    sys.stdout.flush()


run(walk)
