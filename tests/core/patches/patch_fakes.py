"""Tiny real victims for the tests of patches: a face recogniser and a person encoder with random weights."""

import numpy as np
import torch
from torch import Tensor, nn

from core.patches.judge import Labelled
from core.patches.victims import FaceVictim, PersonVictim
from core.recognition.base import Card as FaceCard
from core.recognition.base import Recognizer
from core.recognition.crop import Box
from core.reid.base import Card, PersonEncoder


def trunk(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.Tanh(), nn.Conv2d(8, 12, 3, 2, 1), nn.Tanh(), nn.AdaptiveAvgPool2d(4),
        nn.Conv2d(12, 24, 4), nn.Flatten(),
    )  # fmt: skip


def face_victim(name: str = "tiny", seed: int = 0) -> FaceVictim:
    card = FaceCard(
        name, name, 32, 24, Box(0, 0, 224, 224), (0.5,) * 3, 2.0, "rgb", "a test", part=2
    )  # fmt: skip
    return FaceVictim(Recognizer(card, trunk(seed)))


class TinyPerson(PersonEncoder):
    def __init__(self, name: str = "tiny", height: int = 64, width: int = 32, seed: int = 0) -> None:
        super().__init__(Card(name, name, (), height, width, 24, "a test"))
        self.net = trunk(seed)

    def features(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.net(2 * pixels - 1)
        return found

    def maps(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.net[:4](2 * pixels - 1)
        return found


def person_victim(name: str = "tiny", seed: int = 0) -> PersonVictim:
    return PersonVictim(TinyPerson(name, seed=seed))


def people(count: int, each: int, height: int, width: int, seed: int = 0, *, noise: float = 0.03) -> Labelled:
    """People who differ by a smooth picture of their own, in several noisy pictures, one camera each."""
    chance = torch.Generator().manual_seed(seed)
    own = torch.rand(count, 3, 4, 4, generator=chance)
    whole = nn.functional.interpolate(own, (height, width), mode="bilinear").repeat_interleave(each, 0)
    pictures = (whole + noise * torch.randn(whole.shape, generator=chance)).clamp(0, 1)
    names = np.array([f"person-{number}" for number in range(count)]).repeat(each)
    return Labelled(pictures, names, np.array([f"camera-{number % each}" for number in range(count * each)]))
