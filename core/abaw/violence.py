"""Violence frame by frame from a window of frame features: the networks compared in ABAW-10.

A temporal convolutional network over the features of an image encoder did best; a bidirectional LSTM and a
branch of two people's skeletons are its alternatives (arXiv 2603.12693 and the authors' violence repository).
No weights are published; these are the shapes, the loss and the inference.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.abaw.classes import IGNORED_LABEL

WIDTH = 256
DILATIONS = (1, 2, 4, 8, 16)
POSITIVE_WEIGHT = 1.15
SMOOTHING = 0.05


class DilatedBlock(nn.Module):
    """A residual layer: convolution over time, batch norm, ReLU, dropout. Looks forward as far as back."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """N×width×T to the same shape."""
        return torch.as_tensor(x + self.layers(x))


class TemporalConvolution(nn.Module):
    """N×T×D features to N×T×2 logits; a frame hears from 31 frames to each side."""

    def __init__(self, dim: int, width: int = WIDTH, dropout: float = 0.3) -> None:
        super().__init__()
        self.reduce = nn.Conv1d(dim, width, 1)
        self.blocks = nn.Sequential(*(DilatedBlock(width, dilation, dropout) for dilation in DILATIONS))
        self.classify = nn.Conv1d(width, 2, 1)

    def forward(self, features: Tensor) -> Tensor:
        """N×T×2 logits, violence second."""
        found: Tensor = self.classify(self.blocks(self.reduce(features.transpose(1, 2))))
        return found.transpose(1, 2)


class Recurrent(nn.Module):
    """N×T×D features to N×T×2 logits by a bidirectional LSTM of ``width`` units, half in each direction."""

    def __init__(self, dim: int, width: int = WIDTH, dropout: float = 0.3) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, width // 2, batch_first=True, bidirectional=True)
        self.classify = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, 2))

    def forward(self, features: Tensor) -> Tensor:
        """N×T×2 logits, violence second."""
        found: Tensor = self.classify(self.lstm(features)[0])
        return found


def violence_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    boundary: float = 0.0,
    reach: int = 2,
    positive_weight: float = POSITIVE_WEIGHT,
    smoothing: float = SMOOTHING,
) -> Tensor:
    """Cross-entropy over the annotated frames.

    Args:
        logits: N×T×2.
        labels: N×T of 0 and 1, -1 where not annotated.
        boundary: extra weight of frames near a change of label; 0 turns it off. The form is our choice: the
            weight is 1 + boundary up to ``reach`` frames before and after the change.
        reach: frames to each side of a change.
        positive_weight: of violent frames.
        smoothing: of the labels.

    Returns:
        The weighted sum over the sum of the boundary weights (1 a frame without them); 0 without any
        annotated frame.
    """
    known = labels != IGNORED_LABEL
    weights = logits.new_tensor([1.0, positive_weight])
    cells = functional.cross_entropy(
        logits.transpose(1, 2), labels.clamp(min=0), weights, reduction="none", label_smoothing=smoothing
    )
    emphasis = (1 + boundary * near_change(labels, reach).to(logits.dtype)) * known
    return (cells * emphasis).sum() / emphasis.sum().clamp(min=1)


def near_change(labels: Tensor, reach: int) -> Tensor:
    """N×T bool: the label changes between two annotated frames at most ``reach`` frames away.

    With reach 1 the last frame before a change and the first after it are marked.
    """
    change = (labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] >= 0) & (labels[:, :-1] >= 0)
    marked = torch.zeros_like(labels, dtype=torch.bool)
    for step in range(reach):
        marked[:, step + 1 :] |= change[:, : change.shape[1] - step]
        marked[:, : change.shape[1] - step] |= change[:, step:]
    return marked


@torch.inference_mode()
def sliding(net: Callable[[Tensor], Tensor], features: Tensor, length: int = 32, step: int = 8) -> Tensor:
    """Probability of violence of each frame: the mean over all windows that hold the frame.

    Args:
        net: N×T×D to N×T×2 logits, in evaluation mode.
        features: F×D of one clip.
        length: frames of a window; 16 to 32 in the paper. A shorter clip is one window.
        step: frames between two windows, at most ``length``. A last window ends with the clip.

    Returns:
        F numbers in 0..1.

    Raises:
        ValueError: length or step are not positive, or step leaves frames out.
    """
    if not 1 <= step <= length:
        raise ValueError("a step is at least one frame and at most one window")
    frames = len(features)
    if not frames:
        return features.new_zeros(0)
    length = min(length, frames)
    starts = [*range(0, frames - length, step), frames - length]
    total, count = features.new_zeros(frames), features.new_zeros(frames)
    for start in starts:
        window = slice(start, start + length)
        total[window] += net(features[None, window])[0].softmax(1)[:, 1]
        count[window] += 1
    return total / count
