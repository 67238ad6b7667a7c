"""Takes become objects of a scene: armature, body, action, camera with the footage."""

from .import_take import ImportedTake, import_take

__all__ = ["ImportedTake", "import_take"]
