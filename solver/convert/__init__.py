"""Motion of other tools becomes takes: one file per format, each giving `SourceMotion`s, which `to_takes` places.

`amass`, `motion`, `place` and `rotations` need numpy alone, so that Blender reads AMASS without the solver's Python.
"""
