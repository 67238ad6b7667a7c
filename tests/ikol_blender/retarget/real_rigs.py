"""Rigs from files: MakeHuman's own definitions, and a game character."""

from __future__ import annotations

import json

import bpy
from mathutils import Vector

from tests.ikol_blender.retarget.dressing import editing
from tests.shared_data import shared

_ARM = ("shoulder", "upper_arm", "forearm", "hand")
_LEG = ("thigh", "shin", "foot", "toe")


def _both(names: dict[str, tuple[str, ...]], letters: str = "lr") -> dict[str, tuple[str, ...]]:
    return {
        f"{role}.{side}": tuple(name.format(letter, {"L": "Left", "R": "Right"}[side]) for name in chain)
        for side, letter in zip("LR", letters, strict=True)
        for role, chain in names.items()
    }


_HUMANOID = _both(
    dict(
        zip(
            (*_ARM, *_LEG),
            ((n,) for n in (
                "{1}Shoulder", "{1}Arm", "{1}ForeArm", "{1}Hand", "{1}UpLeg", "{1}Leg", "{1}Foot", "{1}ToeBase"
            )),
            strict=True,
        )
    )
)  # fmt: skip
# Written down from looking at the rigs.
MPFB = {
    "rig.default.json": {
        "hips": ("root",),
        "spine": ("spine05", "spine04", "spine03", "spine02", "spine01"),
        "neck": ("neck01", "neck02", "neck03"),
        "head": ("head",),
        **_both(
            {
                "shoulder": ("clavicle.{0}", "shoulder01.{0}"),
                "upper_arm": ("upperarm01.{0}", "upperarm02.{0}"),
                "forearm": ("lowerarm01.{0}", "lowerarm02.{0}"),
                "hand": ("wrist.{0}",),
                "thigh": ("upperleg01.{0}", "upperleg02.{0}"),
                "shin": ("lowerleg01.{0}", "lowerleg02.{0}"),
                "foot": ("foot.{0}",),
            },
            "LR",
        ),
    },
    "rig.mixamo.json": {
        role: tuple(f"mixamorig:{name}" for name in names)
        for role, names in (
            {"hips": ("Hips",), "spine": ("Spine", "Spine1", "Spine2"), "neck": ("Neck",), "head": ("Head",)}
            | _HUMANOID
        ).items()
    },
    "rig.cmu_mb.json": {
        "hips": ("Hips",),
        "spine": ("LowerBack", "Spine", "Spine1"),
        "neck": ("Neck", "Neck1"),
        "head": ("Head",),
        **_HUMANOID,
    },
    "rig.game_engine.json": {
        "hips": ("pelvis",),
        "spine": ("spine_01", "spine_02", "spine_03"),
        "neck": ("neck_01",),
        "head": ("head",),
        **_both(
            {
                "shoulder": ("clavicle_{0}",), "upper_arm": ("upperarm_{0}",), "forearm": ("lowerarm_{0}",),
                "hand": ("hand_{0}",), "thigh": ("thigh_{0}",), "shin": ("calf_{0}",), "foot": ("foot_{0}",),
                "toe": ("ball_{0}",),
            }
        ),
    },
}  # fmt: skip
METARIG = {
    "hips": ("spine",),
    "spine": ("spine.001", "spine.002", "spine.003"),
    "neck": ("spine.004", "spine.005"),
    "head": ("spine.006",),
    **_both({role: (f"{role}.{{0}}",) for role in (*_ARM, *_LEG)}, "LR"),
}
# Its legs and its spine hang from Body; its feet follow controls on the floor; it has no toes.
QUATERNIUS = {
    "hips": ("Body",),
    "spine": ("Hips", "Abdomen", "Torso"),
    "neck": ("Neck",),
    "head": ("Head",),
    **_both(
        {
            "shoulder": ("Shoulder.{0}",), "upper_arm": ("UpperArm.{0}",), "forearm": ("LowerArm.{0}",),
            "hand": ("Palm.{0}",), "thigh": ("UpperLeg.{0}",), "shin": ("LowerLeg.{0}",), "foot": ("Foot.{0}",),
        },
        "LR",
    ),
}  # fmt: skip


def mpfb_rig(file: str) -> bpy.types.Object:
    """An armature as MakeHuman's add-on builds it: heads, tails and rolls of its file."""
    content = json.loads(shared(f"rigs/mpfb/{file}").read_text(encoding="utf-8"))
    definition = content.get("bones", content)
    rig = bpy.data.objects.new(file, bpy.data.armatures.new(file))
    bpy.context.scene.collection.objects.link(rig)
    with editing(rig) as bones:
        for name, bone in definition.items():
            made = bones.new(name)
            made.head = Vector(bone["head"]["default_position"])
            made.tail = Vector(bone["tail"]["default_position"])
            made.roll = bone["roll"]
        for name, bone in definition.items():
            bones[name].parent = bones.get(bone["parent"] or "")
    return rig


def quaternius() -> bpy.types.Object:
    bpy.ops.import_scene.fbx(filepath=str(shared("rigs/quaternius_Male_Casual.fbx")))
    return next(thing for thing in bpy.context.selected_objects if thing.type == "ARMATURE")
