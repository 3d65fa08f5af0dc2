"""What the tab of patches is made of: its components, laid out; the wiring is in ``demos.patches``."""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from demos.base import photo_input
from demos.compare import comparison
from demos.models import ModelsPanel, models_panel
from demos.patches import words
from demos.patches.bench import STEPS
from demos.patches.natural import FLOWERS, ways
from demos.patches.strokes import drawing


@dataclass(slots=True)
class Inputs:
    """Who, where, towards whom."""

    kind: gr.Radio
    photo: gr.Image
    advice: gr.HTML
    person: gr.Radio
    note: gr.HTML
    faces: gr.Gallery
    walkers: gr.Gallery
    mode: gr.Radio
    place: gr.Radio
    canvas: gr.HTML
    strokes: gr.Textbox
    aim: gr.Column
    aims: gr.Gallery
    second: gr.Image
    consent: gr.Checkbox
    aimed: gr.HTML
    start: gr.Button
    stop: gr.Button
    notice: gr.HTML


@dataclass(slots=True)
class Natural:
    """The slow and the natural ways."""

    iterate: gr.Button
    steps: gr.Slider
    seed: gr.Number
    prior: gr.Dropdown
    label: gr.Dropdown
    way: gr.Radio
    strength: gr.Slider
    paint: gr.Button


@dataclass(slots=True)
class Results:
    """What the visitor reads."""

    working: gr.HTML
    empty: gr.HTML
    figures: gr.Column
    slider: gr.HTML
    opacity: gr.Slider
    shown: gr.Radio
    verdict: gr.HTML
    own: gr.HTML
    target: gr.HTML
    hits: gr.HTML
    ways: gr.HTML
    eyes: gr.Dropdown
    explain: gr.Button
    explained: gr.HTML
    defence: gr.Checkbox
    defended: gr.HTML
    files_box: gr.Accordion
    prepare: gr.Button
    files: gr.File

    @property
    def drawn(self) -> list[Any]:
        """What another patch, or another opacity, draws anew."""
        return [
            self.empty, self.figures, self.slider, self.opacity, self.shown, self.verdict, self.own,
            self.target, self.hits, self.ways, self.eyes, self.explained, self.defence, self.defended,
            self.files,
        ]  # fmt: skip


@dataclass(slots=True)
class Parts:
    """All of the tab."""

    inputs: Inputs
    natural: Natural
    results: Results
    models: ModelsPanel = field(repr=False)


def lay_out(
    faces: list[tuple[str, str]],
    walkers: list[tuple[Any, str]],
    priors: list[tuple[str, str]],
    labels: list[str],
    listed: list[str],
) -> Parts:
    """Place everything.

    Args:
        faces: (picture, caption) of the synthetic faces.
        walkers: the same of the drawn pedestrians.
        priors: (title, name) of the models that natural patches come from.
        labels: classes of the first of them.
        listed: names of all networks, for the panel.
    """
    gr.HTML(f'<p class="facet-lead">{words.LEAD}</p>')
    with gr.Row(elem_classes="facet-columns"):
        with gr.Column(scale=5, min_width=320):
            inputs = _inputs(faces, walkers)
            with gr.Column(elem_id="patches-more"):
                natural = _natural(priors, labels)
        with gr.Column(scale=6, min_width=320):
            results = _results()
    with gr.Accordion("Models, licences and where they come from", open=False):
        panel = models_panel(listed)
    with gr.Accordion("What this does not show", open=False):
        gr.HTML(f'<div class="facet-note">{words.LIMITS}</div>')
    return Parts(inputs, natural, results, panel)


def _strip(pictures: list[tuple[Any, str]], label: str, name: str, columns: int, **more: Any) -> gr.Gallery:
    return gr.Gallery(
        pictures, label=label, show_label=False, columns=columns, height="auto", allow_preview=False,
        object_fit="cover", interactive=False, buttons=[], elem_id=f"patches-{name}",
        elem_classes="facet-strip", container=False, **more,
    )  # fmt: skip


