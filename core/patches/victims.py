"""Recognisers of faces and encoders of people as victims, and several of them as one ensemble."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn

from core import recognition
from core.faces.align import CANONICAL_SIZE
from core.patches.base import Victim
from core.recognition import Recognizer
from core.reid import base as reid
from core.reid.base import PersonEncoder

BATCH = 16  # pictures that go through a victim together where no gradient is wanted
PLACES = 3  # a map with fewer places a side shows nothing


class FaceVictim:
    """A face recogniser; its pictures are aligned faces in the canonical frame (``core.faces.align``).

    Args:
        model: frozen; its parameters get no gradients.
    """

    height = width = CANONICAL_SIZE

    def __init__(self, model: Recognizer) -> None:
        self.model = model.eval().requires_grad_(False)
        self.name = model.name

    def embed(self, pixels: Tensor) -> Tensor:
        """N×3×224×224 RGB in 0..1 -> N×D unit vectors."""
        vectors: Tensor = self.model(pixels)
        return vectors

    def maps(self, pixels: Tensor) -> Tensor:
        """Of the card's layer, or of the last convolution that keeps places; N×C×h×w, differentiable."""
        return torch.cat(self.look(pixels)[1])

    def look(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embeddings and maps of one pass, in one graph.

        Args:
            pixels: N×3×224×224 RGB in 0..1.

        Returns:
            N×D unit vectors; the maps, one tensor for each part in which the recogniser takes the batch.
        """
        seen: list[Tensor] = []
        mine = threading.get_ident()  # a hook sees the passes of every caller

        def note(_: nn.Module, __: object, output: Tensor) -> None:
            if threading.get_ident() == mine:
                seen.append(output)

        hook = self._layer.register_forward_hook(note)
        try:
            vectors: Tensor = self.model(pixels)
        finally:
            hook.remove()
        return vectors, seen

    @cached_property
    def _layer(self) -> nn.Module:
        """The card's layer; without one the last convolution with at least ``PLACES`` places a side."""
        if self.model.card.layer:
            return self.model.net.get_submodule(self.model.card.layer)
        passed: list[nn.Module] = []
        mine = threading.get_ident()

        def note(layer: nn.Module, _: object, output: Tensor) -> None:
            if threading.get_ident() == mine and min(output.shape[2:]) >= PLACES:
                passed.append(layer)

        convolutions = [layer for layer in self.model.net.modules() if isinstance(layer, nn.Conv2d)]
        hooks = [layer.register_forward_hook(note) for layer in convolutions]
        try:
            with torch.no_grad():
                self.model(next(iter(self.model.buffers())).new_zeros(1, 3, self.height, self.width))
        finally:
            for hook in hooks:
                hook.remove()
        if not passed:
            raise ValueError(f"{self.name} has no convolution that keeps places")
        return passed[-1]


class PersonVictim:
    """An encoder of whole people.

    Args:
        model: frozen; its parameters get no gradients.
    """

    def __init__(self, model: PersonEncoder) -> None:
        self.model = model.eval().requires_grad_(False)
        self.name = model.card.name
        self.height, self.width = model.card.height, model.card.width

    def embed(self, pixels: Tensor) -> Tensor:
        """N×3×height×width RGB in 0..1 -> N×D unit vectors."""
        vectors: Tensor = self.model(pixels)
        return vectors

    def maps(self, pixels: Tensor) -> Tensor:
        """The encoder's last feature map, N×C×h×w."""
        return self.model.maps(pixels)


def face(name: str) -> FaceVictim:
    """The recogniser called ``name``, shared by the whole process.

    Raises:
        UserError: an unknown name, or weights that cannot be had.
    """
    return FaceVictim(recognition.load(name))


def person(name: str) -> PersonVictim:
    """The person encoder called ``name``; errors as :func:`face`."""
    return PersonVictim(reid.load(name))


KINDS: Mapping[str, Callable[[str], Victim]] = {"faces": face, "persons": person}


def embed(victims: Sequence[Victim], pixels: Tensor) -> dict[str, Tensor]:
    """Embed pictures with several victims, in batches and without gradients.

    Args:
        victims: each with a name of its own.
        pixels: N×3×height×width RGB in 0..1, N may not be 0.

    Returns:
        N×D unit vectors by the victim's name.
    """
    with torch.no_grad():  # not inference mode: galleries are kept and meet gradients later
        parts = torch.split(pixels, BATCH)
        return {victim.name: torch.cat([victim.embed(part) for part in parts]) for victim in victims}


def length(victims: Sequence[Victim]) -> int:
    """Numbers in the vectors of all of them together."""
    with torch.no_grad():
        return sum(one.embed(torch.zeros(1, 3, one.height, one.width)).shape[1] for one in victims)


def move(victims: Sequence[Victim], device: torch.device) -> None:
    """Bring victims to a device, where they stay for the whole process (training only)."""
    for victim in victims:
        if isinstance(victim, FaceVictim | PersonVictim):
            victim.model.to(device)


def similarity(vectors: Mapping[str, Tensor], galleries: Mapping[str, Tensor]) -> Tensor:
    """What an ensemble says of N probes and G gallery entries: the mean of its members' cosines, N×G.

    Args:
        vectors: N×D unit vectors by victim.
        galleries: G×D unit vectors of the same victims.
    """
    return torch.stack([vectors[name] @ galleries[name].T for name in vectors]).mean(0)


class Counted:
    """A victim that counts the pictures that went through it.

    Attributes:
        pictures: so far, with and without gradients.
    """

    def __init__(self, victim: Victim) -> None:
        self.victim = victim
        self.name, self.height, self.width = victim.name, victim.height, victim.width
        self.pictures = 0

    def embed(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        self.pictures += len(pixels)
        return self.victim.embed(pixels)

    def maps(self, pixels: Tensor) -> Tensor:
        """As the victim does."""
        self.pictures += len(pixels)
        return self.victim.maps(pixels)
