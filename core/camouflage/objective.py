"""What a search lowers: how far recognisers stay above their own acceptance thresholds.

For recogniser k, u_k = mean over photos and conditions of (s_k - tau_k) / sigma_k, where s_k is the
mean cosine between the painted face and the person's clean gallery, tau_k the threshold at the chosen
FAR and sigma_k the spread of impostor scores. Dividing by each one's own spread makes recognisers with
very different cosine scales comparable. The objective is their smooth maximum, so that the recogniser
least impressed counts most, plus penalties for what cannot be worn (our choice, after the aims of
"Adversarial Camouflage", arXiv:2603.21867).
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.camouflage import augment
from core.camouflage.pattern import FACE_WIDTH, MIN_STROKE, Pattern
from core.camouflage.project import Surface
from core.camouflage.render import render
from core.camouflage.stage import Stage
from core.errors import Code, UserError

CHUNK = 16  # images that go through the recognisers together; more at once gain nothing
VIEWS = 32  # slots that are kept prepared


@dataclass(frozen=True, slots=True)
class Standard:
    """How one recogniser's cosines are read.

    Attributes:
        threshold: accept when the cosine is at least this.
        spread: standard deviation of impostor cosines, above 0.
    """

    threshold: float
    spread: float

    def __post_init__(self) -> None:
        if not self.spread > 0:
            raise ValueError("the spread of impostor scores must be above 0")


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One person: the photos that get painted, and what they are compared with.

    Attributes:
        name: for reports.
        surfaces: one for each painted photo, in the canonical frame.
        centers: for each recogniser N×D, the mean of the clean gallery embeddings each photo is
            compared with (its own clean photo is not among them); a dot product with it is the mean
            cosine over the gallery.
    """

    name: str
    surfaces: tuple[Surface, ...]
    centers: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        if not self.surfaces or any(len(center) != len(self.surfaces) for center in self.centers.values()):
            raise ValueError("a subject has at least one surface and one gallery centre for each")


