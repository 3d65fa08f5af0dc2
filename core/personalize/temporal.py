"""The optional encoder of a short window of embeddings. No trained weights of it are public: it stays off.

CLS token, learned positions, four pre-norm transformer layers, and the CLS token's output (arXiv 2603.21309).
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import Code, UserError
from core.personalize.vectors import Vectors, unit
from core.types import FloatArray

WINDOW = 8


class TemporalEncoder(nn.Module):
    """N×T×D windows of unit vectors to N×D; the weights are random until :meth:`restore` is called.

    Args:
        dim: D, divisible by the heads.
        layers, heads, hidden: of the transformer.
        longest: most frames of a window.
    """

    def __init__(
        self, dim: int = 512, layers: int = 4, heads: int = 8, hidden: int = 2048, longest: int = 256
    ) -> None:
        super().__init__()
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, longest + 1, dim))
        layer = nn.TransformerEncoderLayer(
            dim, heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.trained = False

    def forward(self, windows: Tensor) -> Tensor:
        """N×T×D -> N×D; a ValueError for a window that is too long."""
        count, length, _ = windows.shape
        if length >= self.positions.shape[1]:
            raise ValueError(f"a window has at most {self.positions.shape[1] - 1} frames")
        rows = torch.cat([self.token.expand(count, -1, -1), windows], 1) + self.positions[:, : length + 1]
        out: Tensor = self.layers(rows)[:, 0]
        return out

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take trained weights; from now on :func:`encode` accepts this encoder."""
        self.load_state_dict(state)
        self.eval().requires_grad_(False)
        self.trained = True


def windows(
    embeddings: FloatArray, length: int = WINDOW, direction: Literal["centred", "causal"] = "causal"
) -> Vectors:
    """The window of each frame, with the clip's first and last frame repeated beyond its ends.

    Args:
        embeddings: N×D of one clip.
        length: T. A centred window of even length has one frame more before than after.
        direction: "centred" (code of March 2026) or "causal" (June): the frame itself is the last one.

    Returns:
        N×T×D.
    """
    before = length // 2 if direction == "centred" else length - 1
    places = np.arange(len(embeddings))[:, None] + np.arange(-before, length - before)
    rows: Vectors = np.asarray(embeddings, np.float32)
    return rows.take(places.clip(0, len(rows) - 1), axis=0)


@torch.inference_mode()
def encode(
    encoder: TemporalEncoder,
    embeddings: FloatArray,
    length: int = WINDOW,
    direction: Literal["centred", "causal"] = "causal",
) -> Vectors:
    """N×D embeddings of one clip to N×D unit vectors that have seen their neighbours.

    Raises:
        UserError: ``WEIGHTS_MISSING``: the encoder was never trained; random weights are no stand-in.
    """
    if not encoder.trained:
        raise UserError(
            Code.WEIGHTS_MISSING,
            "The temporal encoder has no trained weights.",
            "Leave it off: frames are then read one by one.",
        )
    rows = torch.from_numpy(windows(unit(embeddings), length, direction))
    return unit(encoder(rows).numpy())
