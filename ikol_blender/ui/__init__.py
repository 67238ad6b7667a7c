"""Panels, operators and properties: doorbells for the functions in `scene` and `runtime`."""

import bpy

from ..confidence.drawing import start_drawing, stop_drawing
from ..pins.stored import IKOL_Pin
from ..retarget import stored_map
from ..scene.opened_overrides import mend_opened_files, stop_mending
from . import (
    cleanup_operators,
    cleanup_panel,
    confidence_operators,
    confidence_panel,
    environment_operators,
    exchange_operators,
    exchange_panel,
    feet_operators,
    import_operator,
    layer_operators,
    panels,
    pin_operators,
    pin_panel,
    properties,
    reshaping_operators,
    retarget_map_operators,
    retarget_operators,
    retarget_panel,
    retiming_operators,
    session,
    solve_operators,
)

_CLASSES = (
    *properties.CLASSES,
    *environment_operators.CLASSES,
    *solve_operators.CLASSES,
    *import_operator.CLASSES,
    *panels.CLASSES,
    *stored_map.CLASSES,
    *retarget_operators.CLASSES,
    *retarget_map_operators.CLASSES,
    *retarget_panel.CLASSES,
    *cleanup_operators.CLASSES,
    *feet_operators.CLASSES,
    *reshaping_operators.CLASSES,
    *retiming_operators.CLASSES,
    *layer_operators.CLASSES,
    *cleanup_panel.CLASSES,
    *exchange_operators.CLASSES,
    *exchange_panel.CLASSES,
    IKOL_Pin,
    *pin_operators.CLASSES,
    *pin_panel.CLASSES,
    *confidence_operators.CLASSES,
    *confidence_panel.CLASSES,
)


def register() -> None:
    for a_class in _CLASSES:
        bpy.utils.register_class(a_class)
    bpy.types.Scene.ikol = bpy.props.PointerProperty(type=properties.IKOL_Settings)
    bpy.types.Object.ikol_map = bpy.props.PointerProperty(
        type=stored_map.IKOL_BoneMap, override={"LIBRARY_OVERRIDABLE"}
    )
    bpy.types.Object.ikol_pins = bpy.props.CollectionProperty(type=IKOL_Pin)
    bpy.types.TOPBAR_MT_file_import.append(import_operator.draw_menu)
    bpy.types.TOPBAR_MT_file_import.append(exchange_operators.draw_import)
    bpy.types.TOPBAR_MT_file_export.append(exchange_operators.draw_export)
    start_drawing()
    mend_opened_files()


def unregister() -> None:
    stop_mending()
    stop_drawing()
    session.SESSION.end()
    environment_operators.stop_looking()
    bpy.types.TOPBAR_MT_file_export.remove(exchange_operators.draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(exchange_operators.draw_import)
    bpy.types.TOPBAR_MT_file_import.remove(import_operator.draw_menu)
    del bpy.types.Object.ikol_pins
    del bpy.types.Object.ikol_map
    del bpy.types.Scene.ikol
    for a_class in reversed(_CLASSES):
        bpy.utils.unregister_class(a_class)
