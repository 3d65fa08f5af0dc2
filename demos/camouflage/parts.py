"""What the camouflage tab is made of: its components, laid out; the wiring is in ``demos.camouflage``."""

from dataclasses import dataclass, field

import gradio as gr

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import FAMILIES, MAX_REPEAT, RANGES
from demos.base import photo_input
from demos.camouflage.words import LEAD, LIMITS, MORE_LABEL, MORE_PHOTOS, NOT_YET, PRESETS
from demos.compare import comparison
from demos.models import ModelsPanel, models_panel

EMPTY = """<div class="facet-empty"><b>The result appears here.</b><ol>
<li>Choose a photo, or one of the synthetic people.</li>
<li>Press “Find a pattern for me”, take a ready-made one, or design your own.</li>
<li>See the face before and after, and which face recognisers still take it for the same person.</li>
</ol></div>"""


@dataclass(slots=True)
class Inputs:
    """The photos and whose face it is."""

    photo: gr.Image
    examples: gr.Gallery
    person: gr.Radio
    more: gr.File
    shots: gr.Gallery
    more_box: gr.Accordion
    advice: gr.HTML


@dataclass(slots=True)
class Find:
    """The search: presets and options."""

    preset: gr.Radio
    models: gr.CheckboxGroup
    area: gr.Slider
    shapes: gr.Slider
    strategy: gr.Dropdown
    seed: gr.Number
    start: gr.Button
    stop: gr.Button
    more: gr.Accordion


@dataclass(slots=True)
class Hand:
    """The editor of one shape after another."""

    shape: gr.Radio
    add: gr.Button
    remove: gr.Button
    family: gr.Dropdown
    color: gr.Dropdown
    angle: gr.Slider
    width: gr.Slider
    height: gr.Slider
    x: gr.Slider
    y: gr.Slider
    opacity: gr.Slider
    mirror: gr.Checkbox
    repeat: gr.Slider
    compare: gr.Button
    load: gr.UploadButton

    @property
    def values(self) -> list[gr.components.Component]:
        """The controls that describe a shape and its pattern, in the order of ``Bench.edit``."""
        return [
            self.family, self.color, self.angle, self.width, self.height,
            self.x, self.y, self.opacity, self.mirror, self.repeat,
        ]  # fmt: skip


@dataclass(slots=True)
class Results:
    """What the visitor reads."""

    notice: gr.HTML
    working: gr.HTML
    slider: gr.HTML
    verdict: gr.HTML
    bars: gr.HTML
    chart_box: gr.Accordion
    chart: gr.HTML
    transfer: gr.HTML
    regions_box: gr.Accordion
    regions: gr.Image
    legend: gr.HTML
    files_box: gr.Accordion
    files: gr.File
    prepare: gr.Button

    @property
    def all(self) -> list[gr.components.Component]:
        """Everything that a finished search changes."""
        return [
            self.notice, self.working, self.slider, self.verdict, self.bars,
            self.chart, self.transfer, self.files,
        ]  # fmt: skip


@dataclass(slots=True)
class Parts:
    """All of the tab."""

    inputs: Inputs
    find: Find
    ready: gr.Radio
    ready_note: gr.HTML
    hand: Hand
    results: Results
    models: ModelsPanel = field(repr=False)


def lay_out(
    examples: list[tuple[str, str]], recognisers: list[tuple[str, str]], ready: list[tuple[str, str]]
) -> Parts:
    """Place everything.

    Args:
        examples: (picture path, name) of the synthetic people.
        recognisers: (title, manifest name) of the models that can be searched with or judged by.
        ready: (title, name) of the ready-made patterns.
    """
    gr.HTML(f'<p class="facet-lead">{LEAD}</p>')
    with gr.Row(elem_classes="facet-columns"):
        with gr.Column(scale=5, min_width=320):
            photo = _photo(examples)
            notice = gr.HTML(elem_id="camouflage-notice")
            with gr.Tabs():
                with gr.Tab("Find one", id="find"):
                    find = _find(recognisers)
                with gr.Tab("Ready-made", id="ready"):
                    choice, note = _ready(ready)
                with gr.Tab("By hand", id="hand", elem_id="camouflage-hand"):
                    hand = _hand()
            inputs = _more_photos(*photo)
        with gr.Column(scale=6, min_width=320):
            results = _results(notice)
    with gr.Accordion("Models, licences and where they come from", open=False):
        panel = models_panel(["yunet", "face-landmarker", *(name for _, name in recognisers), "face-parser"])
    with gr.Accordion("What this does not show", open=False):
        gr.HTML(f'<div class="facet-note">{LIMITS}</div>')
    return Parts(inputs, find, choice, note, hand, results, panel)


def _photo(examples: list[tuple[str, str]]) -> tuple[gr.Image, gr.HTML, gr.Radio, gr.Gallery]:
    photo = photo_input(
        label="Photo", sources=["upload", "webcam", "clipboard"], height=220, elem_id="camouflage-photo",
        alt_text="The photo to work on",
    )  # fmt: skip
    advice = gr.HTML(elem_id="camouflage-advice")
    person = gr.Radio([], label="Several people are in this photo: who is it about?", visible=False)
    gr.HTML('<div class="facet-note">Or try a synthetic person; nobody is behind these faces:</div>')
    gallery = gr.Gallery(
        examples, label="Synthetic people", show_label=False, columns=5, height="auto", allow_preview=False,
        object_fit="cover", interactive=False, buttons=[], visible=bool(examples),
        elem_id="camouflage-examples", elem_classes="facet-strip", container=False,
    )  # fmt: skip
    return photo, advice, person, gallery


