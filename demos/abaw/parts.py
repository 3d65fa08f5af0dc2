"""What the video tab is made of: its components, laid out; the wiring is in ``demos.abaw``."""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from core.abaw.types import Options
from demos.abaw import sound
from demos.abaw.looks import UNIT_NAMES
from demos.abaw.words import EMPTY, LABELS, LEAD, LIMITS, LIVE, PLAY, PRESS
from demos.models import ModelsPanel, models_panel

MAX_WINDOW = 200  # frames to either side
BIAS = 3.0


@dataclass(slots=True)
class Inputs:
    """The clip, and what is known to be right of it."""

    video: gr.Video
    examples: gr.Gallery
    start: gr.Button
    stop: gr.Button
    advice: gr.HTML
    encoder: gr.Dropdown


@dataclass(slots=True)
class Camera:
    """The live camera and what is read from it."""

    camera: gr.Image
    notice: gr.HTML
    result: gr.HTML


@dataclass(slots=True)
class Steps:
    """The sliders that act on what was measured; :attr:`all` is in the order of ``Options``."""

    confidence: gr.Slider
    window: gr.Slider
    visual_weight: gr.Slider
    sound: gr.HTML
    fetch_speech: gr.Button
    bias: list[gr.Slider]
    fill: gr.Checkbox
    window_dimensions: gr.Slider
    window_units: gr.Slider
    window_violence: gr.Slider
    unit_thresholds: list[gr.Slider]
    unit_mix: gr.Slider
    violence_threshold: gr.Slider
    reset: gr.Button

    @property
    def hearing(self) -> list[gr.components.Component]:
        """What depends on whether the clip was heard."""
        return [self.visual_weight, self.sound, self.fetch_speech]

    @property
    def all(self) -> list[gr.components.Component]:
        """Every control, flat, as ``core.abaw.types.Options`` lists its fields."""
        return [
            self.confidence, self.window, self.visual_weight, *self.bias, self.fill, self.window_dimensions,
            self.window_units, self.window_violence, *self.unit_thresholds, self.unit_mix,
            self.violence_threshold,
        ]  # fmt: skip


@dataclass(slots=True)
class Results:
    """What the visitor reads."""

    notice: gr.HTML
    working: gr.HTML
    empty: gr.HTML
    figures: gr.Column
    people: gr.Radio
    moment: gr.HTML
    cursor: gr.Slider
    lanes: gr.HTML
    reading: gr.HTML
    strips: gr.HTML
    about: gr.HTML
    labels: gr.File
    scored: gr.HTML
    files_box: gr.Accordion
    files: gr.File
    prepare: gr.Button
    film: gr.Button
    making: gr.HTML
    video: gr.Video

    @property
    def drawn(self) -> list[gr.components.Component]:
        """What a moved slider draws anew."""
        return [self.notice, self.moment, self.lanes, self.reading, self.strips, self.scored]


@dataclass(slots=True)
class Parts:
    """All of the tab."""

    inputs: Inputs
    live: Camera
    steps: Steps
    results: Results
    models: ModelsPanel = field(repr=False)


def lay_out(examples: list[tuple[str, str]], encoders: list[tuple[str, str]], models: list[str]) -> Parts:
    """Place everything.

    Args:
        examples: (poster, name) of the synthetic clips.
        encoders: (title, name) of the expression encoders, the first one is taken unless another is chosen.
        models: names of the networks, for the panel.
    """
    gr.HTML(f'<p class="facet-lead">{LEAD}</p>')
    with gr.Row(elem_classes="facet-columns"):
        with gr.Column(scale=4, min_width=320):
            with gr.Tabs():
                with gr.Tab("A clip", id="abaw-a-clip"):
                    inputs, notice = _inputs(examples, encoders)
                with gr.Tab("Live camera", id="abaw-live"):
                    live = _live()
            with gr.Column(elem_id="abaw-more"):
                settings = _settings()
                labels = _labels()
        with gr.Column(scale=7, min_width=320):
            results, main = _results(notice, *labels)
    with gr.Accordion("Models, licences and where they come from", open=False):
        panel = models_panel(models)
    with gr.Accordion("What this does not show", open=False):
        gr.HTML(f'<div class="facet-note">{LIMITS}</div>')
    return Parts(inputs, live, Steps(*main, *settings), results, panel)


def _inputs(examples: list[tuple[str, str]], encoders: list[tuple[str, str]]) -> tuple[Inputs, gr.HTML]:
    video = gr.Video(
        label="Clip", sources=["upload", "webcam"], height=280, include_audio=True, buttons=[],
        webcam_options=gr.WebcamOptions(mirror=False), elem_id="abaw-clip",
    )  # fmt: skip
    advice = gr.HTML(elem_id="abaw-advice")
    gr.HTML('<div class="facet-note">Or try a synthetic clip; nobody is behind these faces:</div>')
    gallery = gr.Gallery(
        examples, label="Synthetic clips", show_label=False, columns=3, height="auto", allow_preview=False,
        object_fit="cover", interactive=False, buttons=[], visible=bool(examples), container=False,
        elem_id="abaw-examples", elem_classes=["facet-strip", "facet-captions"],
    )  # fmt: skip
    with gr.Row():
        start = gr.Button("Analyse the clip", variant="primary", size="lg", elem_id="abaw-start")
        stop = gr.Button("Stop, keep what was read", visible=False, elem_id="abaw-stop")
    notice = gr.HTML(elem_id="abaw-notice")
    with gr.Accordion("Which encoder reads the faces", open=False):
        encoder = gr.Dropdown(
            encoders, value=encoders[0][1] if encoders else None, label="Encoder", elem_id="abaw-encoder",
            info="Taken at the next analysis. The heads were trained on the first one's features; with "
            "another one its own classes decide alone.",
        )  # fmt: skip
    return Inputs(video, gallery, start, stop, advice, encoder), notice


