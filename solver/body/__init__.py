"""Body models in the solver: posing an SMPL-format body."""

from .skinning import joint_transforms, pose_vertices

__all__ = ["joint_transforms", "pose_vertices"]
