"""Edits of a motion that animators make after a take: numpy only, no bpy. One idea per module, `Motion` in and out."""