def _live() -> Camera:
    gr.HTML(f'<div class="facet-note">{LIVE}</div>')
    camera = gr.Image(
        label="Camera", sources=["webcam"], streaming=True, type="filepath", image_mode=None, buttons=[],
        height=260, webcam_options=gr.WebcamOptions(mirror=True), elem_id="abaw-camera",
        alt_text="What the camera sees",
    )  # fmt: skip
    return Camera(camera, gr.HTML(), gr.HTML(elem_id="abaw-live-result"))


def _settings() -> tuple[Any, ...]:
    """The controls that stay folded, in the order of :class:`Steps`."""
    plain = Options()
    with gr.Accordion("More steps: sound, gaps, other windows", open=False):
        weight = gr.Slider(
            0, 1, plain.visual_weight, step=0.05, label="w: weight of the picture against the sound",
            interactive=False, elem_id="abaw-sound-weight",
        )  # fmt: skip
        case = sound.situation(None)
        heard = gr.HTML(sound.note(case), elem_id="abaw-sound")
        fetch = gr.Button(
            "Fetch the speech encoder", visible=sound.offered(case), size="sm", elem_id="abaw-fetch-speech"
        )
        fill = gr.Checkbox(plain.fill, label="Frames without a face lie between their neighbours")
        dimensions = gr.Slider(
            0, MAX_WINDOW, plain.window_dimensions, step=1, label="Window of valence and arousal (± frames)"
        )
        units = gr.Slider(0, 50, plain.window_units, step=1, label="Window of action units (± frames)")
        mix = gr.Slider(0, 1, plain.unit_mix, step=0.05, label="Action units: first branch against second")
        violence = gr.Slider(0, 50, plain.window_violence, step=1, label="Window of violence (± frames)")
        limit = gr.Slider(0, 1, plain.violence_threshold, step=0.01, label="Threshold of violence")
    with gr.Accordion("Bias of each class (added to its logit)", open=False):
        bias = [gr.Slider(-BIAS, BIAS, 0, step=0.05, label=name.capitalize()) for name in EXPRESSIONS]
    with gr.Accordion("Thresholds of the action units", open=False, elem_id="abaw-thresholds"):
        thresholds = [
            gr.Slider(0, 1, value, step=0.01, label=f"{name}, {UNIT_NAMES[name]}")
            for name, value in zip(ACTION_UNITS, plain.unit_thresholds, strict=True)
        ]
    reset = gr.Button("All settings back to the start", size="sm", elem_id="abaw-reset")
    return weight, heard, fetch, bias, fill, dimensions, units, violence, thresholds, mix, limit, reset


def _main_steps() -> tuple[gr.Slider, gr.Slider]:
    plain = Options()
    with gr.Row():
        confidence = gr.Slider(
            0, 1, plain.confidence, step=0.01, label="p₀: pretrained decides above this confidence",
            info="1: the trained head alone. 0: the pretrained classes alone.", min_width=220,
            elem_id="abaw-confidence",
        )  # fmt: skip
        window = gr.Slider(
            0, MAX_WINDOW, plain.window, step=1, label="δ: averaged over ± so many frames", min_width=220,
            info="0: every frame for itself.", elem_id="abaw-window",
        )  # fmt: skip
    return confidence, window


def _labels() -> tuple[gr.File, gr.HTML]:
    with gr.Accordion("Score it against your own labels", open=False):
        gr.HTML(f'<div class="facet-note">{LABELS}</div>')
        labels = gr.File(label="Labels (.txt)", file_types=[".txt"], height=110, elem_id="abaw-labels")
        scored = gr.HTML(elem_id="abaw-scored")
    return labels, scored


def _results(
    notice: gr.HTML, labels: gr.File, scored: gr.HTML
) -> tuple[Results, tuple[gr.Slider, gr.Slider]]:
    working = gr.HTML(elem_id="abaw-working")
    empty = gr.HTML(EMPTY, elem_id="abaw-empty")
    with gr.Column(visible=False, elem_id="abaw-figures") as figures:
        people = gr.Radio([], label="Several people are in this clip: who is it about?", visible=False)
        moment = gr.HTML(elem_id="abaw-moment")
        cursor = gr.Slider(0, 1, 0, step=1, label="Frame (arrow keys go one by one)", elem_id="abaw-cursor")
        lanes = gr.HTML(js_on_load=PRESS + PLAY, elem_id="abaw-lanes")
        main = _main_steps()
        reading = gr.HTML(elem_id="abaw-reading")
        with gr.Accordion("Action units and violence over time", open=True):
            strips = gr.HTML(js_on_load=PRESS, elem_id="abaw-strips")
        about = gr.HTML(elem_id="abaw-about")
        with gr.Accordion("Take it with you", open=False) as files_box:
            prepare = gr.Button("Prepare the tables and the report", elem_id="abaw-prepare")
            files = gr.File(
                label="Table (CSV), ABAW submission files (TXT), report (JSON)", interactive=False,
                file_count="multiple", elem_id="abaw-files",
            )  # fmt: skip
            film = gr.Button("Make the video with box and label", elem_id="abaw-film")
            making = gr.HTML(elem_id="abaw-making")
            video = gr.Video(
                label="Clip with box and label, with its sound", interactive=False, visible=False,
                buttons=["download"], elem_id="abaw-video",
            )  # fmt: skip
    results = Results(
        notice, working, empty, figures, people, moment, cursor, lanes, reading, strips, about, labels,
        scored, files_box, files, prepare, film, making, video,
    )  # fmt: skip
    return results, main
