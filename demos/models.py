"""The panel that says which models a tab uses, whose they are, and fetches those that are not here yet."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from core import weights
from demos.base import Update, guarded, paced
from demos.figures import table
from demos.services import FETCH

FIRST_FETCH_BYTES = 80_000_000  # what the first press of a button may carry
HEAD = ("Model", "Status", "Size", "Licence of the weights", "Commercial use", "Trained on")


@dataclass(frozen=True, slots=True)
class ModelsPanel:
    """The panel's parts, for wiring.

    Attributes:
        names: the models it lists, as the manifest calls them.
        listing: the table.
        button: fetches what is missing.
        status: a sentence and a bar while something is fetched.
    """

    names: tuple[str, ...]
    listing: gr.HTML
    button: gr.Button
    status: gr.HTML

    def refreshed(self) -> Update:
        """The panel as things stand now."""
        return {self.listing: listing(self.names), self.button: gr.update(**button_for(self.names))}

    @property
    def outputs(self) -> list[gr.HTML | gr.Button]:
        """What :meth:`refreshed` and fetching change."""
        return [self.listing, self.button, self.status]


def runnable(role: str) -> tuple[weights.Entry, ...]:
    """The models of a role that the app runs; published originals of converted files are not among them."""
    return tuple(entry for entry in weights.entries(role) if not entry.title.endswith("(original)"))


def described(entries: Sequence[weights.Entry]) -> list[dict[str, Any]]:
    """Models as the API lists them: name, title, whether here, licence of the weights, training data."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "present": weights.status(entry.name).present,
            "licence": entry.weights_licence,
            "commercial_use": entry.commercial,
            "training_data": entry.training_data,
        }
        for entry in entries
    ]


def missing(names: Sequence[str]) -> tuple[str, ...]:
    """Those that are not here, can be fetched and are no mere option."""
    states = ((name, weights.status(name)) for name in names if not weights.entry(name).optional)
    return tuple(name for name, state in states if not state.present and state.fetchable)


def within_first_fetch(needed: Sequence[str]) -> tuple[str, ...]:
    """What a first press fetches: what it cannot do without, then the smallest recognisers within a limit.

    Args:
        needed: names in the manifest, in the order in which they are fetched.
    """
    names = dict.fromkeys((*needed, *(e.name for e in runnable("recognition") if not e.optional)))
    states = {name: weights.status(name) for name in names}
    absent = {name: state for name, state in states.items() if not state.present and state.fetchable}
    found = [name for name in needed if name in absent]
    carried = sum(absent[name].bytes_to_fetch for name in found)
    for name in sorted(set(absent) - set(found), key=lambda name: absent[name].bytes_to_fetch):
        carried += absent[name].bytes_to_fetch
        if carried > FIRST_FETCH_BYTES:
            break
        found.append(name)
    return tuple(found)


def listing(names: Sequence[str]) -> str:
    """One row a model; what is not here is grey, with its reason."""
    rows, absent = [], []
    for number, name in enumerate(names):
        entry, state = weights.entry(name), weights.status(name)
        size = sum(file.bytes for file in entry.files)
        if not state.present:
            absent.append(number)
        rows.append(
            (
                f"{entry.title} (optional)" if entry.optional else entry.title,
                state.reason,
                weights.megabytes(size),
                entry.weights_licence,
                entry.commercial,
                f"{entry.training_data}; {entry.data_terms}",
            )
        )
    return table(HEAD, rows, absent=absent)


def button_for(names: Sequence[str]) -> dict[str, Any]:
    """What the fetch button says, with the size of what is missing, and whether it can be pressed."""
    wanted = missing(names)
    if wanted:
        size = sum(weights.status(name).bytes_to_fetch for name in wanted)
        return {"value": f"Fetch the missing models ({weights.megabytes(size)})", "interactive": True}
    here = all(weights.status(name).present or weights.entry(name).optional for name in names)
    return {"value": "All models are here" if here else "Nothing can be fetched now", "interactive": False}


def bar(done: float, sentence: str) -> str:
    """A progress bar with a sentence, read out politely."""
    percent = round(100 * min(max(done, 0.0), 1.0))
    return (
        f'<div class="facet-progress" role="status"><label>{html.escape(sentence)}'
        f'<progress max="100" value="{percent}"></progress></label></div>'
    )


def models_panel(names: Sequence[str]) -> ModelsPanel:
    """Lay out the panel; :func:`wire` lets its button work."""
    listed = gr.HTML(listing(names))
    status = gr.HTML()
    return ModelsPanel(tuple(names), listed, gr.Button(**button_for(names)), status)


def wire(panel: ModelsPanel) -> None:
    """Let the panel's button fetch, one download at a time for all visitors."""

    @guarded(panel.status)
    def fetch_models() -> Iterator[Update]:
        for event in paced(weights.fetch(missing(panel.names))):
            yield {panel.status: bar(event.done, event.message)}
        yield {panel.status: ""}

    fetching = panel.button.click(
        fetch_models,
        outputs=panel.outputs,
        **FETCH,
        show_progress="hidden",
        api_visibility="private",
    )
    fetching.then(
        panel.refreshed,
        outputs=[panel.listing, panel.button],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
