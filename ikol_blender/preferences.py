"""The add-on's preferences: the solver's Python, the device, the body file; and what they mean."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy.types import AddonPreferences, Context

from .contract import DEVICES, SOLVER_REQUIREMENTS, IkolError
from .runtime.environment import EnvironmentState, SolverEnvironment

# The extension's own package: "bl_ext.user_default.ikol".
EXTENSION = (__package__ or "").rpartition(".")[0]

_DEVICE_NAMES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}


class IKOL_Preferences(AddonPreferences):
    bl_idname = EXTENSION

    solver_python: StringProperty(
        name="Python of your own",
        description="A Python that has the solver's packages. Empty: the one that Install solver makes",
        subtype="FILE_PATH",
    )
    device: EnumProperty(
        name="Device",
        description="What the solver computes on",
        items=[(device, _DEVICE_NAMES[device], "") for device in DEVICES],
    )
    body_file: StringProperty(
        name="SMPL body file",
        description="Your own SMPL .npz or .pkl file. Only needed to solve with, or import takes of, an SMPL body",
        subtype="FILE_PATH",
    )

    def draw(self, context: Context) -> None:
        from .ui.solver_panel import draw_solver

        draw_solver(self.layout, self)
        self.layout.prop(self, "device")
        self.layout.prop(self, "body_file")


def preferences_of(context: Context) -> IKOL_Preferences:
    """The add-on's preferences.

    Raises:
        IkolError: the extension is not enabled.
    """
    addon = context.preferences.addons.get(EXTENSION)
    if addon is None:
        raise IkolError("The IKOL extension is not enabled.", hint="Enable it in the preferences, under Add-ons.")
    return addon.preferences


def solver_environment() -> SolverEnvironment:
    """The environment that Install solver makes, in the extension's folder of user data, which outlives updates."""
    folder = Path(bpy.utils.extension_path_user(EXTENSION, path="solver"))
    return SolverEnvironment(folder, SOLVER_REQUIREMENTS)


def solver_python(preferences: IKOL_Preferences) -> Path:
    """The Python that runs the solver.

    Raises:
        IkolError: there is none yet.
    """
    if preferences.solver_python:
        own = Path(bpy.path.abspath(preferences.solver_python))
        if own.is_file():
            return own
        raise IkolError(f"There is no Python at {own}.", hint="Correct it in the add-on's preferences, or clear it.")
    environment = solver_environment()
    state = environment.state()
    if state is not EnvironmentState.READY:
        raise IkolError(
            f"The solver cannot run yet: {state.value.lower()}.",
            hint="Press Install solver, in the IKOL panel or in the add-on's preferences.",
        )
    return environment.python


def solver_in_words(preferences: IKOL_Preferences) -> tuple[str, bool]:
    """What runs the solver, or why nothing can, and whether it can."""
    if not preferences.solver_python:
        state = solver_environment().state()
        return state.value, state is EnvironmentState.READY
    try:
        solver_python(preferences)
    except IkolError as error:
        return error.message.removesuffix("."), False
    return "Python of your own", True


def register() -> None:
    bpy.utils.register_class(IKOL_Preferences)


def unregister() -> None:
    bpy.utils.unregister_class(IKOL_Preferences)
