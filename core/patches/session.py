"""One probe, a gallery and the encoders that judge: what the tab and programs ask of the system.

The attacker knows the probe, pictures of the target that are not judged with, and the encoders that may be
looked at. The gallery and all other encoders only judge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import recognition, reid
from core.errors import Code, UserError
from core.metrics import verification
from core.patches import apply, victims
from core.patches.base import Victim
from core.patches.makers import Budget, Gallery, Made, Maker, Task, make
from core.patches.slots import Slot
from core.recognition import thresholds
from core.reid import pedestrians
from core.reid.protocol import as_input
from core.types import Pixels

FAR: Final = 0.01
TOP: Final = 10  # hits of a gallery that are shown
# Strangers for the thresholds of person encoders: drawn people of the town that chose their training's epoch.
TOWN, STRANGERS, CAMERAS = 1, 40, 2


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Clean pictures of a gallery; what encoders say of them is kept with it.

    Attributes:
        pictures: G×3×H×W RGB in 0..1.
        identities: G.
        vectors: G×D unit vectors by encoder, of those that were asked.
    """

    pictures: Tensor
    identities: NDArray[np.str_]
    vectors: dict[str, Tensor] = field(default_factory=dict)

    def seen_by(self, victim: Victim) -> Tensor:
        """G×D unit vectors."""
        if victim.name not in self.vectors:
            self.vectors[victim.name] = victims.embed([victim], self.pictures)[victim.name]
        return self.vectors[victim.name]


@dataclass(frozen=True, slots=True)
class Scale:
    """How an encoder's cosines are read.

    Attributes:
        threshold: accepted from here, at a false accept rate of :data:`FAR`.
        stranger: mean cosine of two people.
        same: mean cosine of two pictures of one person.
        far: the rate that the threshold was read off at.
    """

    threshold: float
    stranger: float
    same: float
    far: float = FAR


@dataclass(frozen=True, slots=True)
class Figure:
    """What one encoder says; cosines are means over the pictures compared with.

    Attributes:
        name, title: of the encoder.
        seen: its gradients may be used.
        own: to the person's own pictures, clean and with the patch.
        target: to the target's, or None without a target.
        scale: how to read them.
    """

    name: str
    title: str
    seen: bool
    own: tuple[float, float]
    target: tuple[float, float] | None
    scale: Scale

    @property
    def hidden(self) -> bool:
        """The person was accepted as themselves and no longer is."""
        return self.own[0] >= self.scale.threshold > self.own[1]

    @property
    def taken(self) -> bool:
        """The person was not accepted as the target and now is."""
        return self.target is not None and self.target[0] < self.scale.threshold <= self.target[1]


@dataclass(frozen=True, slots=True)
class Hit:
    """One place of a ranking.

    Attributes:
        row: of the gallery.
        identity: who it shows.
        score: mean cosine of the encoders that rank.
    """

    row: int
    identity: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a patch does.

    Attributes:
        worn: 3×H×W, the probe with the patch.
        mask: H×W in 0..1, what it covers.
        figures: one an encoder, those that may be looked at first.
        before, after: the gallery's best, by the mean cosine of the encoders that may be looked at.
        rank: place of the person's first picture in the gallery, clean and with the patch, from 1.
        target_rank: the same of the target's first, or None.
    """

    worn: Tensor
    mask: Tensor
    figures: tuple[Figure, ...]
    before: tuple[Hit, ...]
    after: tuple[Hit, ...]
    rank: tuple[int, int]
    target_rank: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Who the probe is to be taken for.

    Attributes:
        identity: in the gallery, where the pictures are that judge.
        lent: K×3×H×W clean pictures that the attacker has; the generator sees the first.
    """

    identity: str
    lent: Tensor


