"""What the tab of TTA-CaP is made of: its components, laid out; the wiring is in ``demos.personalize``."""

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from core.expressions import EXPRESSIONS
from core.personalize.options import CHOICES, PRESETS, Options
from demos.models import ModelsPanel, models_panel
from demos.personalize import words
from demos.personalize.controls import FIELDS, SWITCHES
from demos.personalize.desk import FIRST, MAX_CLIPS
from demos.personalize.film import PLAY, PRESS

PICTURES = [".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".jpg", ".jpeg", ".png", ".webp"]
DEFAULT_POISON, MOST_POISON = 6, 40


@dataclass(slots=True)
class Inputs:
    """The person and their clips."""

    person: gr.Dropdown
    drop_person: gr.Button
    upload: gr.File
    examples: gr.Gallery
    clips: gr.HTML
    which: gr.Dropdown
    drop_clip: gr.Button
    row: gr.Row
    start: gr.Button
    stop: gr.Button
    notice: gr.HTML
    model: gr.Dropdown


@dataclass(slots=True)
class Asked:
    """Whatever acts on what was read, without reading it again."""

    preset: gr.Radio
    about_preset: gr.HTML
    on: gr.CheckboxGroup
    fields: list[Any]
    question: gr.Radio
    prompts: gr.Textbox
    ask: gr.Button
    about_question: gr.HTML
    count: gr.Slider
    towards: gr.Dropdown
    placed: gr.Radio
    poison: gr.Button
    heal: gr.Button
    poisoned: gr.HTML
    truths: list[gr.Dropdown]

    @property
    def method(self) -> list[Any]:
        """The controls of the options: preset, switches, and :data:`demos.personalize.controls.FIELDS`."""
        return [self.preset, self.on, *self.fields]


@dataclass(slots=True)
class Results:
    """What the visitor reads."""

    working: gr.HTML
    empty: gr.HTML
    figures: gr.Column
    answers: gr.HTML
    film: gr.HTML
    cursor: gr.Slider
    moment: gr.HTML
    lamps: gr.HTML
    fusion: gr.HTML
    counters: gr.HTML
    caches: gr.HTML
    about: gr.HTML
    peers: gr.HTML
    label: gr.Dropdown
    curve: gr.HTML
    files_box: gr.Accordion
    prepare: gr.Button
    files: gr.File
    bring: gr.File
    unload: gr.Button

    @property
    def at_cursor(self) -> list[Any]:
        """What a moved cursor draws anew."""
        return [self.moment, self.lamps, self.fusion, self.counters, self.caches]

    @property
    def drawn(self) -> list[Any]:
        """What another run draws anew."""
        return [
            self.empty, self.figures, self.answers, self.film, self.cursor, *self.at_cursor, self.about,
            self.files, self.unload, self.peers, self.label, self.curve,
        ]  # fmt: skip


@dataclass(slots=True)
class Parts:
    """All of the tab."""

    inputs: Inputs
    asked: Asked
    results: Results
    models: ModelsPanel = field(repr=False)


def lay_out(examples: list[tuple[str, str]], models: list[tuple[str, str]], listed: list[str]) -> Parts:
    """Place everything.

    Args:
        examples: (poster, caption) of the synthetic people.
        models: (title, name) of the image-text models, the app's own first.
        listed: names of all networks, for the panel.
    """
    gr.HTML(f'<p class="facet-lead">{words.LEAD}</p>')
    with gr.Row(elem_classes="facet-columns"):
        with gr.Column(scale=4, min_width=320):
            inputs = _inputs(examples, models)
            with gr.Column(elem_id="personalize-more"):
                asked = _asked()
                with gr.Accordion("Which model compares pictures and sentences", open=False):
                    inputs.model.render()
        with gr.Column(scale=7, min_width=320):
            results = _results()
    with gr.Accordion("Models, licences and where they come from", open=False):
        panel = models_panel(listed)
    with gr.Accordion("What this does not show", open=False):
        gr.HTML(f'<div class="facet-note">{words.LIMITS}</div>')
    return Parts(inputs, asked, results, panel)


def _inputs(examples: list[tuple[str, str]], models: list[tuple[str, str]]) -> Inputs:
    with gr.Row(elem_id="personalize-who"):
        person = gr.Dropdown(
            [FIRST], value=FIRST, label="Person", allow_custom_value=True, info=words.PERSON, scale=1,
            min_width=180, elem_id="personalize-person",
        )  # fmt: skip
        drop_person = gr.Button("Forget this person", size="sm", scale=0, elem_id="personalize-drop-person")
    upload = gr.File(
        label="Clips or photos of this person", file_count="multiple", file_types=PICTURES, height=150,
        elem_id="personalize-upload",
    )  # fmt: skip
    gr.HTML(f'<div class="facet-note">{words.SYNTHETIC}</div>')
    gallery = gr.Gallery(
        examples, label="Synthetic people", show_label=False, columns=2, height="auto", allow_preview=False,
        object_fit="cover", interactive=False, buttons=[], visible=bool(examples), container=False,
        elem_id="personalize-examples", elem_classes=["facet-strip", "facet-captions"],
    )  # fmt: skip
    clips = gr.HTML(elem_id="personalize-clips")
    with gr.Row(visible=False, elem_id="personalize-take-away") as row:
        which = gr.Dropdown(
            [], label="Take a clip away", show_label=False, container=False, scale=1, min_width=160
        )
        drop_clip = gr.Button("Take it away", size="sm", scale=0, min_width=120)
    with gr.Row():
        start = gr.Button("Read the clips", variant="primary", size="lg", elem_id="personalize-start")
        stop = gr.Button("Stop, keep what was read", visible=False, elem_id="personalize-stop")
    notice = gr.HTML(elem_id="personalize-notice")
    model = gr.Dropdown(
        models, value=models[0][1] if models else None, label="Model", render=False,
        info="Taken at the next reading; each clip is read once by each model.", elem_id="personalize-model",
    )  # fmt: skip
    return Inputs(
        person, drop_person, upload, gallery, clips, which, drop_clip, row, start, stop, notice, model
    )


def _asked() -> Asked:
    with gr.Accordion("What is asked: seven expressions, or your own question", open=False):
        question = gr.Radio(
            [words.EXPRESSIONS, words.MINE], value=words.EXPRESSIONS, show_label=False,
            label="What is asked", container=False, elem_id="personalize-question",
        )  # fmt: skip
        prompts = gr.Textbox(
            words.OWN_EXAMPLE, label="Sentences, one a line", info=words.OWN, lines=3, max_lines=10,
            visible=False, elem_id="personalize-prompts",
        )  # fmt: skip
        ask = gr.Button("Ask this", visible=False, size="sm", elem_id="personalize-ask")
        about_question = gr.HTML(
            f'<div class="facet-note">{words.MODEL_SAW}</div>', elem_id="personalize-task"
        )
    with gr.Accordion("The method: gates and caches", open=True, elem_id="personalize-method"):
        gr.HTML(f'<div class="facet-note">{words.METHOD}</div>')
        preset = gr.Radio(list(PRESETS), value="ours", label="Variant", elem_id="personalize-preset")
        about = gr.HTML(preset_note("ours"))
        on = gr.CheckboxGroup(
            [(name.capitalize(), name) for name in SWITCHES], value=list(SWITCHES), label="What is on",
            elem_id="personalize-on",
        )  # fmt: skip
        with gr.Accordion("More settings", open=False, elem_id="personalize-settings"):
            fields = _fields()
    with gr.Accordion("Poison it", open=False, elem_id="personalize-poison"):
        gr.HTML(f'<div class="facet-note">{words.POISON}</div>')
        count = gr.Slider(1, MOST_POISON, DEFAULT_POISON, step=1, label="Frames with a wrong answer")
        names = list(EXPRESSIONS)
        towards = gr.Dropdown(names, value=names[0], label="Wrong answer", elem_id="personalize-towards")
        placed = gr.Radio([words.SPREAD, words.IN_A_ROW], value=words.SPREAD, label="They come")
        with gr.Row():
            poison = gr.Button("Put the poison in", size="sm", elem_id="personalize-put")
            heal = gr.Button("Take it out", size="sm", interactive=False, elem_id="personalize-heal")
        poisoned = gr.HTML(elem_id="personalize-poisoned")
    with gr.Accordion("What the clips really show", open=False, elem_id="personalize-truth"):
        gr.HTML(f'<div class="facet-note">{words.TRUTH}</div>')
        truths = [gr.Dropdown([], label=f"Clip {n + 1}", visible=False) for n in range(MAX_CLIPS)]
    return Asked(
        preset, about, on, fields, question, prompts, ask, about_question, count, towards, placed, poison,
        heal, poisoned, truths,
    )  # fmt: skip


def preset_note(name: str) -> str:
    """A sentence on a preset."""
    return f'<div class="facet-note">{words.PRESET_NOTES[name]}</div>'


def _fields() -> list[Any]:
    """One control for each of ``controls.FIELDS``, in their order."""
    plain = Options()
    made = {
        "entropy_positive": (0, 2, 0.01, "τ⁺: sure below this entropy"),
        "entropy_negative": (0, 2, 0.01, "τ⁻: doubtful up to this entropy"),
        "margin": (0, 0.5, 0.01, "τΔ: lead that prototypes must give"),
        "window": (1, 15, 1, "W: last answers that the gate looks at"),
        "lambda_source": (0, 5, 0.1, "λ of the source cache"),
        "lambda_positive": (0, 5, 0.1, "λ of the positive cache"),
        "lambda_negative": (0, 5, 0.1, "λ of the negative cache"),
    }
    checks = {
        "normalise_entropy": "Entropy from 0 to 1 for any number of classes (else in nats)",
        "agreement": "Leave out what contradicts the majority",
    }
    choices = {
        "temporal_rule": "The temporal gate asks that the answer is",
        "level": "The caches are added at the level of",
        "weighting": "Weights of the parts",
        "scope": "Caches live as long as one",
    }
    shown = {"majority": "the commonest of the last", "unanimous": "the same in all of the last"}
    found = []
    for name in FIELDS:
        value, key = getattr(plain, name), f"personalize-{name.replace('_', '-')}"
        if name in made:
            low, high, step, label = made[name]
            found.append(gr.Slider(low, high, value, step=step, label=label, elem_id=key))
        elif name in checks:
            found.append(gr.Checkbox(value, label=checks[name], elem_id=key))
        else:
            options = [(shown.get(choice, choice), choice) for choice in CHOICES[name]]
            found.append(gr.Radio(options, value=value, label=choices[name], elem_id=key))
    return found


def _results() -> Results:
    working = gr.HTML(elem_id="personalize-working")
    empty = gr.HTML(words.EMPTY, elem_id="personalize-empty")
    with gr.Column(visible=False, elem_id="personalize-figures") as figures:
        answers = gr.HTML(elem_id="personalize-answers")
        moment = gr.HTML(elem_id="personalize-moment")
        film = gr.HTML(js_on_load=PRESS + PLAY, elem_id="personalize-film")
        cursor = gr.Slider(
            0, 1, 0, step=1, label="Frame (arrow keys go one by one)", elem_id="personalize-cursor"
        )
        lamps = gr.HTML(elem_id="personalize-lamps")
        fusion = gr.HTML(elem_id="personalize-fusion")
        caches = gr.HTML(elem_id="personalize-caches")
        counters = gr.HTML(elem_id="personalize-counters")
        about = gr.HTML(elem_id="personalize-about")
        with gr.Accordion("Beside other methods", open=True, elem_id="personalize-beside"):
            peers = gr.HTML(elem_id="personalize-peers")
            label = gr.Dropdown([], label="Class in the curve", elem_id="personalize-label")
            curve = gr.HTML(js_on_load=PRESS, elem_id="personalize-curve")
        with gr.Accordion("Take it with you, or bring it along", open=False) as files_box:
            prepare = gr.Button("Prepare cache, table and report", elem_id="personalize-prepare")
            files = gr.File(
                label="Cache (safetensors), table (CSV), report (JSON)", interactive=False,
                file_count="multiple", elem_id="personalize-files",
            )  # fmt: skip
            gr.HTML(f'<div class="facet-note">{words.IMPORT}</div>')
            bring = gr.File(
                label="Start from a saved cache", file_types=[".safetensors"], height=150,
                elem_id="personalize-bring",
            )  # fmt: skip
            unload = gr.Button(
                "Start without the saved cache", visible=False, size="sm", elem_id="personalize-unload"
            )
    return Results(
        working, empty, figures, answers, film, cursor, moment, lamps, fusion, counters, caches, about,
        peers, label, curve, files_box, prepare, files, bring, unload,
    )  # fmt: skip
