"""Smoothing takes jitter out, keeps punches, and does not delay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from bl_ext.user_default.ikol.ikol_blender.cleanup import quaternions as quat
from bl_ext.user_default.ikol.ikol_blender.cleanup.adaptive import smooth_adaptive
from bl_ext.user_default.ikol.ikol_blender.cleanup.butterworth import low_pass
from bl_ext.user_default.ikol.ikol_blender.cleanup.despike import despike
from bl_ext.user_default.ikol.ikol_blender.cleanup.limbs import Limb
from bl_ext.user_default.ikol.ikol_blender.cleanup.motion import Motion, fade, mix
from bl_ext.user_default.ikol.ikol_blender.cleanup.one_euro import smooth_one_euro
from bl_ext.user_default.ikol.ikol_blender.cleanup.smooth import smooth_butterworth
from bl_ext.user_default.ikol.ikol_blender.scene import import_take
from bl_ext.user_default.ikol.ikol_blender.scene.body import limbs_of
from bl_ext.user_default.ikol.ikol_blender.scene.samples import sample as sample_action

from tests.ikol_blender.retarget.dressing import meaningless

from .evaluated import armature_of, heads
from .mocap import HANDS, NAMES, deepmimic

_LEFT, _RIGHT = HANDS


@pytest.fixture(scope="module")
def punch() -> Motion:
    return deepmimic("punch")


@pytest.fixture(scope="module")
def jittery(punch: Motion) -> Motion:
    """The punch with the hands about 10 mm off at every moment."""
    rng = np.random.default_rng(1)
    turns = quat.exp(rng.normal(size=(*punch.rotations.shape[:2], 3)) * 0.007)
    locations = punch.locations.copy()
    locations[:, 0] += rng.normal(size=(len(punch), 3)) * 0.004
    return replace(punch, rotations=quat.multiply(punch.rotations, turns), locations=locations)


def _hand(motion: Motion, hand: int) -> np.ndarray:
    return motion.posed().heads[:, hand]


def _rms(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=-1).mean()))


def _speed(motion: Motion, hand: int) -> np.ndarray:
    return np.linalg.norm(np.gradient(_hand(motion, hand), 1 / motion.rate_hz, axis=0), axis=-1)


def _lag(first: np.ndarray, second: np.ndarray) -> int:
    """Samples by which `second` comes later: where their cross-correlation peaks."""
    first, second = first - first.mean(), second - second.mean()
    correlation = np.correlate(second, first, mode="full")
    return int(correlation.argmax()) - (len(first) - 1)


def test_jitter_is_ten_millimetres(punch: Motion, jittery: Motion) -> None:
    for hand in HANDS:
        assert 0.008 < _rms(_hand(jittery, hand) - _hand(punch, hand)) < 0.014


def test_adaptive_takes_the_jitter_and_keeps_the_punch(punch: Motion, jittery: Motion) -> None:
    smooth, reference = smooth_adaptive(jittery, 2.0), smooth_adaptive(punch, 2.0)
    for hand in HANDS:
        # Jitter is what the noise does from frame to frame: second differences, the motion itself taken away.
        before = _rms(np.diff(_hand(jittery, hand) - _hand(punch, hand), n=2, axis=0))
        after = _rms(np.diff(_hand(smooth, hand) - _hand(reference, hand), n=2, axis=0))
        assert after < 0.2 * before, f"{1 - after / before:.0%} less jitter"
        assert _rms(_hand(smooth, hand) - _hand(punch, hand)) < _rms(_hand(jittery, hand) - _hand(punch, hand))
        kept = _speed(smooth, hand).max() / _speed(punch, hand).max()
        assert 0.95 < kept < 1.1, f"{kept:.0%} of the peak speed"
        assert _lag(_speed(punch, hand), _speed(smooth, hand)) == 0


def test_operator_smooths_a_punch_in_blender(empty_scene: bpy.types.Scene, punch: Motion, jittery: Motion) -> None:
    """The same by Blender's own evaluation, with what the operator does by default."""
    paths = []
    for motion in (punch, jittery):
        bpy.ops.wm.read_homefile(use_empty=True)
        armature = armature_of(motion)
        hands = [armature.pose.bones.find(NAMES[hand]) for hand in HANDS]
        paths.append(heads(armature, range(1, len(motion) + 1))[:, hands])
        assert bpy.ops.ikol.smooth() == {"FINISHED"}
        paths.append(heads(armature, range(1, len(motion) + 1))[:, hands])
    clean, smooth_clean, rough, smooth = paths
    for hand in range(2):
        before = _rms(np.diff((rough - clean)[:, hand], n=2, axis=0))
        after = _rms(np.diff((smooth - smooth_clean)[:, hand], n=2, axis=0))
        assert after < 0.2 * before, f"{1 - after / before:.0%} less jitter"
        assert _rms((smooth - clean)[:, hand]) < _rms((rough - clean)[:, hand])
        speeds = [np.linalg.norm(np.gradient(path[:, hand], axis=0), axis=-1) for path in (clean, smooth)]
        assert 0.95 < speeds[1].max() / speeds[0].max() < 1.1
        assert _lag(*speeds) == 0


