"""Universal patterns that ship with the app: found once on many people, each with its figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from core.camouflage.pattern import Pattern
from core.settings import settings

FILE = "camouflage_presets.json"


@dataclass(frozen=True, slots=True)
class PresetFigures:
    """What a preset did to one recogniser on people it had never seen.

    Attributes:
        optimised: the preset was searched on this recogniser.
        clean: TAR of clean photos.
        painted: TAR of painted photos.
        random: mean TAR of random patterns of equal area.
        random_low: their 5th percentile.
    """

    optimised: bool
    clean: float
    painted: float
    random: float
    random_low: float


@dataclass(frozen=True, slots=True)
class Preset:
    """A named universal pattern.

    Attributes:
        name: stable identifier.
        title: for people.
        pattern: what to paint.
        area: share of the valid region it covers on the test photos.
        optimised_on: recognisers of its search.
        searched_on: whose photos it was found on, in words.
        tested_on: whose photos the figures come from, in words.
        far: false accept rate of the thresholds.
        detected: share of the painted test photos on which the detector finds the face.
        figures: by recogniser.
        seed: of its search.
    """

    name: str
    title: str
    pattern: Pattern
    area: float
    optimised_on: tuple[str, ...]
    searched_on: str
    tested_on: str
    far: float
    detected: float
    figures: Mapping[str, PresetFigures]
    seed: int

    def sentence(self) -> str:
        """The figures in one sentence."""
        seen = [figure for figure in self.figures.values() if figure.optimised]
        unseen = [figure for figure in self.figures.values() if not figure.optimised]

        def mean(rows: Sequence[PresetFigures], what: str) -> float:
            return sum(float(getattr(row, what)) for row in rows) / len(rows)

        parts = [
            f"{label}: {mean(rows, 'painted'):.0%} (clean {mean(rows, 'clean'):.0%}, random patterns of "
            f"equal area {mean(rows, 'random'):.0%})"
            for label, rows in (("searched", seen), ("never seen", unseen))
            if rows
        ]
        return (
            f"Genuine pairs still accepted at FAR {self.far:.0%} on {self.tested_on}, mean over the "
            f"recognisers {'; '.join(parts)}; {self.area:.0%} of the paintable skin covered."
        )


@lru_cache(maxsize=4)
def load(path: Path | None = None) -> tuple[Preset, ...]:
    """The shipped presets, none where the file is not there; a damaged file is a ValueError."""
    path = path or settings().weights_dir / FILE
    if not path.exists():
        return ()
    body = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_preset(item) for item in body["presets"])


def save(presets: Sequence[Preset], path: Path | None = None) -> None:
    """Write presets; :func:`load` gives equal ones back."""
    items = []
    for preset in presets:
        item = {key: getattr(preset, key) for key in Preset.__slots__}
        item["pattern"] = json.loads(preset.pattern.to_json())
        item["figures"] = {name: asdict(value) for name, value in preset.figures.items()}
        items.append(item)
    path = path or settings().weights_dir / FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"presets": items}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
    load.cache_clear()


def _preset(item: dict[str, object]) -> Preset:
    known = dict(item)
    known["pattern"] = Pattern.from_json(json.dumps(known["pattern"]))
    known["optimised_on"] = tuple(known["optimised_on"])  # type: ignore[arg-type]
    figures = {name: PresetFigures(**value) for name, value in known["figures"].items()}  # type: ignore[attr-defined]
    known["figures"] = MappingProxyType(figures)
    return Preset(**known)  # type: ignore[arg-type]
