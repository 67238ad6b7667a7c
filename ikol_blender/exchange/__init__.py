"""In and out: motion of other tools becomes armatures, and armatures become files of other tools."""