def test_resting_hand_is_quiet(punch: Motion, jittery: Motion) -> None:
    resting = _speed(punch, _RIGHT)[1:-1] < 0.5
    before, after = (
        np.diff(_hand(motion, _RIGHT), n=2, axis=0)[resting] for motion in (jittery, smooth_adaptive(jittery, 2.0))
    )
    assert _rms(after) < 0.2 * _rms(before)


@pytest.mark.parametrize(
    "smooth", [lambda m: smooth_butterworth(m, 5.0), lambda m: smooth_one_euro(m, 1.0, 1.0)], ids=["low", "euro"]
)
def test_others_take_the_jitter_without_delay(
    punch: Motion, jittery: Motion, smooth: Callable[[Motion], Motion]
) -> None:
    done, reference = smooth(jittery), smooth(punch)
    before = _rms(np.diff(_hand(jittery, _RIGHT) - _hand(punch, _RIGHT), n=2, axis=0))
    after = _rms(np.diff(_hand(done, _RIGHT) - _hand(reference, _RIGHT), n=2, axis=0))
    assert after < 0.25 * before
    assert _lag(_speed(punch, _RIGHT), _speed(done, _RIGHT)) == 0


def test_result_does_not_depend_on_the_frame_of_reference(jittery: Motion) -> None:
    turn = quat.exp(np.array([0.3, 2.0, -1.0]))
    turned = replace(jittery, rotations=quat.multiply(turn, jittery.rotations))
    for smooth in (smooth_adaptive, smooth_butterworth):
        expected = quat.multiply(turn, smooth(jittery, 2.0).rotations)
        assert quat.angle_between(expected, smooth(turned, 2.0).rotations).max() < 1e-6


def test_butterworth_has_its_response() -> None:
    rate, cutoff = 60.0, 6.0
    times = np.arange(1200) / rate
    for frequency in (1.0, 3.0, 6.0, 12.0):
        wave = np.sin(2 * np.pi * frequency * times)
        gain = np.ptp(low_pass(wave, rate, cutoff)[300:900]) / np.ptp(wave[300:900])
        warped = np.tan(np.pi * frequency / rate) / np.tan(np.pi * cutoff / rate)
        assert gain == pytest.approx(1 / (1 + warped**4), abs=0.01)
    assert low_pass(times, rate, cutoff) == pytest.approx(times, abs=1e-6)


def test_each_bone_may_have_its_own_cutoff(jittery: Motion) -> None:
    cutoffs = np.full(len(jittery.skeleton), 3.0)
    cutoffs[4] = 8.0
    mixed = smooth_butterworth(jittery, cutoffs).rotations
    assert mixed[:, 4] == pytest.approx(smooth_butterworth(jittery, 8.0).rotations[:, 4], abs=1e-5)
    assert mixed[:, 5] == pytest.approx(smooth_butterworth(jittery, 3.0).rotations[:, 5], abs=1e-5)


