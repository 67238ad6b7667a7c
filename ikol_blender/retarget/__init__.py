"""Motion from one armature to another of other names, rolls, proportions and rest pose."""
