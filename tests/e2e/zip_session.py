"""Run by a fresh Blender: installs the zip as a user does, uses it, removes it; prints a line of JSON.

    python zip_session.py ZIP TAKE CLIP SOLVER_PYTHON

BLENDER_USER_RESOURCES names an empty folder.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import bpy

MODULE = "bl_ext.user_default.ikol"
RESOURCES = Path(os.environ["BLENDER_USER_RESOURCES"])


def traces() -> list[str]:
    """Files and folders of the extension under Blender's user resources."""
    return sorted(
        path.relative_to(RESOURCES).as_posix()
        for path in RESOURCES.rglob("*")
        if any("ikol" in part.lower() for part in path.relative_to(RESOURCES).parts)
    )


def registered() -> list[str]:
    """What the extension has put into Blender."""
    operators = [f"bpy.ops.ikol.{name}" for name in dir(bpy.ops.ikol)]
    properties = [
        f"{owner}.{name}"
        for owner in ("Scene", "Object", "WindowManager")
        for name in getattr(bpy.types, owner).bl_rna.properties.keys()  # noqa: SIM118
    ]
    return sorted(name for name in [*dir(bpy.types), *operators, *properties] if "ikol" in name.lower())


def describe_active_action() -> dict[str, int]:
    action = bpy.context.view_layer.objects.active.animation_data.action
    if hasattr(action, "fcurves"):
        curves = list(action.fcurves)
    else:
        bags = (bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags)
        curves = [curve for bag in bags for curve in bag.fcurves]
    return {
        "rotation_curves": sum(curve.data_path.endswith("rotation_quaternion") for curve in curves),
        "location_curves": sum(curve.data_path.endswith("location") for curve in curves),
        "keys": len(curves[0].keyframe_points),
    }


def install(package: str) -> None:
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    if MODULE not in bpy.context.preferences.addons:
        raise RuntimeError("the zip was installed but not enabled")


def solve(clip: str, solver_python: str) -> list[str]:
    """Solve with the operator, as a script does; the names of the takes."""
    bpy.context.preferences.addons[MODULE].preferences.solver_python = solver_python
    answer = bpy.ops.ikol.solve(filepath=clip)
    if answer != {"FINISHED"}:
        raise RuntimeError(f"solve answered {answer}")
    return sorted(path.name for path in Path(clip).parent.rglob("take_p*.npz"))


def uninstall() -> None:
    repositories = bpy.context.preferences.extensions.repos
    index = next(number for number, entry in enumerate(repositories) if entry.module == "user_default")
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="ikol")


def main(package: str, take: str, clip: str, solver_python: str) -> dict[str, Any]:
    report: dict[str, Any] = {"blender": bpy.app.version_string, "registered_before": registered()}
    install(package)
    report["installed_files"] = len(traces())
    report["registered"] = len(registered())
    bpy.ops.ikol.import_take(filepath=take)
    report["imported"] = describe_active_action()
    report["takes"] = solve(clip, solver_python)
    data = Path(bpy.utils.extension_path_user(MODULE, path="solver", create=True))
    (data / "environment.txt").write_text("stands for the solver's environment")
    uninstall()
    report["registered_after"] = registered()
    report["traces"] = traces()
    return report


if __name__ == "__main__":
    status = 1
    try:
        print("REPORT " + json.dumps(main(*sys.argv[1:5])), flush=True)
        status = 0
    except Exception as error:
        print(f"FAILED {type(error).__name__}: {error}", flush=True)
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # some Blender versions hang or crash while the interpreter shuts down
