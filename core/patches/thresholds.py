"""What was measured on validation people, beside the code that uses it: ``thresholds.json``.

Written by ``python -m core tune patch-defence`` (``core.training.patch_thresholds``): from which score on a
detector suspects a picture, what clean pictures are like, and which maps show a patch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor

from core.patches.activation import Rule

FILE: Final = Path(__file__).with_name("thresholds.json")
UNIT: Final = 1e-6  # of the densities, which are kept as whole numbers
CLEAR: Final = 1.5  # times the share of an even map, from which on a map shows a patch


@dataclass(frozen=True, slots=True)
class Maps:
    """How one encoder's maps behave on validation people; shares are of the patch's outline, 0..1.

    Attributes:
        rule: the one that showed the generator's patch best.
        clean: mean share of the clean pictures' maps.
        attacked: with the generator's patch.
        random: with random squares.
        area: of an even map.
        sure: the interval of ``attacked - clean``, paired and by person, lies above 0.
    """

    rule: Rule
    clean: float
    attacked: float
    random: float
    area: float
    sure: bool

    @property
    def believable(self) -> bool:
        """Whether the patch draws the map, and clearly more than chance would put there."""
        return self.sure and self.attacked >= CLEAR * self.area

    @property
    def words(self) -> str:
        """For the screen."""
        told = (
            f"On validation people {self.attacked:.0%} of these maps lay in the patch, {self.clean:.0%} in "
            f"the same place without it; an even map would have {self.area:.0%} there."
        )
        return told if self.believable else f"{told} They do not show the patch reliably."


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Thresholds for one kind of pictures.

    Attributes:
        people: validation people, each with one clean probe.
        source: who they are.
        scores: by encoder and detector, the score from which on it suspects.
        usual: by encoder, mean and standard deviation of clean genuine cosines.
        opinions: by encoder, each validation person's genuine cosine in that measure.
        density: by encoder GRID×GRID, where clean activation lies.
    """

    people: int
    source: str
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    usual: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    opinions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    density: Mapping[str, Tensor] = field(default_factory=dict)

    def disagreement(self, encoders: tuple[str, ...], fpr: float) -> float | None:
        """The threshold of the opinions' range for these encoders; None where one was not measured."""
        if len(encoders) < 2 or any(name not in self.opinions for name in encoders):
            return None
        each = np.array([self.opinions[name] for name in encoders])
        return cut(np.ptp(each, axis=0), fpr)


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """All of the file.

    Attributes:
        fpr: share of clean validation pictures that may be suspected.
        command: that wrote the file.
        groups: by kind, "faces" and "persons".
        maps: by encoder.
    """

    fpr: float
    command: str
    groups: Mapping[str, Group]
    maps: Mapping[str, Maps]

    def group_of(self, encoders: tuple[str, ...]) -> Group | None:
        """The group that knows any of these encoders."""
        return next((one for one in self.groups.values() if set(encoders) & set(one.usual)), None)


def cut(clean: np.ndarray[Any, Any], fpr: float) -> float:
    """A threshold from which on at most this share of clean scores is suspected: half-way between the lowest
    of these and the highest of the others, or just above the latter where there is no such gap.
    """
    ranked = np.sort(np.asarray(clean, np.float64))
    over = int(fpr * len(ranked))
    low = float(ranked[len(ranked) - 1 - over])
    high = float(ranked[len(ranked) - over]) if over else low
    return low + (high - low) / 2 if high > low else float(np.nextafter(low, np.inf))


@lru_cache(maxsize=1)
def load() -> Thresholds:
    """What is bundled."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    groups = {
        kind: Group(
            people=one["people"],
            source=one["source"],
            scores=one["scores"],
            usual={name: (mean, spread) for name, (mean, spread) in one["usual"].items()},
            opinions={name: tuple(values) for name, values in one["opinions"].items()},
            density={name: torch.tensor(rows) * UNIT for name, rows in one["density"].items()},
        )
        for kind, one in held["groups"].items()
    }
    maps = {name: Maps(**one | {"rule": cast(Rule, one["rule"])}) for name, one in held["maps"].items()}
    return Thresholds(held["fpr"], held["command"], groups, maps)


def write(found: Thresholds, path: Path = FILE) -> None:
    """Keep what was measured, rounded to what it is worth; without a path the bundled file is renewed."""
    groups = {
        kind: {
            "people": one.people,
            "source": one.source,
            "scores": {
                name: {detector: _above(score) for detector, score in scores.items()}
                for name, scores in one.scores.items()
            },
            "usual": {name: [round(value, 5) for value in pair] for name, pair in one.usual.items()},
            "opinions": {
                name: [round(value, 3) for value in values] for name, values in one.opinions.items()
            },
            "density": {name: (value / UNIT).round().int().tolist() for name, value in one.density.items()},
        }
        for kind, one in found.groups.items()
    }
    maps = {
        name: {
            key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(one).items()
        }
        for name, one in found.maps.items()
    }
    held = {"fpr": found.fpr, "command": found.command, "groups": groups, "maps": maps}
    text = json.dumps(held, separators=(",", ":"))
    path.write_text(text.replace(',"', ',\n"').replace("]],", "]],\n") + "\n", encoding="utf-8")
    load.cache_clear()


def _above(score: float) -> float:
    """Rounded up, so that no clean picture comes to be suspected by rounding."""
    return float(np.ceil(score * 1e5) / 1e5)
