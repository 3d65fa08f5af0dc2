"""Whisper's audio encoder as a network (Radford et al., arXiv 2212.04356, section 2.2).

Its parts have the names of OpenAI's checkpoints, so that these load as they are. (transformers has the same
network, and the tests compare with it; importing that module alone takes 190 MB of memory.)
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Self-attention of several heads; keys have no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """N×T×D to N×T×D."""
        query, key, value = (
            part(states).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed: Tensor = functional.scaled_dot_product_attention(query, key, value)
        found: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return found


class Layer(nn.Module):
    """Attention, then a perceptron on each state; both normalise first and add to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn, self.attn_ln = Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        """N×T×D to N×T×D."""
        states = states + self.attn(self.attn_ln(states))
        found: Tensor = states + self.mlp(self.mlp_ln(states))
        return found


class AudioEncoder(nn.Module):
    """N×M×2T log-mel spectra to N×T×D states; T is fixed by the positions that were learned with it."""

    positional_embedding: Tensor

    def __init__(self, mels: int, length: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", torch.zeros(length, width))
        self.blocks = nn.ModuleList([Layer(width, heads) for _ in range(layers)])
        self.ln_post = nn.LayerNorm(width)

    def forward(self, spectra: Tensor) -> Tensor:
        """N×M×2T to N×T×D."""
        heard = functional.gelu(self.conv2(functional.gelu(self.conv1(spectra))))
        states = heard.transpose(1, 2) + self.positional_embedding
        for block in self.blocks:
            states = block(states)
        found: Tensor = self.ln_post(states)
        return found


def from_checkpoint(size: Mapping[str, int], state: Mapping[str, Tensor]) -> AudioEncoder:
    """The encoder of a Whisper checkpoint in single precision; the decoder's weights are left.

    Args:
        size: the checkpoint's ``dims``.
        state: its ``model_state_dict``.
    """
    net = AudioEncoder(
        size["n_mels"],
        size["n_audio_ctx"],
        size["n_audio_state"],
        size["n_audio_head"],
        size["n_audio_layer"],
    )
    prefix = "encoder."
    net.load_state_dict(
        {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    )
    return net
