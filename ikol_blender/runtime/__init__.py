"""The solver's own Python and the solver's process. Nothing here knows of bpy."""
