"""The dense face landmark net of MediaPipe's Face Landmarker as a torch module.

Grishchenko et al., "Attention Mesh" (arXiv:2006.10962) and Kartynnik et al., "Real-time Facial Surface
Geometry" (arXiv:1907.06724) describe its family; the layers here were read off the published graph
``face_landmarks_detector.tflite`` (Apache-2.0), which core.faces.convert_landmarker turns into a state dict.
"""

import torch.nn.functional as F
from torch import Tensor, nn

POINTS = 478  # 468 of the mesh, then five of each iris
INPUT = 256  # pixels of the square crop
STAGES = ((16, 8), (32, 16), (64, 32), (128, 64), (128, 64), (128, 64), (128, 64))  # channels, inner ones


class Bottleneck(nn.Module):
    """Narrow, depthwise 3×3, widen, add; ``halve`` shrinks both sides by two on the way."""

    def __init__(self, channels: int, inner: int, out: int, halve: bool = False) -> None:
        super().__init__()
        step = 2 if halve else 1
        self.narrow = nn.Conv2d(channels, inner, step, stride=step)
        self.act = nn.PReLU(inner)
        self.depthwise = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.widen = nn.Conv2d(inner, out, 1)
        self.act_out = nn.PReLU(out)
        self.halve = halve
        self.extra = out - channels

    def forward(self, x: Tensor) -> Tensor:
        """N×channels×H×W to N×out×H'×W'."""
        y = self.widen(self.depthwise(self.act(self.narrow(x))))
        if self.halve:
            x = F.max_pool2d(x, 2)
        if self.extra:
            x = F.pad(x, (0, 0, 0, 0, 0, self.extra))
        out: Tensor = self.act_out(x + y)
        return out


class LandmarkNet(nn.Module):
    """RGB crop to 478 points and the logit that a face is there."""

    def __init__(self) -> None:
        super().__init__()
        first = STAGES[0][0]
        self.stem = nn.Conv2d(3, first, 3, stride=2)
        self.stem_act = nn.PReLU(first)
        blocks: list[nn.Module] = [Bottleneck(first, STAGES[0][1], first) for _ in range(4)]
        before = first
        for channels, inner in STAGES[1:]:
            blocks.append(Bottleneck(before, inner, channels, halve=True))
            blocks += [Bottleneck(channels, inner, channels) for _ in range(4)]
            before = channels
        self.blocks = nn.Sequential(*blocks)
        self.tongue = nn.Conv2d(before, 1, 2)
        self.presence = nn.Conv2d(before, 1, 2)
        self.points = nn.Conv2d(before, POINTS * 3, 2)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Find the points of upright face crops.

        Args:
            crops: N×3×256×256 RGB in 0..1, one face each, about two thirds of the crop wide.

        Returns:
            N×478×3 points (x, y in crop pixels, z in the same unit, smaller is nearer the camera) and
            N presence logits. Differentiable.
        """
        x = self.stem_act(self.stem(F.pad(crops, (0, 1, 0, 1))))
        x = self.blocks(x)
        return self.points(x).reshape(-1, POINTS, 3), self.presence(x).reshape(-1)
