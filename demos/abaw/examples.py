"""The synthetic clips that come with the app (``core.training.make_clips`` draws them)."""

from pathlib import Path

import gradio as gr

from core.settings import ROOT

FOLDER = ROOT / "demos" / "abaw" / "examples"
TITLES = {"smile": "A smile", "turn": "A smile, then a turn", "two-people": "Two people"}


def clips() -> list[Path]:
    """The clips, in the order in which they are shown."""
    return [path for name in TITLES if (path := FOLDER / f"{name}.mp4").is_file()]


def gallery() -> list[tuple[str, str]]:
    """(poster, caption) of each clip; gradio serves these files from where they are."""
    gr.set_static_paths([FOLDER])
    return [(str(path.with_suffix(".jpg")), TITLES[path.stem]) for path in clips()]
