"""Heads: shapes and ranges; losses: hand counts, the metric, gradients, annotations left out."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from core.abaw import heads
from core.metrics import agreement


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_shapes_and_ranges():
    features = random(5, 40).float() * 100
    expression, dimensions, units = heads.ExpressionHead(40), heads.DimensionHead(40), heads.UnitHead(40)
    assert expression(features).shape == (5, 8)
    assert dimensions(features).shape == (5, 2)
    assert dimensions(features).abs().max() <= 1
    strengths = units.strengths(features)
    assert strengths.shape == units(features).shape == (5, 12)
    assert strengths.min() >= 0
    assert strengths.max() <= 1


def test_parameters_are_those_of_the_card_at_1280_features():
    count = lambda net: sum(p.numel() for p in net.parameters())  # noqa: E731
    assert count(heads.ExpressionHead(1280)) == 1280 * 128 + 128 + 128 * 8 + 8
    assert count(heads.DimensionHead(1280)) == 1280 * 2 + 2
    assert count(heads.UnitHead(1280)) == 1280 * 128 + 128 + 128 * 12 + 12


def test_class_weights_are_1_over_count_with_minimum_1():
    labels = torch.tensor([0] * 6 + [1] * 3 + [2] * 2 + [-1] * 9)
    assert heads.class_weights(labels).tolist() == [1, 2, 3, 0, 0, 0, 0, 0]


def test_unit_weights_are_total_over_twice_the_count():
    labels = torch.zeros(8, 12, dtype=torch.long)
    labels[:2, 0], labels[:4, 1], labels[6:, 1] = 1, 1, -1
    assert heads.unit_weights(labels).tolist() == pytest.approx([8 / 4, 6 / 8] + [1] * 10)


def test_ccc_loss_is_one_minus_the_mean_of_the_metric():
    x, y = random(300, 2), random(300, 2, seed=1) * 0.5 + 0.2
    expected = 1 - (agreement.ccc(*pair(x, y, 0)) + agreement.ccc(*pair(x, y, 1))) / 2
    assert heads.ccc_loss(x, y).item() == pytest.approx(expected, abs=1e-12)
    squared = float(((x - y) ** 2).mean())
    assert heads.ccc_loss(x, y, mse=0.5).item() == pytest.approx(expected + 0.5 * squared, abs=1e-12)


def pair(x, y, column):
    return x[:, column].numpy(), y[:, column].numpy()


def test_ccc_loss_goldens():
    x = random(200, 2)
    x = x - x.mean(0)
    assert heads.ccc_loss(x, x).item() == pytest.approx(0, abs=1e-12)
    assert heads.ccc_loss(x, -x).item() == pytest.approx(2)
    assert heads.ccc_loss(x, 3 * x).item() == pytest.approx(1 - 6 / 10)


def test_gradients_of_the_losses():
    predicted = random(12, 2).requires_grad_()
    truth = random(12, 2, seed=1)
    truth[3] = -5
    assert gradcheck(lambda x: heads.ccc_loss(x, truth), predicted)
    assert gradcheck(lambda x: heads.ccc_loss(x, truth, mse=1.0), predicted)
    labels = torch.tensor([0, 1, 7, -1, 2, 2])
    weights = torch.linspace(1, 3, 8, dtype=torch.float64)
    assert gradcheck(lambda x: heads.expression_loss(x, labels, weights), random(6, 8).requires_grad_())
    units = (random(6, 12, seed=2) > 0).long()
    units[0, :5] = -1
    many = torch.linspace(1, 3, 12, dtype=torch.float64)
    assert gradcheck(lambda x: heads.unit_loss(x, units, many), random(6, 12).requires_grad_())


def test_expression_loss_by_hand():
    logits, labels = random(3, 8), torch.tensor([2, -1, 5])
    weights = torch.arange(1.0, 9, dtype=torch.float64)
    log = torch.log_softmax(logits, 1)
    expected = -(3 * log[0, 2] + 6 * log[2, 5]) / 9
    assert heads.expression_loss(logits, labels, weights).item() == pytest.approx(expected.item())


def test_unit_loss_by_hand():
    logits = torch.zeros(2, 12, dtype=torch.float64)
    logits[0, 0] = 1.5
    labels = torch.full((2, 12), -1)
    labels[0, 0], labels[1, 0] = 1, 0
    weights = torch.full((12,), 4.0, dtype=torch.float64)
    expected = (4 * np.log1p(np.exp(-1.5)) + np.log(2)) / 2
    assert heads.unit_loss(logits, labels, weights).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "width", "truth"),
    [
        (heads.expression_loss, 8, torch.tensor([3, -1, 0, -1])),
        (heads.ccc_loss, 2, torch.tensor([[0.1, 0.2], [-5, -5], [0.6, -0.3], [0.4, -5]])),
        (heads.unit_loss, 12, torch.tensor([[1] * 12, [-1] * 12, [0] * 12, [-1] * 12])),
    ],
)
def test_annotations_of_minus_1_and_minus_5_never_enter_a_loss(loss, width, truth):
    logits = random(4, width).requires_grad_()
    value = loss(logits, truth)
    value.backward()
    assert not logits.grad[[1, 3]].any()
    assert logits.grad[[0, 2]].abs().sum() > 0
    assert value.item() == pytest.approx(loss(logits[[0, 2]], truth[[0, 2]]).item())
    nothing = loss(logits, truth[[1, 1, 1, 1]])
    assert nothing.item() == 0
    nothing.backward()


def test_a_batch_of_one_face_has_finite_gradients():
    predicted = torch.full((4, 2), 0.3, requires_grad=True)
    heads.ccc_loss(predicted, torch.full((4, 2), 0.3)).backward()
    assert torch.isfinite(predicted.grad).all()