class Session:
    """A probe among a gallery.

    Args:
        kind: "faces" or "persons".
        probe: 3×H×W RGB in 0..1.
        identity: whose it is; the gallery has clean pictures of them.
        gallery: blocks of clean pictures; encoders that are not looked at see only those blocks in which the
            person or the target is.
        seen: encoders that may be looked at (white box).
        unseen: others.
        target: for impersonation.

    Raises:
        ValueError: the gallery has no picture of the person or of the target.
    """

    def __init__(
        self,
        kind: str,
        probe: Tensor,
        identity: str,
        gallery: Sequence[Block],
        seen: Sequence[Victim],
        unseen: Sequence[Victim] = (),
        target: Target | None = None,
    ) -> None:
        self.kind, self.probe, self.identity, self.target = kind, probe, identity, target
        self.gallery, self.seen, self.unseen = tuple(gallery), tuple(seen), tuple(unseen)
        self.names = np.concatenate([block.identities for block in gallery])
        wanted = {identity} if target is None else {identity, target.identity}
        if not wanted <= set(self.names.tolist()):
            raise ValueError("the gallery has no picture of the person or of the target")
        self._clean: dict[str, NDArray[np.float64]] = {}

    def make(
        self,
        maker: Maker,
        slot: Slot,
        seed: int = 0,
        budget: Budget | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Made:
        """One patch for the probe, with what it cost; an iterative maker ends early once it is stopped."""
        source, target = self._known
        task = Task(self.probe, source, target, slot, self.seen, seed, budget or Budget(), stopped)
        return make(maker, task)

    @cached_property
    def _known(self) -> tuple[Gallery, Gallery | None]:
        """What the attacker has of the person and of the target, embedded once for all ways."""
        target = None if self.target is None else Gallery.of(self.target.lent, self.seen)
        return Gallery.of(self.probe[None], self.seen), target

    def judge_clean(self) -> None:
        """Let every encoder look at the gallery and the clean probe, so that later answers come at once."""
        for victim in (*self.seen, *self.unseen):
            self._against(victim, self.probe)

    def judge(self, patch: Tensor, slot: Slot, opacity: float = 1.0) -> Judgement:
        """What all encoders say of the probe with a patch that sits still.

        Args:
            patch: 3×h×w in 0..1.
            slot: the place, in pictures of the probe's size.
            opacity: 0..1.
        """
        with torch.no_grad():
            pasted = apply.paste(self.probe[None], patch[None], slot, opacity=opacity)
        scores = {
            victim.name: (self._against(victim, self.probe), self._against(victim, pasted.pictures[0]))
            for victim in (*self.seen, *self.unseen)
        }
        mean = [np.mean([scores[one.name][side] for one in self.seen], axis=0) for side in (0, 1)]
        orders = [np.argsort(-side, kind="stable") for side in mean]
        before, after = (
            tuple(Hit(int(row), str(self.names[row]), float(side[row])) for row in order[:TOP])
            for side, order in zip(mean, orders, strict=True)
        )
        places = [self._place(orders, self.identity)]
        if self.target is not None:
            places.append(self._place(orders, self.target.identity))
        return Judgement(
            pasted.pictures[0],
            pasted.mask[0, 0],
            tuple(self._figure(victim, *scores[victim.name]) for victim in (*self.seen, *self.unseen)),
            before,
            after,
            places[0],
            places[1] if len(places) > 1 else None,
        )

    @property
    def claim(self) -> str:
        """Who an operator is told that the picture shows: the target, or the person where there is none."""
        return self.identity if self.target is None else self.target.identity

    def claimed(self, victim: Victim) -> Tensor:
        """K×D unit vectors of the claimed person's pictures in the gallery, as an encoder sees them."""
        parts = [
            block.seen_by(victim)[torch.from_numpy(block.identities == self.claim)]
            for block in self.gallery
            if (block.identities == self.claim).any()
        ]
        return torch.cat(parts)

    def picture(self, row: int) -> Pixels:
        """A picture of the gallery, H×W×3 uint8 RGB."""
        for block in self.gallery:
            if row < len(block.pictures):
                return pixels(block.pictures[row])
            row -= len(block.pictures)
        raise IndexError(row)

    def _against(self, victim: Victim, picture: Tensor) -> NDArray[np.float64]:
        """G cosines to the gallery, nan where nobody asks; those of the clean probe are kept."""
        if picture is self.probe and victim.name in self._clean:
            return self._clean[victim.name]
        vector = victims.embed([victim], picture[None])[victim.name][0]
        parts = []
        for block in self.gallery:
            if victim in self.seen or self._matters(block):
                parts.append((block.seen_by(victim) @ vector).double().numpy())
            else:  # its gallery is not ranked
                parts.append(np.full(len(block.pictures), np.nan))
        found = np.concatenate(parts)
        if picture is self.probe:
            self._clean[victim.name] = found
        return np.asarray(found)

    def _matters(self, block: Block) -> bool:
        """Whether the person or the target is in it."""
        wanted = {self.identity} if self.target is None else {self.identity, self.target.identity}
        return bool(wanted & set(block.identities.tolist()))

    def _figure(self, victim: Victim, clean: NDArray[np.float64], worn: NDArray[np.float64]) -> Figure:
        own = self.names == self.identity
        target = None
        if self.target is not None:
            theirs = self.names == self.target.identity
            target = float(clean[theirs].mean()), float(worn[theirs].mean())
        return Figure(
            victim.name,
            title(self.kind, victim.name),
            any(victim.name == one.name for one in self.seen),
            (float(clean[own].mean()), float(worn[own].mean())),
            target,
            scale(self.kind, victim),
        )

    def _place(self, orders: Sequence[NDArray[Any]], who: str) -> tuple[int, int]:
        first, second = (int(np.flatnonzero(self.names[order] == who)[0]) + 1 for order in orders)
        return first, second


def pixels(picture: Tensor) -> Pixels:
    """3×H×W in 0..1 -> H×W×3 uint8."""
    return np.asarray(picture.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy())


def tensor(picture: Pixels) -> Tensor:
    """H×W×3 uint8 -> 3×H×W float32 in 0..1."""
    return as_input(np.ascontiguousarray(picture)[None])[0]


def title(kind: str, name: str) -> str:
    """An encoder's name for people."""
    cards = recognition.cards if kind == "faces" else reid.cards
    return cards[name].title if name in cards else name


def scale(kind: str, victim: Victim) -> Scale:
    """How an encoder's cosines are read: of faces from the measured thresholds, of persons from drawn ones.

    Raises:
        UserError: ``WEIGHTS_MISSING``: a recogniser whose threshold was never measured.
    """
    if kind != "faces":
        return _drawn_scale(victim)  # type: ignore[arg-type]  # victims are hashed by identity
    known = thresholds.load().get(victim.name)
    if known is None:
        raise UserError(
            Code.WEIGHTS_MISSING,
            f"No threshold of {victim.name} is known.",
            "Measure it with: python -m benchmarks.recognition --write.",
        )
    return Scale(known.far[FAR], known.impostor_mean, known.genuine_mean)


@lru_cache(maxsize=8)
def _drawn_scale(victim: Victim) -> Scale:
    """From drawn strangers, each seen by other cameras."""
    rows = np.array([(person, camera, 0) for camera in range(CAMERAS) for person in range(STRANGERS)])
    pictures = as_input(pedestrians.batch(TOWN, rows))
    vectors = victims.embed([victim], pictures)[victim.name]
    cosines = (vectors[:STRANGERS] @ vectors[STRANGERS:].T).double().numpy()
    same = np.eye(STRANGERS, dtype=bool)
    point = verification.at_far(cosines[same], cosines[~same], FAR)
    return Scale(point.threshold, float(cosines[~same].mean()), float(cosines[same].mean()))
