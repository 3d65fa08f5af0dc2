"""The synthetic people that come with the app: one picture each on the screen, all of their views in use."""

from pathlib import Path

import gradio as gr

SHOWN = 8  # people on the screen; the folder may hold more
FOLDER = Path(__file__).resolve().parent.parent / "examples" / "faces"


def people() -> dict[str, list[Path]]:
    """Picture files by person, the frontal one first."""
    found: dict[str, list[Path]] = {}
    for path in sorted(FOLDER.glob("*_*.jpg")):
        found.setdefault(path.stem.split("_")[0], []).append(path)
    return {name: sorted(paths, key=lambda p: "frontal" not in p.stem) for name, paths in found.items()}


def gallery() -> list[tuple[str, str]]:
    """(picture, caption) of each person; gradio serves these files from where they are."""
    gr.set_static_paths([FOLDER])
    return [(str(paths[0]), title(name)) for name, paths in people().items()][:SHOWN]


def title(name: str) -> str:
    """A person's name for the screen."""
    return name.replace("-", " ").capitalize()
