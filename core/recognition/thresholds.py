"""Where each recogniser's "same person" begins, measured once and kept in weights/thresholds.json.

The file is made by ``python -m benchmarks.recognition --write``; it states the pairs it rests on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from core.settings import settings

FILE = "thresholds.json"
TARGETS = (0.01, 0.001)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A recogniser's acceptance thresholds and the score distributions behind them, in cosine.

    Attributes:
        far: false accept rate -> threshold; a pair is accepted when its cosine is at least that.
        impostor_mean: mean cosine of two people.
        impostor_std: its standard deviation.
        genuine_mean: mean cosine of two photos of one person.
        impostor_pairs: how many pairs of two people were compared.
        genuine_pairs: how many pairs of one person.
        source: what photos, in words.
    """

    far: Mapping[float, float]
    impostor_mean: float
    impostor_std: float
    genuine_mean: float
    impostor_pairs: int
    genuine_pairs: int
    source: str

    def __post_init__(self) -> None:
        for target, threshold in self.far.items():
            if not 0 < target < 1 or not -1 <= threshold <= 1:
                raise ValueError("a FAR lies in 0..1 and a cosine in -1..1")
            if target * self.impostor_pairs < 10:
                raise ValueError(f"too few impostor pairs for a FAR of {target}")
        if self.impostor_std <= 0:
            raise ValueError("impostor scores must spread")


def load() -> Mapping[str, Thresholds]:
    """Thresholds of every measured recogniser, by name.

    Returns:
        Read-only; members of the registry that were never measured are absent.

    Raises:
        ValueError: a file whose figures cannot be.
    """
    return _load(settings().weights_dir / FILE)


@lru_cache(maxsize=2)
def _load(path: Path) -> Mapping[str, Thresholds]:
    rows = json.loads(path.read_text(encoding="utf-8"))["recognisers"]
    return MappingProxyType({name: _read(row) for name, row in rows.items()})


def _read(row: dict[str, object]) -> Thresholds:
    far = row["far"]
    if not isinstance(far, dict):
        raise ValueError("the thresholds lack their false accept rates")
    values = {key: row[key] for key in Thresholds.__dataclass_fields__ if key != "far"}
    return Thresholds(
        far=MappingProxyType({float(target): float(threshold) for target, threshold in far.items()}),
        **values,  # type: ignore[arg-type]
    )


def save(path: Path, command: str, found: Mapping[str, Thresholds], boxes: Mapping[str, list[float]]) -> None:
    """Write the file that :func:`load` reads.

    Args:
        path: the file.
        command: the command line that measured them.
        found: thresholds by recogniser.
        boxes: the native crop's corners each was measured with, by recogniser; another box would need
            other thresholds.
    """
    rows = {
        name: {
            "far": {str(target): round(threshold, 5) for target, threshold in one.far.items()},
            "impostor_mean": round(one.impostor_mean, 5),
            "impostor_std": round(one.impostor_std, 5),
            "genuine_mean": round(one.genuine_mean, 5),
            "impostor_pairs": one.impostor_pairs,
            "genuine_pairs": one.genuine_pairs,
            "source": one.source,
            "box": [round(corner, 3) for corner in boxes[name]],
        }
        for name, one in found.items()
    }
    text = json.dumps({"command": command, "recognisers": rows}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    _load.cache_clear()
