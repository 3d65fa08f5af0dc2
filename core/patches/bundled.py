"""The patch generators that come with Facet, by what they are for."""

import functools
from typing import TYPE_CHECKING, Final

from core import weights
from core.errors import Code, UserError

if TYPE_CHECKING:
    from core.patches.generator import PatchGenerator

NAMES: Final = {
    ("faces", "evasion"): (
        "facet-patch-faces-evasion",
        "facet-patch-faces-mask",
        "facet-patch-faces-plaster",
        "facet-patch-faces-drawn",
    ),
    ("faces", "impersonation"): (
        "facet-patch-faces-impersonation",
        "facet-patch-faces-impersonation-glasses",
    ),
    ("persons", "evasion"): ("facet-patch-persons-evasion",),
}
"""A network for five places is spread thin, so a purpose may have several, for other places each."""
NATURAL: Final = {("faces", "evasion"): ("facet-patch-faces-natural",)}
STRANGERS: Final = {
    ("faces", "impersonation"): ("facet-patch-faces-strangers", "facet-patch-faces-strangers-glasses"),
}
"""Those in ``NAMES`` learnt the ten people who come with Facet; at everybody else these aim better."""


def name(kind: str, mode: str, natural: bool = False, place: str = "", stranger: bool = False) -> str:
    """The bundled generator for a purpose, by its name in the manifest.

    Args:
        kind: "faces" or "persons".
        mode: "evasion" or "impersonation".
        natural: one that predicts an offset in the latent of a prior, in place of a free patch.
        place: name of a slot; of the generators that know it by name that with the fewest places comes back,
            else one that takes whatever somebody draws, else, as without a place, the first.
        stranger: the target is nobody who comes with Facet.

    Raises:
        UserError: ``WEIGHTS_MISSING``: none comes with Facet; or a file is missing or damaged.
    """
    names = _names(kind, mode, natural, stranger)
    if not names:
        kinds, more = ("natural", " --prior facet-flowers") if natural else ("free", "")
        raise UserError(
            Code.WEIGHTS_MISSING,
            f"No generator of {kinds} patches for {mode} of {kind} comes with Facet.",
            f"Train one with: python -m core train patch-generator{more}.",
        )
    if place:
        slots = {one: _read(one).about.slots for one in names}
        for known in (place, "drawn"):
            if there := [one for one in names if known in slots[one]]:
                return min(there, key=lambda one: len(slots[one]))
    return names[0]


def load(
    kind: str, mode: str, natural: bool = False, place: str = "", stranger: bool = False
) -> "PatchGenerator":
    """The generator that :func:`name` names, shared by the process, in evaluation mode; errors as there."""
    return _read(name(kind, mode, natural, place, stranger))


def places(kind: str, mode: str, natural: bool = False, stranger: bool = False) -> tuple[str, ...]:
    """Slots that the bundled generators for a purpose know, "drawn" for any; none where there is none."""
    names = _names(kind, mode, natural, stranger)
    return tuple(dict.fromkeys(slot for name in names for slot in _read(name).about.slots))


def knows(kind: str, mode: str, natural: bool, place: str, stranger: bool = False) -> bool:
    """Whether one of the bundled generators for a purpose makes patches for a place."""
    return bool({place, "drawn"} & set(places(kind, mode, natural, stranger)))


def _names(kind: str, mode: str, natural: bool, stranger: bool) -> tuple[str, ...]:
    names = (NATURAL if natural else NAMES).get((kind, mode), ())
    return STRANGERS.get((kind, mode), names) if stranger else names


@functools.lru_cache(maxsize=16)
def _read(name: str) -> "PatchGenerator":
    from core.patches import generator  # a page names generators without torch

    return generator.load(weights.resolve(name))
