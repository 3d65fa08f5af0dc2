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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from core.camouflage import augment
from core.camouflage.pattern import FACE_WIDTH, MIN_STROKE, Pattern
from core.camouflage.project import Surface, apply, area
from core.camouflage.render import render
from core.errors import Code, UserError

CHUNK = 48  # images in one forward pass


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
            for slots in self._chunks(conditions, len(patterns)):
                seen = self._seen(textures, conditions, slots)
                for name, part in self._margins(seen, conditions, slots).items():
                    margins[name] += part.sum(1) / len(conditions.picks)
                    costs[name] += self._softened(part).sum(1) / len(conditions.picks)
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
        # two passes, since the smooth maximum needs every recogniser's total before its slope is known
        slopes = {}
        values = dict.fromkeys(self.models, 0.0)
        for name in self.models:
            gradient = torch.zeros_like(texture)
            for slots in self._chunks(conditions, 1, CHUNK // 4):
                with torch.enable_grad():
                    seen = self._seen(texture, conditions, slots)
                    part = self._softened(self._margins(seen, conditions, slots, only=name)[name])
                    part = part.sum() / len(conditions.picks)
                before = time.perf_counter()
                gradient += torch.autograd.grad(part, texture)[0]
                self.forward_seconds += time.perf_counter() - before
                values[name] += float(part.detach())
            slopes[name] = gradient[0]
        weights = self._weights(torch.tensor(list(values.values())))
        slope = sum((w * g for w, g in zip(weights, slopes.values(), strict=True)), torch.zeros(()))
        self.total_seconds += time.perf_counter() - started
        return texture.detach()[0], slope

    def _chunks(self, conditions: Conditions, population: int, size: int = CHUNK) -> Iterator[range]:
        step = max(1, size // max(population, 1))
        for start in range(0, len(conditions.picks), step):
            yield range(start, min(start + step, len(conditions.picks)))

    def _seen(self, textures: Tensor, conditions: Conditions, slots: range) -> Tensor:
        painted = []
        previous: tuple[tuple[int, int], Tensor] | None = None
        for slot in slots:
            person, photo = conditions.picks[slot]
            if previous is None or previous[0] != (person, photo):
                previous = (person, photo), apply(self.subjects[person].surfaces[photo], textures)
            painted.append(previous[1])
        images = torch.stack(painted, 1)
        if conditions.drawn is None:
            return images
        return augment.apply(images, conditions.drawn.take(slots))

    def _margins(
        self, seen: Tensor, conditions: Conditions, slots: range, only: str | None = None
    ) -> dict[str, Tensor]:
        population = len(seen)
        flat = seen.reshape(-1, *seen.shape[2:])
        self.images += len(flat)
        margins = {}
        for name, model in self.models.items():
            if only is not None and name != only:
                continue
            before = time.perf_counter()
            embeddings = model(flat).reshape(population, len(slots), -1)
            self.forward_seconds += time.perf_counter() - before
            centers = torch.stack(
                [self.subjects[p].centers[name][i] for p, i in (conditions.picks[slot] for slot in slots)]
            )
            standard = self.standards[name]
            cosines = (embeddings * centers).sum(-1)
            margins[name] = (cosines - standard.threshold) / standard.spread
        return margins

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
        return torch.stack([area(self.subjects[p].surfaces[i], textures, opacity) for p, i in photos]).mean(0)

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
