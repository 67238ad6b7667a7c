"""How an imported body is named and rests: the same choice in several places."""

from __future__ import annotations

from bpy.props import EnumProperty

from ..exchange.naming import Naming
from ..exchange.rest_pose import RestPose


def naming_property() -> object:
    return EnumProperty(
        name="Bone names", items=[(naming.name, naming.title, "Names of the body's bones") for naming in Naming]
    )


def rest_pose_property() -> object:
    return EnumProperty(
        name="Rest pose", items=[(pose.name, pose.title, "How the body stands at rest") for pose in RestPose]
    )