def _more_photos(photo: gr.Image, advice: gr.HTML, person: gr.Radio, gallery: gr.Gallery) -> Inputs:
    with gr.Accordion(MORE_LABEL, open=False, elem_id="camouflage-more-box") as box:
        gr.HTML(f'<div class="facet-note">{MORE_PHOTOS}</div>')
        shots = gr.Gallery(
            label="Photos in use", show_label=False, columns=3, height="auto", allow_preview=False,
            object_fit="cover", interactive=False, buttons=[], visible=False, container=False,
            elem_id="camouflage-shots", elem_classes="facet-strip",
        )  # fmt: skip
        more = gr.File(label="Add photos", file_count="multiple", height=110, elem_id="camouflage-more")
    return Inputs(photo, gallery, person, more, shots, box, advice)


def _find(recognisers: list[tuple[str, str]]) -> Find:
    preset = gr.Radio(
        [(words, name) for name, words in PRESETS.items()], value="quick", label="How long may it take?",
        elem_id="camouflage-preset",
    )  # fmt: skip
    with gr.Row():
        start = gr.Button("Find a pattern for me", variant="primary", size="lg", elem_id="camouflage-find")
        stop = gr.Button("Stop, keep the best", visible=False, elem_id="camouflage-stop")
    with gr.Accordion("Options", open=False) as more:
        models = gr.CheckboxGroup(
            recognisers, value=[], label="Search with these models (none: as the preset says)",
            info="The others only judge: what they say is the test of transfer.",
        )  # fmt: skip
        area = gr.Slider(5, 40, 20, step=1, label="Painted share of the paintable skin, at most (%)")
        shapes = gr.Slider(1, 8, 6, step=1, label="Number of shapes")
        strategy = gr.Dropdown([], value=None, label="Search method (none: as the preset says)")
        seed = gr.Number(0, precision=0, minimum=0, maximum=2**31 - 1, label="Seed")
    return Find(preset, models, area, shapes, strategy, seed, start, stop, more)


def _ready(ready: list[tuple[str, str]]) -> tuple[gr.Radio, gr.HTML]:
    choice = gr.Radio(
        ready, value=None, label="Patterns found once on many people", elem_id="camouflage-ready",
        info="Choose one: it is painted at once, without a search.",
    )  # fmt: skip
    return choice, gr.HTML()


def _hand() -> Hand:
    shape = gr.Radio([("1", 0)], value=0, label="Shape")
    with gr.Row():
        add = gr.Button("Add a shape", size="sm", min_width=90)
        remove = gr.Button("Remove it", size="sm", min_width=90)
    with gr.Row():
        family = gr.Dropdown(list(FAMILIES), value="stripe", label="Family", min_width=130)
        color = gr.Dropdown(list(PALETTE), value="black", label="Colour", min_width=130)
    angle = gr.Slider(0, 359, 30, step=1, label="Angle (degrees)")
    with gr.Row():
        width = gr.Slider(0.1, 2.6, 1.2, step=0.02, label="Length", min_width=130)
        height = gr.Slider(0.1, 2.6, 0.3, step=0.02, label="Thickness", min_width=130)
    with gr.Row():
        x = gr.Slider(*RANGES["x"], 0.0, step=0.02, label="Left – right", min_width=130)
        y = gr.Slider(*RANGES["y"], 0.4, step=0.02, label="Up – down", min_width=130)
    with gr.Row():
        opacity = gr.Slider(0, 1, 0.9, step=0.01, label="Opacity", min_width=130)
        repeat = gr.Slider(1, MAX_REPEAT, 1, step=1, label="Repeat", min_width=130)
    mirror = gr.Checkbox(False, label="Mirror on both halves of the face")
    compare = gr.Button("Compare with 20 random patterns of equal area", elem_id="camouflage-compare")
    load = gr.UploadButton("Open a pattern file (JSON)", file_types=[".json"], elem_id="camouflage-open")
    gr.HTML('<div class="facet-note">Lengths are in eye-distances: from one pupil to the other is 1.</div>')
    return Hand(
        shape, add, remove, family, color, angle, width, height, x, y, opacity, mirror, repeat, compare, load
    )


def _results(notice: gr.HTML) -> Results:
    working = gr.HTML(elem_id="camouflage-working")
    slider = comparison(
        "The face without paint", "The face with paint", "Where the line between before and after lies",
        "Left of the line without paint, right of it with: drag the line, or press the arrow keys.",
        elem_id="camouflage-slider",
    )  # fmt: skip
    verdict = gr.HTML(EMPTY, elem_id="camouflage-verdict")
    bars = gr.HTML(elem_id="camouflage-bars")
    with gr.Accordion("How the search went", open=False, visible=False) as box:
        chart = gr.HTML(elem_id="camouflage-chart")
    with gr.Accordion("Does it carry over to other models and conditions?", open=True):
        transfer = gr.HTML(NOT_YET, elem_id="camouflage-transfer")
    with gr.Accordion("Regions of the face", open=False) as regions_box:
        regions = gr.Image(
            label="Where paint may go", interactive=False, buttons=[], show_label=False, format="webp",
            alt_text="The photo with the regions of the face outlined", elem_id="camouflage-regions",
        )  # fmt: skip
        legend = gr.HTML()
    with gr.Accordion("Take it with you", open=False) as files_box:
        prepare = gr.Button("Prepare the files", elem_id="camouflage-prepare")
        files = gr.File(
            label="Painted photo, recipe (PDF, PNG), transfer matrix (PNG), pattern and report (JSON)",
            interactive=False, file_count="multiple", elem_id="camouflage-files",
        )  # fmt: skip
    return Results(
        notice, working, slider, verdict, bars, box, chart, transfer,
        regions_box, regions, legend, files_box, files, prepare,
    )  # fmt: skip
