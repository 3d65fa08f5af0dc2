"""Synthetic people that come with the app: a clip and a row of photos of each; nobody was filmed."""

from dataclasses import dataclass
from pathlib import Path

from core.settings import ROOT
from demos.abaw.examples import FOLDER as CLIPS
from demos.abaw.examples import gallery as _clips  # its folder is served from where it is

FACES = ROOT / "demos" / "examples" / "faces"
VIEWS = ("frontal", "smile", "left", "right", "up", "light")


@dataclass(frozen=True, slots=True)
class Example:
    """One synthetic person.

    Attributes:
        name: for people.
        clip: a video.
        photos: pictures of the same person.
        poster: for the gallery.
    """

    name: str
    clip: Path
    photos: tuple[Path, ...]
    poster: Path


def people() -> list[Example]:
    """The examples, in the order in which they are shown."""
    found = []
    for name, clip, person in (("Synthetic B", "smile", "b"), ("Synthetic G", "turn", "g")):
        photos = tuple(FACES / f"person-{person}_{view}.jpg" for view in VIEWS)
        one = Example(name, CLIPS / f"{clip}.mp4", photos, CLIPS / f"{clip}.jpg")
        if one.clip.is_file() and all(photo.is_file() for photo in photos):
            found.append(one)
    return found


def gallery() -> list[tuple[str, str]]:
    """(poster, caption) of each example."""
    _clips()
    return [(str(one.poster), one.name) for one in people()]
