"""One person's photos measured once, so that any number of patterns can be judged quickly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core import recognition, weights
from core.camouflage.evaluate import Evaluator, Genuine, Portrait, embed, look
from core.camouflage.figures import ModelFigures, figures
from core.camouflage.objective import Standard, Subject
from core.camouflage.pattern import Pattern
from core.camouflage.project import Painted, Surface, apply, paint_surface
from core.camouflage.render import render
from core.camouflage.subjects import subjects
from core.camouflage.verdict import Verdict, verdict
from core.errors import Code, UserError
from core.faces import skin
from core.recognition import thresholds
from core.types import Pixels

PERSON = "you"


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A pattern on a person's photos.

    Attributes:
        pattern: what is painted.
        painted: the judged photos with it, uint8 RGB.
        figures: of every recogniser, those it was optimised on first.
        detected: for each photo, the detector still finds the face.
        area: share of the valid region covered, mean over the photos.
        verdict: the result in words.
    """

    pattern: Pattern
    painted: tuple[Pixels, ...]
    figures: tuple[ModelFigures, ...]
    detected: tuple[bool, ...]
    area: float
    verdict: Verdict


class Session:
    """Photos of one person, with surfaces, clean embeddings and thresholds kept.

    Attributes:
        portraits: the photos that a search may use.
        tested: photos that only judge; without them the first ones judge too.
        far: false accept rate of the thresholds.
    """

    def __init__(
        self, portraits: Sequence[Portrait], tested: Sequence[Portrait] = (), far: float = 0.01
    ) -> None:
        if not portraits:
            raise UserError(Code.NO_FACE, "There is no photo to paint.", "Give at least one photo of a face.")
        self.portraits = tuple(_renamed(portraits))
        self.tested = tuple(_renamed(tested))
        self.far = far
        self._surfaces: dict[int, Surface] = {}
        self._canonical: dict[int, Surface] = {}
        self._clean: dict[str, Tensor] = {}
        self._evaluators: dict[tuple[str, ...], Evaluator] = {}

    @property
    def photos(self) -> tuple[Portrait, ...]:
        """All photos, those of the search first."""
        return self.portraits + self.tested

    @property
    def probes(self) -> tuple[int, ...]:
        """Which of :attr:`photos` judge: the tested ones, or all when there are none."""
        count = len(self.portraits)
        return tuple(range(count, count + len(self.tested))) if self.tested else tuple(range(count))

    def evaluator(self, names: Sequence[str]) -> Evaluator:
        """All photos with these recognisers; clean embeddings are computed once for each set."""
        key = tuple(names)
        if key not in self._evaluators:
            self._evaluators[key] = Evaluator(self.photos, models(key), known=self._clean)
            self._clean.update(self._evaluators[key].clean)
        return self._evaluators[key]

    def subjects(self, names: Sequence[str]) -> tuple[Subject, ...]:
        """What a search with these recognisers optimises on: only :attr:`portraits`."""
        return subjects(self.portraits, models(names))

    def judge(
        self,
        pattern: Pattern,
        names: Sequence[str],
        optimised: Sequence[str] = (),
        randoms: Sequence[Pattern] = (),
        probes: Sequence[int] | None = None,
        tick: Callable[[float], None] = lambda done: None,
    ) -> Judgement:
        """Paint, find the face again, compare with the person's clean photos.

        Args:
            pattern: what to paint.
            names: recognisers that judge.
            optimised: those among them that the pattern was found with.
            randoms: the control. Its photos keep the clean alignment, which spares a detection for
                each; the painted photos of ``pattern`` itself go through the whole pipeline.
            probes: indices of :attr:`photos` that are painted, by default :attr:`probes`; a live
                preview takes only the first.
            tick: told the share of the work that is done.
        """
        evaluator = self.evaluator(names)
        chosen = tuple(self.probes if probes is None else probes)
        painted = [self.painted(pattern, index) for index in chosen]
        sight = look([one.pixels for one in painted], [self.photos[index].face for index in chosen])
        scores = evaluator.genuine(embed(evaluator.models, sight.aligned), chosen)
        clean = evaluator.genuine({n: rows[list(chosen)] for n, rows in evaluator.clean.items()}, chosen)
        control = []
        for turn, one in enumerate(randoms):
            tick(turn / len(randoms))
            control.append(self._random(evaluator, one, chosen))
        taus = {name: one.threshold for name, one in standards(names, self.far).items()}
        found = figures(clean, scores, taus, titles(), optimised, self.far, control)
        detected = tuple(bool(one) for one in sight.detected)
        words = verdict(
            found,
            detected=sum(detected) / len(detected),
            photos=len(chosen),
            self_compared=bool(evaluator.self_compared),
        )
        area = sum(one.area for one in painted) / len(painted)
        return Judgement(pattern, tuple(one.pixels for one in painted), found, detected, area, words)

    def painted(self, pattern: Pattern, index: int = 0) -> Painted:
        """One of :attr:`photos` with a pattern, at its own resolution."""
        return paint_surface(self._surface(index), pattern)

    def _random(self, evaluator: Evaluator, pattern: Pattern, chosen: Sequence[int]) -> Genuine:
        with torch.inference_mode():
            texture = render([pattern])
            images = torch.cat([apply(self._face(index), texture) for index in chosen])
        return evaluator.genuine(embed(evaluator.models, images), chosen)

    def _surface(self, index: int) -> Surface:
        if index not in self._surfaces:
            portrait = self.photos[index]
            self._surfaces[index] = Surface.photo(portrait.pixels, portrait.face)
        return self._surfaces[index]

    def _face(self, index: int) -> Surface:
        if index not in self._canonical:
            portrait = self.photos[index]
            self._canonical[index] = Surface.canonical(portrait.pixels, portrait.face)
        return self._canonical[index]


def models(names: Sequence[str]) -> dict[str, nn.Module]:
    """The recognisers by name, loaded when needed."""
    return {name: recognition.load(name) for name in names}


def usable() -> tuple[str, ...]:
    """Recognisers whose weights are here and whose thresholds are known."""
    known = thresholds.load()
    return tuple(one.name for one in recognition.available() if one.present and one.name in known)


def hashes(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What a result rests on: model -> file -> SHA-256, of recognisers and of what found face and skin."""
    used = (*names, "yunet", "face-landmarker", *(("face-parser",) if skin.parser() else ()))
    return {name: {file.path: file.sha256 for file in weights.entry(name).files} for name in used}


def titles() -> dict[str, str]:
    """The recognisers' names for people, as the manifest has them."""
    return {name: weights.entry(name).title for name in recognition.cards}


def standards(names: Sequence[str], far: float) -> dict[str, Standard]:
    """How the cosines of these recognisers are read at a false accept rate.

    Raises:
        UserError: ``OPTION_RANGE`` for a recogniser without measured thresholds.
    """
    known = thresholds.load()
    for name in names:
        if name not in known:
            raise UserError(
                Code.OPTION_RANGE, f"No threshold was measured for {name}.", "Choose another recogniser."
            )
    return {name: Standard(known[name].far[far], known[name].impostor_std) for name in names}


def _renamed(portraits: Sequence[Portrait]) -> list[Portrait]:
    return [Portrait(PERSON, portrait.pixels, portrait.face) for portrait in portraits]