def test_spikes_go_and_the_rest_stays(punch: Motion) -> None:
    spiked = punch.rotations.copy()
    spiked[20, 6] = quat.multiply(spiked[20, 6], quat.exp(np.array([0.9, 0.0, 0.0])))
    spiked[40, 3] = quat.multiply(spiked[40, 3], quat.exp(np.array([0.0, 0.7, 0.0])))
    done = despike(replace(punch, rotations=spiked))
    for sample, bone in ((20, 6), (40, 3)):
        error = quat.angle_between(done.rotations[sample, bone], punch.rotations[sample, bone])
        assert error < np.radians(8)  # of 40 and 50
    untouched = quat.angle_between(done.rotations, punch.rotations) < 1e-7
    assert untouched.mean() > 0.95
    for hand in HANDS:
        assert _speed(done, hand).max() > 0.99 * _speed(punch, hand).max()


@pytest.mark.parametrize("clip", ["punch", "dance_a", "dance_spin", "walk", "roll"])
def test_no_quick_motion_is_taken_for_a_spike(clip: str) -> None:
    motion = deepmimic(clip)
    assert quat.angle_between(despike(motion).rotations, motion.rotations).max() < 1e-6
    assert np.array_equal(despike(motion).locations, motion.locations)


def test_spikes_close_together_and_in_jitter_go(jittery: Motion) -> None:
    spiked = jittery.rotations.copy()
    for sample, angle in ((30, 0.8), (33, -0.7), (50, 0.5)):
        spiked[sample, 6] = quat.multiply(spiked[sample, 6], quat.exp(np.array([0.0, 0.0, angle])))
    done = despike(replace(jittery, rotations=spiked))
    assert np.degrees(quat.angle_between(done.rotations, jittery.rotations)[:, 6]).max() < 10


def test_part_of_a_motion_meets_the_rest_without_a_jump(jittery: Motion) -> None:
    count = len(jittery)
    weights = fade(count, 20, 44, 5)
    assert weights[:20].max() == 0 and weights[45:].max() == 0 and weights[25:40].min() == 1
    assert np.abs(np.diff(weights)).max() < 0.3
    part = mix(jittery, smooth_adaptive(jittery, 2.0), weights[:, None])
    assert np.array_equal(part.locations[:20], jittery.locations[:20])
    assert quat.angle_between(part.rotations[:20], jittery.rotations[:20]).max() < 1e-6
    assert np.array_equal(fade(count, 0, count - 1, 5), np.ones(count))


def test_strength_of_a_half_lies_half_way(jittery: Motion) -> None:
    full = smooth_butterworth(jittery, 2.0)
    half = mix(jittery, full, np.array(0.5))
    whole_way = quat.angle_between(jittery.rotations, full.rotations)
    assert quat.angle_between(jittery.rotations, half.rotations) == pytest.approx(0.5 * whole_way, abs=1e-9)
    assert half.locations == pytest.approx(0.5 * (jittery.locations + full.locations))


def test_limbs_go_by_the_kept_map_and_by_shape(empty_scene: bpy.types.Scene, take_file: Path) -> None:
    """Of a rig whose names say nothing; what no map has goes along with what carries it."""
    armature = import_take(bpy.context, take_file).armature
    named = sample_action(bpy.context, armature).motion.skeleton
    usual = dict(zip(named.names, limbs_of(armature, named), strict=True))
    assert usual["L_Wrist"] is Limb.HAND and usual["Spine1"] is Limb.TRUNK
    now = meaningless(armature, {name: (name,) for name in named.names}, seed=3)
    fresh = sample_action(bpy.context, armature).motion.skeleton
    found = dict(zip(fresh.names, limbs_of(armature, fresh), strict=True))
    assert {name: found[now[name][0]] for name in usual} == usual
    row = armature.ikol_map.rows.add()
    row.role, row.bone = "hand.L", now["L_Elbow"][0]
    found = dict(zip(fresh.names, limbs_of(armature, fresh), strict=True))
    assert found[now["L_Elbow"][0]] is Limb.HAND
