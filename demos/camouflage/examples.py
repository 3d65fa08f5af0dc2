"""The synthetic people that come with the app: one picture each on the screen, all of their views in use."""

from pathlib import Path

import gradio as gr

from core.training.example_index import FOLDER, Index


def people() -> dict[str, list[Path]]:
    """Picture files by person, in the index's order.

    That order matters: the first view, the frontal one, is shown, and every third only tests.
    """
    found: dict[str, list[Path]] = {}
    for name, _, file in Index.load().pictures():
        found.setdefault(name, []).append(FOLDER / file)
    return found


def gallery() -> list[tuple[str, str]]:
    """(picture, caption) of each person; gradio serves these files from where they are."""
    gr.set_static_paths([FOLDER])
    return [(str(paths[0]), title(name)) for name, paths in people().items()]


def title(name: str) -> str:
    """A person's name for the screen."""
    return name.replace("-", " ").capitalize()
