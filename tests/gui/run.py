"""Takes pictures of the IKOL panel in a real Blender window, on a virtual screen. For people to look at, not for CI.

python3 tests/gui/run.py CLIP TAKE PICTURES [--show panel|confidence] [--root DIR] [--blender blender]

`--root` is a folder with a Debian of its own (debootstrap with blender, xvfb, imagemagick), which is entered.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from building.stage import stage_extension


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("take", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--show", choices=("panel", "confidence"), default="panel")
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--blender", default="blender")
    options = parser.parse_args()

    script = f"show_{options.show}.py"
    work = options.root / "tmp" / "ikol_gui"
    shutil.rmtree(work, ignore_errors=True)
    stage_extension(work / "resources" / "extensions" / "user_default" / "ikol", link=False)
    (work / "pictures").mkdir()
    scripts = (Path(__file__).with_name(name) for name in (script, "window.py"))
    for source in (options.clip, options.take, *scripts):
        shutil.copy(source, work / source.name)

    inside = Path("/tmp/ikol_gui")
    command = [
        "env", f"BLENDER_USER_RESOURCES={inside / 'resources'}", "LIBGL_ALWAYS_SOFTWARE=1",
        "xvfb-run", "-a", "-s", "-screen 0 1280x800x24",
        options.blender, "--factory-startup", "--window-geometry", "0", "0", "1280", "800",
        "--python", str(inside / script), "--",
        str(inside / options.clip.name), str(inside / options.take.name), str(inside / "pictures"),
    ]  # fmt: skip
    if options.root != Path("/"):
        command = ["chroot", str(options.root), *command]
    status = subprocess.run(command, check=False).returncode
    shutil.copytree(work / "pictures", options.pictures, dirs_exist_ok=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
