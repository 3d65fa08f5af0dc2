"""What a patch is made to lower: nearness to oneself, distance from a target, and what betrays a patch.

Method card of arXiv 2603.15396; margins are cosines. All galleries are clean pictures.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from core.patches.palette import nearest


def push(attacked: Tensor, gallery: Tensor, margin: float) -> Tensor:
    """Away from the source: mean max(0, cos(f(x'), gallery of source) - m_s).

    Args:
        attacked: N×D unit vectors of patched pictures.
        gallery: N×G×D unit vectors, for each of them clean pictures of the same person.
        margin: m_s; what lies below it is far enough.
    """
    cosines = torch.einsum("nd,ngd->ng", attacked, gallery)
    return (cosines - margin).clamp_min(0).mean()


def pull(attacked: Tensor, gallery: Tensor, margin: float) -> Tensor:
    """Towards the target: mean max(0, m_t - cos(f(x'), gallery of target)); arguments as :func:`push`."""
    cosines = torch.einsum("nd,ngd->ng", attacked, gallery)
    return (margin - cosines).clamp_min(0).mean()


def attack(
    attacked: Tensor,
    source: Tensor,
    target: Tensor | None,
    *,
    push_margin: float,
    pull_margin: float,
    push_weight: float,
) -> Tensor:
    """Evasion = push; impersonation (with a target) = pull + lambda push.

    Args:
        attacked: N×D unit vectors of patched pictures.
        source: N×G×D clean pictures of the people themselves.
        target: N×G×D clean pictures of those whom they are to resemble, or None for evasion.
        push_margin: m_s.
        pull_margin: m_t.
        push_weight: lambda.
    """
    away = push(attacked, source, push_margin)
    return away if target is None else pull(attacked, target, pull_margin) + push_weight * away


def total_variation(patches: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels of N×3×h×w patches, rows plus columns."""
    down, across = patches.diff(dim=2).abs().mean(), patches.diff(dim=3).abs().mean()
    return down + across


def printability(patches: Tensor, colours: Tensor) -> Tensor:
    """Mean Euclidean distance of the pixels of N×3×h×w patches to the nearest of K×3 printable colours."""
    return nearest(patches, colours)[1].mean()


def size(attacked: Tensor, clean: Tensor) -> Tensor:
    """L2 size of the change: mean square difference of N×3×H×W pictures."""
    return (attacked - clean).square().mean()


class PatchDiscriminator(nn.Module):
    """PatchGAN (arXiv 1611.07004, section 3.2.2): a verdict for every overlapping part of a picture.

    Args:
        channels: of the first layer.
    """

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        widths = (3, channels, 2 * channels, 4 * channels)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            convolution = nn.Conv2d(before, after, 4, 2, 1)
            layers += [nn.utils.parametrizations.spectral_norm(convolution), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """N×3×h×w in 0..1 -> N×1×h/8×w/8 scores, above 0 for natural."""
        scores: Tensor = self.layers(2 * pictures - 1)
        return scores


def naturalness(judge: nn.Module, patches: Tensor) -> Tensor:
    """What a generator pays for patches that are told from natural crops; the judge gets no gradient.

    Args:
        judge: for instance a :class:`PatchDiscriminator`.
        patches: N×3×h×w in 0..1.
    """
    fixed = {name: value.detach() for name, value in judge.named_parameters()}
    fixed |= {name: value.detach().clone() for name, value in judge.named_buffers()}
    return functional.softplus(-functional_call(judge, fixed, (patches,))).mean()


def discernment(judge: nn.Module, natural: Tensor, patches: Tensor) -> Tensor:
    """What the judge pays for mistakes (binary cross-entropy); the patches get no gradient.

    Args:
        judge: for instance a :class:`PatchDiscriminator`.
        natural: N×3×h×w natural crops in 0..1.
        patches: N×3×h×w in 0..1.
    """
    real = functional.softplus(-judge(natural)).mean()
    made = functional.softplus(judge(patches.detach())).mean()
    return (real + made) / 2