@dataclass(frozen=True, slots=True)
class ObjectiveOptions:
    """Weights of the objective's parts.

    Attributes:
        area_cap: share of the valid region that may be covered, 0.01..1.
        colors: number of colours without a penalty, 1..8.
        worst: 0 takes the plain mean over recognisers, above 0 the smooth maximum whose temperature
            is 1 / worst impostor spreads; 0..10.
        softness: 0 takes each photo's margin as it is; above 0 its softplus with this temperature in
            impostor spreads, so that photos which are rejected already count little; 0..10.
        area_weight: penalty for a whole face above the cap.
        color_weight: penalty for each colour beyond ``colors``.
        stroke_weight: penalty for a stroke thinner than 4 % of the face's width, by the missing share.
        augmentation: conditions to average over; None for the plain photo.
        views: conditions drawn for each photo, 1..16.
        photos: photos in one evaluation, drawn over the people in turn; 0 for all.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    area_cap: float = 0.2
    colors: int = 3
    worst: float = 0.5
    softness: float = 0.0
    area_weight: float = 50.0
    color_weight: float = 0.5
    stroke_weight: float = 2.0
    augmentation: augment.Augmentation | None = field(default_factory=augment.Augmentation)
    views: int = 1
    photos: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("area_cap", 0.01, 1.0),
            ("colors", 1, 8),
            ("worst", 0, 10),
            ("softness", 0, 10),
            ("area_weight", 0, 1e6),
            ("color_weight", 0, 1e6),
            ("stroke_weight", 0, 1e6),
            ("views", 1, 16),
            ("photos", 0, 10_000),
        ):
            if not low <= getattr(self, name) <= high:
                label = name.replace("_", " ")
                raise UserError(
                    Code.OPTION_RANGE, f"The {label} is out of range.", f"Choose it from {low:g} to {high:g}."
                )


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What all candidates of a generation are judged on.

    Attributes:
        picks: (person, photo) of every image slot.
        drawn: the slots' conditions, None for the plain photos.
    """

    picks: tuple[tuple[int, int], ...]
    drawn: augment.Draw | None


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Figures of a population of P patterns.

    Attributes:
        total: P, the objective; lower is better for the wearer.
        margins: P for each recogniser, u_k in impostor spreads above its threshold.
        penalty: P, what area, colours and strokes added to the total.
        areas: P, share of the valid region covered, mean over the photos.
    """

    total: NDArray[np.float64]
    margins: Mapping[str, NDArray[np.float64]]
    penalty: NDArray[np.float64]
    areas: NDArray[np.float64]


class Objective:
    """The objective for given people and recognisers; keeps a clock of where its time goes.

    Attributes:
        forward_seconds: spent inside the recognisers so far.
        total_seconds: spent in evaluations so far, forward passes included.
        images: forward passes of single images through all recognisers so far.
    """

    def __init__(
        self,
        subjects: Sequence[Subject],
        models: Mapping[str, nn.Module],
        standards: Mapping[str, Standard],
        options: ObjectiveOptions | None = None,
    ) -> None:
        if not subjects or not models:
            raise UserError(
                Code.OPTION_RANGE,
                "A search needs at least one photo and one recogniser.",
                "Give a photo and choose a recogniser to optimise on.",
            )
        missing = sorted(set(models) - set(standards))
        if missing:
            raise ValueError(f"no threshold is known for {', '.join(missing)}")
        self.subjects = tuple(subjects)
        self.models = dict(models)
        self.standards = {name: standards[name] for name in models}
        self.options = options or ObjectiveOptions()
        self.forward_seconds = 0.0
        self.total_seconds = 0.0
        self.images = 0
        self._stage = cache(lambda person, photo: Stage(self.subjects[person].surfaces[photo]))
        self._view = lru_cache(maxsize=VIEWS)(self._prepared)

    def conditions(self, seed: int, photos: int | None = None) -> Conditions:
        """Draw photos and conditions; the same seed gives the same ones.

        Args:
            seed: of the draw.
            photos: how many, 0 for all; by default as the options say.
        """
        generator = torch.Generator().manual_seed(seed)
        picks = self._picks(generator, self.options.photos if photos is None else photos)
        if self.options.augmentation is None:
            return Conditions(picks, None)
        picks = tuple(pick for pick in picks for _ in range(self.options.views))
        return Conditions(picks, augment.draw(self.options.augmentation, len(picks), generator))

    def _picks(self, generator: torch.Generator, photos: int) -> tuple[tuple[int, int], ...]:
        counts = [len(subject.surfaces) for subject in self.subjects]
        wanted = min(photos or sum(counts), sum(counts))
        orders = [torch.randperm(count, generator=generator).tolist() for count in counts]
        people = torch.randperm(len(counts), generator=generator).tolist()
        rounds = (
            (person, orders[person][turn])
            for turn in range(max(counts))
            for person in people
            if turn < counts[person]
        )
        return tuple(sorted(pick for pick, _ in zip(rounds, range(wanted), strict=False)))

    def evaluate(self, patterns: Sequence[Pattern], conditions: Conditions) -> Scores:
        """Score a population under the same conditions, each image once through each recogniser."""
        started = time.perf_counter()
        with torch.inference_mode():
            textures = render(patterns)
            margins = {name: torch.zeros(len(patterns)) for name in self.models}
            costs = {name: torch.zeros(len(patterns)) for name in self.models}
            for first in range(0, len(patterns), CHUNK):
                some = slice(first, first + CHUNK)
                for slots, seen in self._seen(textures[some], conditions):
                    for name, part in self._margins(seen, conditions, slots):
                        margins[name][some] += part.sum(1) / len(conditions.picks)
                        costs[name][some] += self._softened(part).sum(1) / len(conditions.picks)
            covered = self._areas(textures, patterns, conditions)
            penalty = self._penalty(patterns, covered)
            total = self._aggregate(torch.stack(list(costs.values()))) + penalty
        self.total_seconds += time.perf_counter() - started
        return Scores(
            total=total.double().numpy(),
            margins={name: value.double().numpy() for name, value in margins.items()},
            penalty=penalty.double().numpy(),
            areas=covered.double().numpy(),
        )

    def gradient(self, pattern: Pattern, conditions: Conditions) -> tuple[Tensor, Tensor]:
        """The objective's slope with respect to the pattern's texture (penalties left out).

        Returns:
            The texture 4×S×S and the gradient 4×S×S. Their products with another texture's difference
            predict to first order how the objective changes, for moves that are not continuous too.
        """
        started = time.perf_counter()
        texture = render([pattern]).requires_grad_()
        # the smooth maximum needs every recogniser's total before its slope is known
        slopes = {name: torch.zeros_like(texture) for name in self.models}
        values = dict.fromkeys(self.models, 0.0)
        with torch.enable_grad():
            for slots, seen in self._seen(texture, conditions):
                images = seen.detach().requires_grad_()
                for name, part in self._margins(images, conditions, slots):
                    cost = self._softened(part).sum() / len(conditions.picks)
                    values[name] += float(cost.detach())
                    before = time.perf_counter()
                    (change,) = torch.autograd.grad(cost, images)
                    self.forward_seconds += time.perf_counter() - before
                    slopes[name] += torch.autograd.grad(seen, texture, change, retain_graph=True)[0]
        weights = self._weights(torch.tensor(list(values.values())))
        slope = sum((w * g for w, g in zip(weights, slopes.values(), strict=True)), torch.zeros(()))
        self.total_seconds += time.perf_counter() - started
        return texture.detach()[0], slope[0]

    def _seen(self, textures: Tensor, conditions: Conditions) -> Iterator[tuple[range, Tensor]]:
        """Some slots after others, and what the P candidates look like there: P×slots×3×H×W."""
        held, painted = None, textures
        step = max(1, CHUNK // len(textures))
        for start in range(0, len(conditions.picks), step):
            slots = range(start, min(start + step, len(conditions.picks)))
            images = []
            for slot in slots:
                pick = conditions.picks[slot]
                stage = self._stage(*pick)
                if pick != held:
                    held, painted = pick, stage.paint(textures)
                plain = conditions.drawn is None
                images.append(stage.whole(painted) if plain else self._view(conditions, slot)(painted))
            yield slots, images[0][:, None] if len(images) == 1 else torch.stack(images, 1)

    def _prepared(self, conditions: Conditions, slot: int) -> augment.View:
        stage = self._stage(*conditions.picks[slot])
        assert conditions.drawn is not None
        return augment.View(stage.background(), stage.places, conditions.drawn, slot)

    def _margins(self, seen: Tensor, conditions: Conditions, slots: range) -> Iterator[tuple[str, Tensor]]:
        """By recogniser, how far the images P×slots×3×H×W are above its threshold: P×slots."""
        population = len(seen)
        flat = seen.flatten(0, 1)
        self.images += len(flat)
        picks = [conditions.picks[slot] for slot in slots]
        for name, model in self.models.items():
            before = time.perf_counter()
            embeddings = model(flat)
            self.forward_seconds += time.perf_counter() - before
            centers = torch.stack([self.subjects[person].centers[name][photo] for person, photo in picks])
            standard = self.standards[name]
            cosines = (embeddings.reshape(population, len(slots), -1) * centers).sum(-1)
            yield name, (cosines - standard.threshold) / standard.spread

    def _softened(self, margins: Tensor) -> Tensor:
        softness = self.options.softness
        return margins if softness == 0 else softness * functional.softplus(margins / softness)

    def _aggregate(self, margins: Tensor) -> Tensor:
        """Models×P -> P: the mean, or the smooth maximum."""
        if self.options.worst == 0:
            return margins.mean(0)
        beta = self.options.worst
        smooth: Tensor = (torch.logsumexp(beta * margins, 0) - math.log(len(margins))) / beta
        return smooth

    def _weights(self, margins: Tensor) -> Tensor:
        """Slope of the aggregate with respect to each recogniser's margin."""
        if self.options.worst == 0:
            return torch.full_like(margins, 1 / len(margins))
        return torch.softmax(self.options.worst * margins, 0)

    def _areas(self, textures: Tensor, patterns: Sequence[Pattern], conditions: Conditions) -> Tensor:
        photos = sorted(set(conditions.picks))[:4]  # the valid regions differ little between photos
        opacity = torch.tensor([pattern.opacity for pattern in patterns])
        return torch.stack([self._stage(*pick).areas(textures, opacity) for pick in photos]).mean(0)

    def _penalty(self, patterns: Sequence[Pattern], covered: Tensor) -> Tensor:
        options = self.options
        colors = torch.tensor([len(pattern.colors) - options.colors for pattern in patterns]).clamp_min(0)
        finest = MIN_STROKE / FACE_WIDTH
        missing = torch.tensor([1 - pattern.stroke / finest for pattern in patterns]).clamp_min(0)
        over = (covered - options.area_cap).clamp_min(0)
        return options.area_weight * over + options.color_weight * colors + options.stroke_weight * missing


def without_augmentation(options: ObjectiveOptions) -> ObjectiveOptions:
    """The same objective on the plain photos."""
    return replace(options, augmentation=None, views=1)
