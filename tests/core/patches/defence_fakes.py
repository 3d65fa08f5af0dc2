"""Small real encoders, trained on drawn patterns, and a plain attack: nothing here is a model of a system."""

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 48
SQUARE = slice(16, 32), slice(20, 36)  # rows and columns of the pasted patch


class TinyVictim(nn.Module):
    """Three convolutions and a mean, a victim of drawn patterns of ``SIDE`` pixels."""

    height = width = SIDE

    def __init__(self, seed: int, people: int = 8) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.name = f"tiny-{seed}"
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, 1, 1),
        )  # fmt: skip
        self.head = nn.Linear(32, 16)
        self.classes = nn.Linear(16, people)

    def maps(self, pixels: Tensor) -> Tensor:
        result: Tensor = self.body(pixels - 0.5).relu()
        return result

    def embed(self, pixels: Tensor) -> Tensor:
        return functional.normalize(self.head(self.maps(pixels).mean((2, 3))), dim=1)


def patterns(people: Tensor, seed: int, kinds: int = 8) -> Tensor:
    """N×3×SIDE×SIDE: everybody's own colour of stripes in an own direction, at random places and light."""
    generator = torch.Generator().manual_seed(seed)
    angle = people / kinds * torch.pi
    colour = torch.stack([(people * step % kinds) / (kinds - 1) for step in (1, 3, 5)], 1).float()
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    phase = torch.rand(len(people), generator=generator) * 6.28
    along = x[None] * angle.cos()[:, None, None] + y[None] * angle.sin()[:, None, None]
    wave = (along * 0.7 + phase[:, None, None]).sin() * 0.5 + 0.5
    light = 0.8 + 0.2 * torch.rand(len(people), 1, 1, 1, generator=generator)
    noise = 0.03 * torch.randn(len(people), 3, SIDE, SIDE, generator=generator)
    mixed = wave[:, None] * colour[:, :, None, None] + (1 - wave[:, None]) * 0.4
    return (mixed * light + noise).clamp(0, 1)


@functools.cache
def victim(seed: int) -> TinyVictim:
    """A trained one, the same for the same seed."""
    net = TinyVictim(seed)
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(120):
        people = torch.arange(32) % 8
        logits = net.classes(net.embed(patterns(people, 1000 * seed + step)) * 10)
        loss = functional.cross_entropy(logits, people)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


def square(height: int = SIDE, width: int = SIDE, where: tuple[slice, slice] = SQUARE) -> Tensor:
    """1×1×H×W mask of the patch."""
    mask = torch.zeros(1, 1, height, width)
    mask[:, :, where[0], where[1]] = 1
    return mask


def attack(victims, pictures, references, mask, steps=25, rate=0.1, penalty=None, seed=0):
    """A square of free pixels, by signed gradient steps away from the references; pictures with patches."""
    generator = torch.Generator().manual_seed(seed)
    patch = torch.rand(pictures.shape, generator=generator).requires_grad_()
    for _ in range(steps):
        attacked = pictures * (1 - mask) + patch * mask
        loss = sum((each.embed(attacked) * references[each.name]).sum() for each in victims)
        if penalty is not None:
            loss = loss + penalty(attacked)
        (gradient,) = torch.autograd.grad(loss, patch)
        with torch.no_grad():
            patch -= rate * gradient.sign()
            patch.clamp_(0, 1)
    return (pictures * (1 - mask) + patch * mask).detach()
