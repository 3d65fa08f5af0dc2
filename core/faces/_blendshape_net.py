"""MediaPipe's blendshape net as a torch module: 146 landmarks to 52 facial actions.

An MLP-Mixer (Tolstikhin et al., arXiv:2105.01601) over points; the layers were read off the published graph
``face_blendshapes.tflite`` (Apache-2.0), which core.training.convert_face_landmarker turns into a state dict.
"""

import torch
from torch import Tensor, nn

POINTS = 146
ACTIONS = 52
TOKENS, WIDTH = 97, 64


class Mixer(nn.Module):
    """One mixer block: over tokens, then over channels, each behind a scale-only layer norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_tokens = nn.LayerNorm(WIDTH, eps=1e-6, bias=False)
        self.tokens = nn.Sequential(nn.Linear(TOKENS, 384), nn.ReLU(), nn.Linear(384, TOKENS))
        self.norm_channels = nn.LayerNorm(WIDTH, eps=1e-6, bias=False)
        self.channels = nn.Sequential(nn.Linear(WIDTH, 256), nn.ReLU(), nn.Linear(256, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """N×97×64 to the same shape."""
        x = x + self.tokens(self.norm_tokens(x).transpose(1, 2)).transpose(1, 2)
        out: Tensor = x + self.channels(self.norm_channels(x))
        return out


class BlendshapeNet(nn.Module):
    """Landmark positions to the strength of each facial action."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))
        self.points = nn.Linear(POINTS, TOKENS - 1)
        self.coordinates = nn.Linear(2, WIDTH)
        self.summary = nn.Parameter(torch.zeros(WIDTH))
        self.blocks = nn.Sequential(*(Mixer() for _ in range(4)))
        self.head = nn.Linear(WIDTH, ACTIONS)

    def forward(self, points: Tensor) -> Tensor:
        """N×146×2 points in any unit to N×52 strengths in 0..1; shift and scale of the points cancel."""
        centred = points - points.mean(1, keepdim=True)
        x = centred / centred.norm(dim=2).mean(1)[:, None, None] * self.gain
        x = self.coordinates(self.points(x.transpose(1, 2)).transpose(1, 2))
        x = torch.cat([self.summary.expand(len(x), 1, WIDTH), x], 1)
        out: Tensor = self.head(self.blocks(x)[:, 0]).sigmoid()
        return out
