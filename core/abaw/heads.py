"""Heads on the features of one frame, and the losses that train them.

Shapes are those of arXiv 2603.12693 and the authors' ABAW notebooks (1,280 features of an EfficientNet-B0
there; any number here): expression and action units through 128 units, valence and arousal straight from the
features. Annotations of -1 and -5 never enter a loss.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.abaw.classes import ACTION_UNITS, DIMENSIONS, EXPRESSIONS, IGNORED_DIMENSION, IGNORED_LABEL

HIDDEN = 128


class ExpressionHead(nn.Sequential):
    """N×D features to N×8 logits; also the head of audio features."""

    def __init__(self, dim: int, hidden: int = HIDDEN) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, len(EXPRESSIONS)))


class DimensionHead(nn.Sequential):
    """N×D features to N×2 valence and arousal in -1..1; no hidden layer."""

    def __init__(self, dim: int) -> None:
        super().__init__(nn.Linear(dim, len(DIMENSIONS)), nn.Tanh())


class UnitHead(nn.Sequential):
    """N×D features to N×12 logits; :meth:`strengths` are their sigmoid."""

    def __init__(self, dim: int, hidden: int = HIDDEN) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, len(ACTION_UNITS)))

    def strengths(self, features: Tensor) -> Tensor:
        """N×12 in 0..1."""
        return torch.sigmoid(self(features))


def class_weights(labels: Tensor) -> Tensor:
    """Eight weights 1/count, scaled so that the most frequent class has 1; absent classes have 0.

    Args:
        labels: N integers, -1 is not counted.
    """
    counts = torch.bincount(labels[labels != IGNORED_LABEL], minlength=len(EXPRESSIONS)).double()
    weights = torch.where(counts > 0, counts.max() / counts.clamp(min=1), torch.zeros_like(counts))
    return weights.float()


def unit_weights(labels: Tensor) -> Tensor:
    """Weights N / (2 count) of the presence of each of twelve action units.

    Args:
        labels: N×12 of 0 and 1; -1 counts neither for N nor for the presence. A unit that is never present
            has weight 1 (our choice: there is nothing to weigh).
    """
    total = (labels != IGNORED_LABEL).sum(0).double()
    present = (labels == 1).sum(0).double()
    return torch.where(present > 0, total / (2 * present.clamp(min=1)), torch.ones_like(total)).float()


def expression_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Weighted cross-entropy of the annotated rows, divided by the sum of their weights; 0 without any."""
    known = labels != IGNORED_LABEL
    if not known.any():
        return logits.sum() * 0
    return functional.cross_entropy(logits[known], labels[known], weights)


def ccc(x: Tensor, y: Tensor) -> Tensor:
    """Concordance correlation of N×K columns with population moments; K numbers.

    As :func:`core.metrics.agreement.ccc`, but 0 instead of nan where both are constant and equal, so that a
    batch of one face cannot spoil the weights.
    """
    mean_x, mean_y = x.mean(0), y.mean(0)
    covariance = ((x - mean_x) * (y - mean_y)).mean(0)
    spread = x.var(0, correction=0) + y.var(0, correction=0) + (mean_x - mean_y).square()
    return 2 * covariance / spread.clamp(min=torch.finfo(x.dtype).eps)


def ccc_loss(predicted: Tensor, truth: Tensor, mse: float = 0.0) -> Tensor:
    """``1 - (CCC_V + CCC_A) / 2`` of the annotated rows, plus ``mse`` times their mean squared error.

    The first alone is the notebooks' loss, mse=1 the ABAW-10 text's sum (its weight is our choice).

    Args:
        predicted: N×2 in -1..1.
        truth: N×2, -5 where not annotated; one of both is enough to leave the row out.
        mse: weight of the squared error.

    Returns:
        A number, 0 when no row is annotated.
    """
    known = (truth != IGNORED_DIMENSION).all(1)
    if not known.any():
        return predicted.sum() * 0
    predicted, truth = predicted[known], truth[known].to(predicted.dtype)
    return 1 - ccc(predicted, truth).mean() + mse * functional.mse_loss(predicted, truth)


def unit_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Binary cross-entropy over the annotated cells of N×12, presence weighted by ``weights``; 0 without."""
    known = labels != IGNORED_LABEL
    truth = labels.clamp(min=0).to(logits.dtype)
    cells = functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weights, reduction="none")
    return (cells * known).sum() / known.sum().clamp(min=1)
