"""Rigs as other tools define them: bone names written down from those tools, not from our own rig families.

`{s}`, `{S}`, `{side}` and `{Side}` stand for l, L, left and Left, and for the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


@dataclass(frozen=True)
class Definition:
    """Attributes:
    body: the bones of each role, roles of one side without its letter; `center` for those in the middle.
    extras: chains of bones that are no part of the body, by the bone that they hang from ("" for none).
    root: a bone on the floor that carries all, "" for none.
    """

    center: Mapping[str, Sequence[str]]
    sides: Mapping[str, Sequence[str]]
    extras: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    root: str = ""

    def bones(self) -> dict[str, tuple[str, ...]]:
        """Role to bones, as a bone map has them."""
        found = {role: tuple(names) for role, names in self.center.items()}
        for letter in "LR":
            found |= {
                f"{role}.{letter}": tuple(_sided(name, letter) for name in names) for role, names in self.sides.items()
            }
        return found

    def chains(self) -> list[tuple[str, tuple[str, ...]]]:
        """The extras: the bone that each hangs from, and its bones."""
        found: list[tuple[str, tuple[str, ...]]] = []
        for parent, chains in self.extras.items():
            for chain in chains:
                letters = "LR" if any("{" in name for name in (parent, *chain)) else "L"
                found += [(_sided(parent, letter), tuple(_sided(name, letter) for name in chain)) for letter in letters]
        return found


def _sided(name: str, letter: str) -> str:
    word = {"L": "left", "R": "right"}[letter]
    return name.format(s=letter.lower(), S=letter, side=word, Side=word.capitalize())


def _numbered(pattern: str, fingers: Sequence[str] = _FINGERS, count: int = 3) -> list[list[str]]:
    return [[f"{pattern}{finger}{joint}" for joint in range(1, count + 1)] for finger in fingers]


def _mixamo(prefix: str) -> Definition:
    p, side = prefix, prefix + "{Side}"
    return Definition(
        {
            "hips": [f"{p}Hips"],
            "spine": [f"{p}Spine", f"{p}Spine1", f"{p}Spine2"],
            "neck": [f"{p}Neck"],
            "head": [f"{p}Head"],
        },
        {
            "shoulder": [f"{side}Shoulder"], "upper_arm": [f"{side}Arm"], "forearm": [f"{side}ForeArm"],
            "hand": [f"{side}Hand"], "thigh": [f"{side}UpLeg"], "shin": [f"{side}Leg"], "foot": [f"{side}Foot"],
            "toe": [f"{side}ToeBase"],
        },
        {
            f"{side}Hand": _numbered(f"{side}Hand", count=4),
            f"{p}Head": [[f"{p}HeadTop_End"], [f"{side}Eye"]],
            f"{side}ToeBase": [[f"{side}Toe_End"]],
        },
    )  # fmt: skip


_UNREAL_SIDE = {
    "shoulder": ["clavicle_{s}"], "upper_arm": ["upperarm_{s}"], "forearm": ["lowerarm_{s}"], "hand": ["hand_{s}"],
    "thigh": ["thigh_{s}"], "shin": ["calf_{s}"], "foot": ["foot_{s}"], "toe": ["ball_{s}"],
}  # fmt: skip
_UNREAL_IK = {"root": [["ik_foot_root", "ik_foot_{s}"], ["ik_hand_root", "ik_hand_gun", "ik_hand_{s}"]]}
_UNREAL_4 = Definition(
    {"hips": ["pelvis"], "spine": ["spine_01", "spine_02", "spine_03"], "neck": ["neck_01"], "head": ["head"]},
    _UNREAL_SIDE,
    {
        "hand_{s}": [[f"{f}_0{j}_{{s}}" for j in (1, 2, 3)] for f in ("thumb", "index", "middle", "ring", "pinky")],
        "upperarm_{s}": [["upperarm_twist_01_{s}"]],
        "lowerarm_{s}": [["lowerarm_twist_01_{s}"]],
        "thigh_{s}": [["thigh_twist_01_{s}"]],
        "calf_{s}": [["calf_twist_01_{s}"]],
        **_UNREAL_IK,
    },
    root="root",
)
_UNREAL_5 = Definition(
    {
        "hips": ["pelvis"],
        "spine": [f"spine_0{place}" for place in range(1, 6)],
        "neck": ["neck_01", "neck_02"],
        "head": ["head"],
    },
    _UNREAL_SIDE,
    {
        "hand_{s}": [
            ["thumb_01_{s}", "thumb_02_{s}", "thumb_03_{s}"],
            *(
                [f"{f}_metacarpal_{{s}}", *(f"{f}_0{j}_{{s}}" for j in (1, 2, 3))]
                for f in ("index", "middle", "ring", "pinky")
            ),
        ],
        "upperarm_{s}": [["upperarm_twist_01_{s}"], ["upperarm_twist_02_{s}"]],
        "lowerarm_{s}": [["lowerarm_twist_01_{s}"], ["lowerarm_twist_02_{s}"]],
        "thigh_{s}": [["thigh_twist_01_{s}"], ["thigh_twist_02_{s}"]],
        "calf_{s}": [["calf_twist_01_{s}"], ["calf_twist_02_{s}"]],
        "root": [*_UNREAL_IK["root"], ["interaction"], ["center_of_mass"]],
    },
    root="root",
)
_METAHUMAN = Definition(
    _UNREAL_5.center,
    _UNREAL_SIDE,
    {
        **{parent: chains for parent, chains in _UNREAL_5.extras.items() if parent != "root"},
        "clavicle_{s}": [["clavicle_out_{s}"], ["clavicle_scap_{s}"]],
        "spine_05": [["clavicle_pec_{s}"]],
        "spine_04": [["spine_04_latissimus_{s}"]],
        "upperarm_{s}": [
            ["upperarm_twist_01_{s}", "upperarm_twistCor_01_{s}"],
            ["upperarm_twist_02_{s}", "upperarm_bicep_{s}"],
            ["upperarm_correctiveRoot_{s}", "upperarm_bck_{s}"],
        ],
        "calf_{s}": [["calf_twist_01_{s}"], ["calf_correctiveRoot_{s}", "calf_kneeBack_{s}"]],
        "foot_{s}": [["ankle_bck_{s}"], ["ankle_fwd_{s}"]],
        "ball_{s}": [["bigtoe_01_{s}", "bigtoe_02_{s}"], ["littletoe_01_{s}", "littletoe_02_{s}"]],
        "head": [["FACIAL_C_FacialRoot", "FACIAL_{S}_Eye"], ["FACIAL_{S}_Ear"], ["FACIAL_C_Jaw", "FACIAL_C_Tongue1"]],
    },
    root="root",
)
_VRM = Definition(
    {
        "hips": ["J_Bip_C_Hips"],
        "spine": ["J_Bip_C_Spine", "J_Bip_C_Chest", "J_Bip_C_UpperChest"],
        "neck": ["J_Bip_C_Neck"],
        "head": ["J_Bip_C_Head"],
    },
    {
        "shoulder": ["J_Bip_{S}_Shoulder"], "upper_arm": ["J_Bip_{S}_UpperArm"], "forearm": ["J_Bip_{S}_LowerArm"],
        "hand": ["J_Bip_{S}_Hand"], "thigh": ["J_Bip_{S}_UpperLeg"], "shin": ["J_Bip_{S}_LowerLeg"],
        "foot": ["J_Bip_{S}_Foot"], "toe": ["J_Bip_{S}_ToeBase"],
    },
    {
        "J_Bip_{S}_Hand": _numbered("J_Bip_{S}_", ("Thumb", "Index", "Middle", "Ring", "Little")),
        "J_Bip_C_Head": [
            ["J_Adj_{S}_FaceEye"],
            *([f"J_Sec_Hair{joint}_{strand:02d}_{{S}}" for joint in (1, 2, 3, 4)] for strand in (1, 2, 3)),
        ],
        "J_Bip_C_UpperChest": [["J_Sec_{S}_Bust1", "J_Sec_{S}_Bust2"]],
        "J_Bip_C_Hips": [
            [f"J_Sec_{{S}}_Skirt{where}{joint}_01" for joint in range(4)] for where in ("Front", "Side", "Back")
        ],
    },
    root="Root",
)  # fmt: skip
_UNITY = Definition(
    {"hips": ["Hips"], "spine": ["Spine", "Chest", "UpperChest"], "neck": ["Neck"], "head": ["Head"]},
    {
        "shoulder": ["{Side}Shoulder"], "upper_arm": ["{Side}UpperArm"], "forearm": ["{Side}LowerArm"],
        "hand": ["{Side}Hand"], "thigh": ["{Side}UpperLeg"], "shin": ["{Side}LowerLeg"], "foot": ["{Side}Foot"],
        "toe": ["{Side}Toes"],
    },
    {
        "{Side}Hand": [
            [f"{{Side}}{finger}{joint}" for joint in ("Proximal", "Intermediate", "Distal")]
            for finger in ("Thumb", "Index", "Middle", "Ring", "Little")
        ],
        "Head": [["{Side}Eye"], ["Jaw"]],
    },
)  # fmt: skip
_CHARACTER_CREATOR = Definition(
    {
        "hips": ["CC_Base_Hip"],
        "spine": ["CC_Base_Waist", "CC_Base_Spine01", "CC_Base_Spine02"],
        "neck": ["CC_Base_NeckTwist01", "CC_Base_NeckTwist02"],
        "head": ["CC_Base_Head"],
    },
    {
        "shoulder": ["CC_Base_{S}_Clavicle"], "upper_arm": ["CC_Base_{S}_Upperarm"],
        "forearm": ["CC_Base_{S}_Forearm"], "hand": ["CC_Base_{S}_Hand"], "thigh": ["CC_Base_{S}_Thigh"],
        "shin": ["CC_Base_{S}_Calf"], "foot": ["CC_Base_{S}_Foot"], "toe": ["CC_Base_{S}_ToeBase"],
    },
    {
        "CC_Base_{S}_Hand": _numbered("CC_Base_{S}_", ("Thumb", "Index", "Mid", "Ring", "Pinky")),
        "CC_Base_{S}_Upperarm": [["CC_Base_{S}_UpperarmTwist01", "CC_Base_{S}_UpperarmTwist02"]],
        "CC_Base_{S}_Forearm": [["CC_Base_{S}_ForearmTwist01", "CC_Base_{S}_ForearmTwist02"],
                                ["CC_Base_{S}_ElbowShareBone"]],
        "CC_Base_{S}_Thigh": [["CC_Base_{S}_ThighTwist01", "CC_Base_{S}_ThighTwist02"]],
        "CC_Base_{S}_Calf": [["CC_Base_{S}_CalfTwist01", "CC_Base_{S}_CalfTwist02"], ["CC_Base_{S}_KneeShareBone"]],
        "CC_Base_{S}_Foot": [["CC_Base_{S}_ToeBaseShareBone"]],
        "CC_Base_{S}_ToeBase": [["CC_Base_{S}_BigToe1"], ["CC_Base_{S}_IndexToe1"], ["CC_Base_{S}_MidToe1"]],
        "CC_Base_Spine02": [["CC_Base_{S}_RibsTwist", "CC_Base_{S}_Breast"]],
        "CC_Base_Hip": [["CC_Base_Pelvis"]],
        "CC_Base_Head": [["CC_Base_FacialBone", "CC_Base_JawRoot", "CC_Base_Tongue01"], ["CC_Base_{S}_Eye"]],
    },
    root="CC_Base_BoneRoot",
)  # fmt: skip
_ARP_SIDE = {
    "shoulder": ["shoulder.{s}"], "upper_arm": ["arm_stretch.{s}"], "forearm": ["forearm_stretch.{s}"],
    "hand": ["hand.{s}"], "thigh": ["thigh_stretch.{s}"], "shin": ["leg_stretch.{s}"], "foot": ["foot.{s}"],
    "toe": ["toes_01.{s}"],
}  # fmt: skip
_ARP_EXPORT = Definition(
    {
        "hips": ["root.x"],
        "spine": ["spine_01.x", "spine_02.x", "spine_03.x"],
        "neck": ["neck.x"],
        "head": ["head.x"],
    },
    _ARP_SIDE,
    {
        "hand.{s}": [[f"c_{f}{j}.{{s}}" for j in (1, 2, 3)] for f in ("thumb", "index", "middle", "ring", "pinky")],
        "arm_stretch.{s}": [["arm_twist.{s}"]],
        "forearm_stretch.{s}": [["forearm_twist.{s}"]],
        "thigh_stretch.{s}": [["thigh_twist.{s}"]],
        "leg_stretch.{s}": [["leg_twist.{s}"]],
        "head.x": [["c_jawbone.x"], ["c_eye.{s}"]],
    },
    root="c_traj",
)
_ARP_CONTROLS = Definition(
    {
        "hips": ["c_root_master.x", "c_root.x"],
        "spine": ["c_spine_01.x", "c_spine_02.x", "c_spine_03.x"],
        "neck": ["c_neck.x"],
        "head": ["c_head.x"],
    },
    {
        "shoulder": ["c_shoulder.{s}"], "upper_arm": ["c_arm_fk.{s}"], "forearm": ["c_forearm_fk.{s}"],
        "hand": ["c_hand_fk.{s}"], "thigh": ["c_thigh_fk.{s}"], "shin": ["c_leg_fk.{s}"], "foot": ["c_foot_fk.{s}"],
        "toe": ["c_toes_fk.{s}"],
    },
    {
        # The deforming bones and the IK controls lie beside the FK controls.
        "c_root.x": [["root.x"]],
        "c_spine_01.x": [["spine_01.x"]],
        "c_spine_02.x": [["spine_02.x"]],
        "c_spine_03.x": [["spine_03.x"]],
        "c_neck.x": [["neck.x"]],
        "c_head.x": [["head.x"]],
        "c_shoulder.{s}": [["shoulder.{s}", "arm_stretch.{s}", "forearm_stretch.{s}", "hand.{s}"]],
        "c_traj": [["c_hand_ik.{s}"], ["c_foot_ik.{s}"], ["c_arms_pole.{s}"], ["c_leg_pole.{s}"],
                   ["thigh_stretch.{s}", "leg_stretch.{s}", "foot.{s}", "toes_01.{s}"]],
        "c_hand_fk.{s}": [[f"c_{f}{j}.{{s}}" for j in (1, 2, 3)] for f in ("thumb", "index", "middle")],
    },
    root="c_traj",
)  # fmt: skip
_ROKOKO = Definition(
    {"hips": ["Hips"], "spine": ["Spine1", "Spine2", "Spine3", "Spine4"], "neck": ["Neck"], "head": ["Head"]},
    {
        "shoulder": ["{Side}Shoulder"], "upper_arm": ["{Side}Arm"], "forearm": ["{Side}ForeArm"],
        "hand": ["{Side}Hand"], "thigh": ["{Side}Thigh"], "shin": ["{Side}Shin"], "foot": ["{Side}Foot"],
        "toe": ["{Side}Toe"],
    },
    {
        "{Side}Hand": [
            ["{Side}Finger1Metacarpal", "{Side}Finger1Proximal", "{Side}Finger1Distal"],
            *(
                [f"{{Side}}Finger{n}{joint}" for joint in ("Metacarpal", "Proximal", "Medial", "Distal")]
                for n in (2, 3, 4, 5)
            ),
        ]
    },
    root="Root",
)  # fmt: skip


def _smpl(prefix: str) -> Definition:
    return Definition(
        {
            "hips": [f"{prefix}Pelvis"],
            "spine": [f"{prefix}Spine{place}" for place in (1, 2, 3)],
            "neck": [f"{prefix}Neck"],
            "head": [f"{prefix}Head"],
        },
        {
            role: [f"{prefix}{{S}}_{joint}"]
            for role, joint in (
                ("shoulder", "Collar"), ("upper_arm", "Shoulder"), ("forearm", "Elbow"), ("hand", "Wrist"),
                ("thigh", "Hip"), ("shin", "Knee"), ("foot", "Ankle"), ("toe", "Foot"),
            )
        },
        {f"{prefix}{{S}}_Wrist": [[f"{prefix}{{S}}_Hand"]]},
        root="m_avg_root" if prefix == "m_avg_" else "",
    )  # fmt: skip


def _smplx(*, face: bool) -> Definition:
    head = {"head": [["jaw"], ["{side}_eye_smplhf"]]} if face else {}
    return Definition(
        {"hips": ["pelvis"], "spine": ["spine1", "spine2", "spine3"], "neck": ["neck"], "head": ["head"]},
        {
            "shoulder": ["{side}_collar"], "upper_arm": ["{side}_shoulder"], "forearm": ["{side}_elbow"],
            "hand": ["{side}_wrist"], "thigh": ["{side}_hip"], "shin": ["{side}_knee"], "foot": ["{side}_ankle"],
            "toe": ["{side}_foot"],
        },
        {"{side}_wrist": _numbered("{side}_", ("index", "middle", "pinky", "ring", "thumb")), **head},
    )  # fmt: skip


_CMU = Definition(
    {"hips": ["Hips"], "spine": ["LowerBack", "Spine", "Spine1"], "neck": ["Neck", "Neck1"], "head": ["Head"]},
    {
        "shoulder": ["{Side}Shoulder"], "upper_arm": ["{Side}Arm"], "forearm": ["{Side}ForeArm"],
        "hand": ["{Side}Hand"], "thigh": ["{Side}UpLeg"], "shin": ["{Side}Leg"], "foot": ["{Side}Foot"],
        "toe": ["{Side}ToeBase"],
    },
    {"{Side}Hand": [["{Side}FingerBase", "{Side}HandIndex1"], ["{S}Thumb"]], "Hips": [["{S}HipJoint"]]},
)  # fmt: skip

DEFINITIONS: Mapping[str, Definition] = {
    "Mixamo": _mixamo("mixamorig:"),
    "Mixamo, numbered": _mixamo("mixamorig12:"),
    "Mixamo, no prefix": _mixamo(""),
    "Unreal 4": _UNREAL_4,
    "Unreal 5": _UNREAL_5,
    "MetaHuman": _METAHUMAN,
    "VRM (VRoid)": _VRM,
    "Unity Humanoid": _UNITY,
    "Character Creator": _CHARACTER_CREATOR,
    "Auto-Rig Pro, exported": _ARP_EXPORT,
    "Auto-Rig Pro, controls": _ARP_CONTROLS,
    "Rokoko": _ROKOKO,
    "SMPL": _smpl(""),
    "SMPL, male FBX": _smpl("m_avg_"),
    "SMPL-H": _smplx(face=False),
    "SMPL-X": _smplx(face=True),
    "CMU": _CMU,
}
