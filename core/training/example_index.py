"""The list of the shipped example faces: a seed a person, a move of the latent a view."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from core.settings import ROOT

FOLDER = ROOT / "demos" / "examples" / "faces"


@dataclass(frozen=True, slots=True)
class View:
    """One picture of one person.

    Attributes:
        moves: attribute -> move of the latent, in the attribute's unit.
        measured: attribute -> what the drawn picture measures, the same units.
    """

    moves: dict[str, float]
    measured: dict[str, float]


@dataclass(frozen=True, slots=True)
class Person:
    """A seed and its views by name."""

    seed: int
    views: dict[str, View]


@dataclass(frozen=True, slots=True)
class Index:
    """What is needed to draw every example again, with ``directions.safetensors`` beside it."""

    generator: str
    truncation: float
    size: int
    people: dict[str, Person]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> "Index":
        """Read ``index.json``."""
        raw = json.loads((folder / "index.json").read_text())
        people = {
            name: Person(person["seed"], {key: View(**view) for key, view in person["views"].items()})
            for name, person in raw.pop("people").items()
        }
        return cls(**raw, people=people)

    def save(self, folder: Path = FOLDER) -> None:
        """Write ``index.json``."""
        (folder / "index.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    def pictures(self) -> Iterator[tuple[str, str, str]]:
        """Person, view and file name of every picture, in order."""
        for name, person in self.people.items():
            for view in person.views:
                yield name, view, file_name(name, view)


def file_name(person: str, view: str) -> str:
    """Where a picture lies in the folder."""
    return f"{person}_{view}.jpg"
