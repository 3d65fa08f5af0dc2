"""Two people's poses as features of a frame, and their fusion with the picture's (violence, ABAW-10).

The published branch has 406 features a frame: coordinates, their velocities and ten distances between the
people (arXiv 2603.12693). Which ten is not said; ours are below.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from core.abaw.violence import WIDTH

PEOPLE, JOINTS, COORDINATES = 2, 33, 3
PAIRS = (
    (0, 0), (15, 0), (16, 0), (0, 15), (0, 16), (15, 11), (16, 12), (11, 15), (12, 16), (27, 27),
)  # fmt: skip
"""Our choice, joints of MediaPipe Pose (first person, second person): nose to nose, each one's wrists
(15, 16) to the other's nose and same-side shoulder (11, 12), left ankle to left ankle."""
POSE = PEOPLE * JOINTS * COORDINATES
FEATURES = 2 * POSE + len(PAIRS)


def skeleton_features(poses: Tensor) -> Tensor:
    """Features of each frame: 198 coordinates, 198 velocities, 10 distances.

    Args:
        poses: T×2×33×3: person, joint, (x, y, z); a person who is not there is zero.

    Returns:
        T×406: coordinates with the person slowest and the coordinate fastest; the difference to the frame
        before, zero in the first one, in the same order; distances of ``PAIRS``, zero where one is missing.
        A person who appears or vanishes has no velocity in that frame (our choice: it is no movement).
    """
    there = poses.flatten(2).abs().sum(2) > 0
    velocity = torch.zeros_like(poses)
    both = there[1:] & there[:-1]
    velocity[1:] = (poses[1:] - poses[:-1]) * both[:, :, None, None]
    first, second = (poses[:, person, [pair[person] for pair in PAIRS]] for person in range(PEOPLE))
    distances = (first - second).norm(dim=2) * there.all(1, keepdim=True)
    return torch.cat([poses.flatten(1), velocity.flatten(1), distances], 1)


class SkeletonFusion(nn.Module):
    """Picture features and skeletons to one sequence, for a :mod:`core.abaw.violence` network after it.

    ``gated`` mixes both with a gate in 0..1 a channel; ``attention`` lets the picture ask the skeletons of
    all frames and adds the answer.
    """

    def __init__(
        self, dim: int, width: int = WIDTH, kind: Literal["gated", "attention"] = "gated", heads: int = 4
    ) -> None:
        super().__init__()
        self.kind = kind
        self.picture = nn.Linear(dim, width)
        self.skeleton = nn.Sequential(nn.LayerNorm(FEATURES), nn.Linear(FEATURES, width), nn.ReLU())
        if kind == "gated":
            self.gate = nn.Sequential(nn.Linear(2 * width, width), nn.Sigmoid())
        else:
            self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
            self.norm = nn.LayerNorm(width)

    def forward(self, features: Tensor, skeletons: Tensor) -> Tensor:
        """N×T×dim and N×T×406 to N×T×width."""
        picture, skeleton = self.picture(features), self.skeleton(skeletons)
        if self.kind == "gated":
            share = self.gate(torch.cat([picture, skeleton], 2))
            return torch.as_tensor(share * picture + (1 - share) * skeleton)
        answer, _ = self.attention(picture, skeleton, skeleton, need_weights=False)
        return torch.as_tensor(self.norm(picture + answer))
