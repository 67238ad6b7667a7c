from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from solver.ikol import so3

ANGLES = (0.0, 1e-12, 1e-7, 1e-4, 0.0999, 0.1001, 1.0, 3.0, math.pi - 1e-4, math.pi - 1e-7, math.pi)


def vectors_of(angle: float, dtype: torch.dtype) -> Tensor:
    directions = torch.randn(64, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    directions = torch.cat((directions, torch.eye(3, dtype=torch.float64), -torch.eye(3, dtype=torch.float64)))
    return (angle * directions / directions.norm(dim=-1, keepdim=True)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("angle", ANGLES)
def test_exp_is_the_matrix_exponential_and_a_rotation(angle: float, dtype: torch.dtype) -> None:
    vectors = vectors_of(angle, dtype)
    rotations = so3.exp(vectors)
    tolerance = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(rotations, torch.linalg.matrix_exp(so3.hat(vectors)), atol=tolerance, rtol=0)
    identity = torch.eye(3, dtype=dtype).expand_as(rotations)
    torch.testing.assert_close(rotations @ rotations.mT, identity, atol=tolerance, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones_like(vectors[:, 0]), atol=tolerance, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("angle", ANGLES)
def test_log_inverts_exp(angle: float, dtype: torch.dtype) -> None:
    vectors = vectors_of(angle, dtype)
    back = so3.log(so3.exp(vectors))
    if angle > math.pi - 1e-5:  # v and -v are the same half-turn to rounding
        back = torch.where((back * vectors).sum(-1, keepdim=True) < 0, -back, back)
    torch.testing.assert_close(back, vectors, atol=2e-6 if dtype == torch.float32 else 1e-13, rtol=0)


@pytest.mark.parametrize("angle", ANGLES[:-1])
def test_jacobians_are_the_derivatives_of_exp(angle: float) -> None:
    vectors = vectors_of(angle, torch.float64)
    change = 1e-6 * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    turned = so3.exp(vectors + change) @ so3.exp(vectors - change).mT
    expected = 2 * (so3.left_jacobian(vectors) @ change[..., None]).squeeze(-1)
    torch.testing.assert_close(so3.log(turned), expected, atol=1e-15, rtol=1e-6)
    turned = so3.exp(vectors - change).mT @ so3.exp(vectors + change)
    expected = 2 * (so3.right_jacobian(vectors) @ change[..., None]).squeeze(-1)
    torch.testing.assert_close(so3.log(turned), expected, atol=1e-15, rtol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.1, 1.0, 3.0])
def test_exp_and_log_have_exact_gradients(angle: float) -> None:
    vectors = vectors_of(angle, torch.float64)[:6].requires_grad_()
    assert torch.autograd.gradcheck(so3.exp, vectors, atol=1e-6)
    assert torch.autograd.gradcheck(lambda v: so3.log(so3.exp(v)), vectors, atol=1e-6)
    assert torch.autograd.gradcheck(so3.left_jacobian, vectors, atol=1e-6)


@pytest.mark.parametrize("kind", ["full", "flat", "reflected"])
def test_closest_rotation_equals_kabsch(kind: str) -> None:
    matrices = torch.randn(500, 3, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    left, values, right = torch.linalg.svd(matrices)
    if kind == "flat":
        values = values * torch.tensor([1.0, 1.0, 0.0])
        matrices = left @ values.diag_embed() @ right
    sign = torch.linalg.det(left @ right).sign()
    if kind == "reflected":
        matrices = matrices * -sign[:, None, None]
        sign = -torch.ones_like(sign)
        left, values, right = torch.linalg.svd(matrices)
    fix = torch.stack((torch.ones_like(sign), torch.ones_like(sign), torch.linalg.det(left @ right).sign()), -1)
    expected = left @ fix.diag_embed() @ right
    unique = values[:, 1] + fix[:, 2] * values[:, 2] > 0.02  # else two rotations are as close
    torch.testing.assert_close(so3.closest_rotation(matrices)[unique], expected[unique], atol=1e-9, rtol=0)


def test_closest_rotation_has_an_exact_gradient_where_an_svd_has_none() -> None:
    rotation = so3.exp(torch.tensor([[0.3, -1.0, 0.8]], dtype=torch.float64))
    equal = (0.7 * rotation).requires_grad_()  # three equal singular values
    assert torch.autograd.gradcheck(so3.closest_rotation, equal)
    flat = (rotation @ torch.diag(torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64))).requires_grad_()
    assert torch.autograd.gradcheck(so3.closest_rotation, flat)
