"""Labeled Faces in the Wild and its kin: the pairs file, and photos kept as bytes in Parquet.

Huang et al., "Labeled Faces in the Wild", UMass Amherst TR 07-49, 2007 (View 2: ten folds of disjoint
people, 300 genuine and 300 impostor pairs in each).
"""

from dataclasses import dataclass
from pathlib import Path

from core.datasets.folders import Photo


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison of a verification protocol.

    Attributes:
        first: a photo's name without suffix, for instance ``Abel_Pacheco_0001``.
        second: the other photo's.
        genuine: both show the same person.
        fold: which part of the protocol it belongs to, from 0.
    """

    first: str
    second: str
    genuine: bool
    fold: int


def photos(path: Path, source: str | None = None) -> tuple[Photo, ...]:
    """Photos of a Parquet file with the columns ``identity``, ``file`` and ``image`` (encoded bytes).

    Args:
        path: for instance ``orl.parquet`` or ``lfw_expressions.parquet``.
        source: keep only the rows whose column ``source`` says so.

    Returns:
        Photos named by file without suffix; where the files of different people share names (as in
        ORL), by ``identity/file``.
    """
    import pyarrow.parquet as parquet

    columns = ["identity", "file", "image"] + (["source"] if source is not None else [])
    rows = parquet.read_table(path, columns=columns).to_pylist()
    kept = [row for row in rows if source is None or row["source"] == source]
    stems = [Path(row["file"]).stem for row in kept]
    if len(set(stems)) < len(stems):
        stems = [f"{row['identity']}/{stem}" for row, stem in zip(kept, stems, strict=True)]
    return tuple(Photo(row["identity"], stem, row["image"]) for row, stem in zip(kept, stems, strict=True))


def pairs(path: Path) -> tuple[Pair, ...]:
    """The published pairs file: a line with folds and pairs, then per fold the genuine and the others.

    Args:
        path: ``pairs.txt``; its fields are separated by tabs.

    Raises:
        ValueError: a line that is neither kind of pair, or more or fewer lines than announced.
    """
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    folds, count = (int(field) for field in head.split("\t"))
    if len(lines) != 2 * folds * count:
        raise ValueError(f"{2 * folds * count} pairs announced, {len(lines)} found")
    return tuple(_pair(line, number // (2 * count)) for number, line in enumerate(lines))


def _pair(line: str, fold: int) -> Pair:
    match line.split("\t"):
        case [name, first, second]:
            return Pair(_photo(name, first), _photo(name, second), True, fold)
        case [name, first, other, second]:
            return Pair(_photo(name, first), _photo(other, second), False, fold)
    raise ValueError(f"not a pair: {line!r}")


def _photo(name: str, number: str) -> str:
    return f"{name}_{int(number):04d}"
