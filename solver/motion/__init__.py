"""From per-frame rotations to motion in the world: smoothing, camera, floor, contacts."""
