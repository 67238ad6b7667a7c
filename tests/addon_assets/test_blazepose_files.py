"""The detector's files are the ones that README.md in their folder says."""

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "addon_assets" / "blazepose"


def test_every_network_is_listed_and_unmodified():
    listed = dict(
        re.findall(r"^\| (\S+\.tflite) \| ([0-9a-f]{64}) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    )
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*.tflite")}
    assert len(found) == 4
    assert found == listed


def test_the_licence_travels_with_the_files():
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
    assert "unmodified" in (FOLDER / "NOTICE").read_text()
