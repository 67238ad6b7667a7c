"""IKOL for Blender's solver: video in, takes out. Runs in its own Python, never inside Blender."""

__version__ = "0.1.0"