def _inputs(faces: list[tuple[str, str]], walkers: list[tuple[Any, str]]) -> Inputs:
    kind = gr.Radio(list(words.KINDS), value="faces", label="Who wears the patch", elem_id="patches-kind")
    photo = photo_input(
        label=words.PHOTO, sources=["upload", "webcam", "clipboard"], height=220, elem_id="patches-photo",
        alt_text="The photo to work on",
    )  # fmt: skip
    advice = gr.HTML(elem_id="patches-advice")
    person = gr.Radio([], label="Several people are in this photo: who is it about?", visible=False)
    note = gr.HTML(f'<div class="facet-note">{words.SYNTHETIC}</div>')
    shown = _strip(faces, "Synthetic faces", "faces", 5)
    walking = _strip(walkers, "Drawn pedestrians", "walkers", 6, visible=False)
    mode = gr.Radio(list(words.MODES), value="evasion", label="What it is to do", elem_id="patches-mode")
    with gr.Column(visible=False, elem_id="patches-aim") as aim:
        gr.HTML(f'<div class="facet-note">{words.TARGETS}</div>')
        aims = _strip(faces, "Targets", "targets", 5)
        with gr.Accordion("A second photo instead, with consent", open=False):
            gr.HTML(f'<div class="facet-note">{words.SECOND}</div>')
            consent = gr.Checkbox(False, label=words.CONSENT, elem_id="patches-consent")
            second = photo_input(
                label="Second photo", sources=["upload", "webcam", "clipboard"], height=180,
                elem_id="patches-second", alt_text="The target’s photo",
            )  # fmt: skip
        aimed = gr.HTML(elem_id="patches-aimed")
    choices = [(title, name) for name, title in words.PLACES["faces"].items()]
    place = gr.Radio(choices, value="glasses", label="Where it sits", elem_id="patches-place")
    canvas = drawing("patches-strokes", "patches-canvas", visible=False)
    strokes = gr.Textbox(
        "", show_label=False, container=False, elem_id="patches-strokes", elem_classes="facet-unseen"
    )
    with gr.Row():
        start = gr.Button("Make a patch", variant="primary", size="lg", elem_id="patches-start")
        stop = gr.Button("Stop", visible=False, elem_id="patches-stop")
    notice = gr.HTML(elem_id="patches-notice")
    return Inputs(
        kind, photo, advice, person, note, shown, walking, mode, place, canvas, strokes, aim, aims, second,
        consent, aimed, start, stop, notice,
    )  # fmt: skip


def _natural(priors: list[tuple[str, str]], labels: list[str]) -> Natural:
    with gr.Accordion("The slow way: search for this picture", open=False, elem_id="patches-slow"):
        gr.HTML(f'<div class="facet-note">{words.SLOW}</div>')
        steps = gr.Slider(10, 200, STEPS, step=10, label="Steps", elem_id="patches-steps")
        seed = gr.Number(0, precision=0, minimum=0, maximum=2**31 - 1, label="Seed")
        iterate = gr.Button("Search for a patch", elem_id="patches-iterate")
    with gr.Accordion("Natural: a patch that looks like a picture", open=False, elem_id="patches-natural"):
        gr.HTML(f'<div class="facet-note">{words.NATURAL}</div>')
        prior = gr.Dropdown(
            priors, value=priors[0][1] if priors else None, label="Painted by", elem_id="patches-prior"
        )
        label = gr.Dropdown(labels, value=labels[0] if labels else None, label="What it shows",
                            allow_custom_value=True, elem_id="patches-label")  # fmt: skip
        way = gr.Radio(
            ways(FLOWERS), value="latent offset", label="How", elem_id="patches-way",
        )  # fmt: skip
        strength = gr.Slider(
            0, 1, 0.5, step=0.05, label="From natural (0) to strong (1)", elem_id="patches-strength"
        )
        paint = gr.Button("Paint a natural patch", elem_id="patches-paint")
    return Natural(iterate, steps, seed, prior, label, way, strength, paint)


def _results() -> Results:
    working = gr.HTML(elem_id="patches-working")
    empty = gr.HTML(words.EMPTY, elem_id="patches-empty")
    with gr.Column(visible=False, elem_id="patches-figures") as figures:
        slider = comparison(
            "Without the patch", "With the patch", "Where the line between before and after lies",
            "Left of the line without the patch, right of it with: drag the line, or press the arrow keys.",
            elem_id="patches-slider",
        )  # fmt: skip
        with gr.Row(elem_id="patches-look"):
            opacity = gr.Slider(
                0, 100, 100, step=5, label="Opacity (%)", min_width=160, elem_id="patches-opacity"
            )
            shown = gr.Radio([], label="Patch on the screen", min_width=200, elem_id="patches-shown")
        verdict = gr.HTML(elem_id="patches-verdict")
        target = gr.HTML(elem_id="patches-to-target")
        own = gr.HTML(elem_id="patches-to-own")
        hits = gr.HTML(elem_id="patches-hits")
        with gr.Accordion("One way beside the other", open=True):
            ways = gr.HTML(elem_id="patches-ways")
        with gr.Accordion("What was attacked", open=False, elem_id="patches-explain-box"):
            gr.HTML(f'<div class="facet-note">{words.EXPLAIN}</div>')
            with gr.Row(elem_classes="facet-ask"):
                eyes = gr.Dropdown([], label="Through the eyes of", min_width=200, elem_id="patches-eyes")
                explain = gr.Button("Look", min_width=100, scale=0, elem_id="patches-explain")
            explained = gr.HTML(elem_id="patches-explained")
        with gr.Accordion("Defend", open=False, elem_id="patches-defence-box"):
            gr.HTML(f'<div class="facet-note">{words.DEFENCE}</div>')
            defence = gr.Checkbox(False, label="Defence on", elem_id="patches-defence")
            defended = gr.HTML(elem_id="patches-defended")
        with gr.Accordion("Take it with you", open=False) as files_box:
            prepare = gr.Button("Prepare the files", elem_id="patches-prepare")
            files = gr.File(
                label="Picture with the patch, patch (not in impersonation), report (JSON)",
                interactive=False, file_count="multiple", elem_id="patches-files",
            )  # fmt: skip
    return Results(
        working, empty, figures, slider, opacity, shown, verdict, own, target, hits, ways, eyes, explain,
        explained, defence, defended, files_box, prepare, files,
    )  # fmt: skip
