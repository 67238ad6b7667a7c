"""IKOL against its rivals: accuracy, speed, gradients, sequences. Prints tables and rewrites their section of
docs/benchmarks.md. Rivals run interleaved with ours, in one process; figures are medians."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks._accuracy import accuracy_table, realistic_table  # noqa: E402
from benchmarks._clips import mocap_files, sequence_speed, sequence_table  # noqa: E402
from benchmarks._gradients import gradient_table  # noqa: E402
from benchmarks._speed import grow, growth_table, speed_table  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Print every table and put them on the page."""
    if "--grow" in sys.argv:
        grow(int(sys.argv[-1]))
        return
    threads = int(os.environ.get("OMP_NUM_THREADS", "2"))
    torch.set_num_threads(threads)
    machine = f"{platform.machine()}, {threads} thread(s), Python {platform.python_version()}, "
    machine += f"torch {torch.__version__}, float32"
    lines = ["## IKOL", "", "    python3 build.py bench ikol", "", machine + ".", ""]
    tables: dict[str, Callable[[], list[str]]] = {
        "Accuracy on random poses (protocol A)": accuracy_table,
        "Speed": speed_table,
        "Growth": growth_table,
        "Gradients": gradient_table,
    }
    if mocap_files():
        tables |= {
            "Accuracy on mocap with a lifter's noise (protocol B)": realistic_table,
            "Clips": sequence_table,
            "Clips: speed and windows": sequence_speed,
        }
    for title, table in tables.items():
        with torch.set_grad_enabled(table is gradient_table):
            rows = table()
        print("\n".join([f"\n### {title}", *rows]), flush=True)
        lines += [f"### {title}", "", *rows, ""]
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks\n"
    page = re.sub(r"## IKOL\n.*?(?=\n## |\Z)", "", page, flags=re.S).rstrip() + "\n\n"
    PAGE.write_text(page + "\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
