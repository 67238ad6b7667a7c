"""What each clip of the rendered set shows: who does what, filmed how, in what light."""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Actor:
    """One person of a clip.

    Attributes:
        motion: a DeepMimic clip's name, or "sit" (authored in sitting.py: the motion capture at hand never sits).
        heading: degrees about the vertical; 0 faces the camera, 90 walks to the picture's right.
        place: (x, y) of the middle of the path, world, metres; the camera looks along +y.
        cycles: how often a motion that repeats is played.
        turns: degrees turned to the left between moments (start s, end s, degrees), as a person steering.
        size: first shape coefficients: stature, weight and so on of the open body.
        shirt, trousers: colours.
    """

    motion: str
    heading: float = 0.0
    place: tuple[float, float] = (0.0, 0.0)
    cycles: int = 1
    turns: tuple[tuple[float, float, float], ...] = ()
    size: tuple[float, ...] = ()
    shirt: Colour = (0.05, 0.30, 0.46)
    trousers: Colour = (0.13, 0.13, 0.17)


@dataclass(frozen=True)
class ClipPlan:
    """One clip at 30 Hz.

    Attributes:
        name: its folder.
        actors: who is in it.
        seconds: its length; None is as long as the longest motion.
        distance, height, aim: of the camera from the origin, of the camera, and of the point it looks at, metres.
        focal: of the picture's width.
        handheld: metres and radians/3 that the camera sways.
        posters: how many hang on the wall: corners for who follows the camera's motion.
        wall: colour behind.
        light: direction of the lamp.
        exposure: stops.
    """

    name: str
    actors: tuple[Actor, ...]
    seconds: float | None = None
    distance: float = 4.5
    height: float = 1.3
    aim: float = 0.9
    focal: float = 1.1
    handheld: float = 0.0
    posters: int = 0
    wall: Colour = (0.56, 0.60, 0.60)
    light: tuple[float, float, float] = (-0.35, 0.45, 0.82)
    exposure: float = 0.55


RED, GREEN, WHITE, GREY = (0.55, 0.08, 0.07), (0.10, 0.32, 0.14), (0.75, 0.75, 0.72), (0.30, 0.31, 0.33)
BLUE, SAND, BLACK, PURPLE = (0.10, 0.15, 0.42), (0.52, 0.44, 0.32), (0.03, 0.03, 0.035), (0.28, 0.10, 0.36)
TALL, SLIGHT, HEAVY, SMALL = (0.9, -0.3), (-0.2, -1.0), (0.1, 1.4), (-1.2, 0.2)

PLANS = (
    ClipPlan("walk_6m", (Actor("walk", 58.0, cycles=5, shirt=RED, trousers=BLUE, size=TALL),), distance=6.5, focal=0.9),
    ClipPlan(
        "run_circle",
        (Actor("jog", 90.0, (0.0, 0.0), 5, ((0.0, 4.17, 400.0),), SLIGHT, WHITE, BLACK),),
        distance=6.2, height=1.7, wall=SAND, exposure=0.3,
    ),
    ClipPlan(
        "jump",
        (Actor("jump", 35.0, cycles=2, shirt=GREEN, trousers=GREY),),
        distance=5.2, height=0.8, aim=0.95, wall=WHITE,
    ),
    ClipPlan("dance", (Actor("dance_a", 0.0, cycles=2, shirt=PURPLE, trousers=BLACK, size=SLIGHT),), height=1.5),
    ClipPlan(
        "dance_spin",
        (Actor("spin", -50.0, shirt=WHITE, trousers=RED, size=TALL),),
        distance=5.6, focal=1.2, wall=(0.25, 0.30, 0.38), light=(0.6, 0.5, 0.62),
    ),
    ClipPlan(
        "sit", (Actor("sit", 40.0, shirt=SAND, trousers=BLUE, size=HEAVY),), distance=4.0, height=1.1, aim=0.75
    ),
    ClipPlan(
        "get_up_from_back",
        (Actor("getup_faceup", 60.0, shirt=RED, trousers=GREY),),
        distance=4.6, height=1.5, aim=0.65, wall=(0.42, 0.50, 0.42),
    ),
    ClipPlan(
        "get_up_from_front",
        (Actor("getup_facedown", -60.0, shirt=BLUE, trousers=SAND, size=HEAVY),),
        distance=4.6, height=1.2, aim=0.65, exposure=0.9,
    ),
    ClipPlan(
        "turn_away",
        (Actor("walk", 0.0, cycles=3, turns=((0.9, 2.4, 185.0),), shirt=GREY, trousers=BLACK, size=SMALL),),
        distance=5.5, height=1.6,
    ),
    ClipPlan(
        "punch_from_the_side",
        (Actor("punch", 80.0, cycles=2, shirt=GREEN, trousers=BLUE),),
        distance=5.2, focal=1.3, height=1.0, light=(-0.7, 0.2, 0.69),
    ),
    ClipPlan(
        "leave_and_return",
        (Actor("walk", 90.0, (1.5, 0.3), 5, ((2.6, 3.9, 180.0),), HEAVY, WHITE, BLUE),),
        distance=4.6, focal=1.25,
    ),
    ClipPlan(
        "two_cross",
        (
            Actor("walk", 90.0, (0.0, -0.45), 4, shirt=RED, trousers=BLACK, size=TALL),
            Actor("walk", -90.0, (0.0, 0.55), 4, shirt=WHITE, trousers=BLUE, size=SMALL),
        ),
        distance=5.6, focal=0.95, height=1.5,
    ),
    ClipPlan(
        "handheld_kick",
        (Actor("kick", 30.0, cycles=2, shirt=PURPLE, trousers=GREY),),
        distance=4.8, height=1.6, handheld=0.05, posters=9, wall=(0.60, 0.52, 0.45),
    ),
    ClipPlan(
        "stealthy_walk",
        (Actor("stealthy_walk", -30.0, shirt=BLACK, trousers=SAND, size=SLIGHT),),
        distance=4.6, height=0.6, aim=0.85, focal=0.95,
    ),
)  # fmt: skip
