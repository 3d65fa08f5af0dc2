"""The patch generators that come with Facet, by what they are for."""

import functools
from typing import Final

from core import weights
from core.errors import Code, UserError
from core.patches import generator
from core.patches.generator import PatchGenerator

NAMES: Final = {
    ("faces", "evasion"): "facet-patch-faces-evasion",
    ("faces", "impersonation"): "facet-patch-faces-impersonation",
    ("persons", "evasion"): "facet-patch-persons-evasion",
}
NATURAL: Final = {("faces", "evasion"): "facet-patch-faces-natural"}


def load(kind: str, mode: str, natural: bool = False) -> PatchGenerator:
    """The bundled generator for a purpose, shared by the process, in evaluation mode.

    Args:
        kind: "faces" or "persons".
        mode: "evasion" or "impersonation".
        natural: one that predicts an offset in the latent of a prior, in place of a free patch.

    Raises:
        UserError: ``WEIGHTS_MISSING``: none comes with Facet; or its file is missing or damaged.
    """
    name = (NATURAL if natural else NAMES).get((kind, mode))
    if name is None:
        kinds, more = ("natural", " --prior facet-flowers") if natural else ("free", "")
        raise UserError(
            Code.WEIGHTS_MISSING,
            f"No generator of {kinds} patches for {mode} of {kind} comes with Facet.",
            f"Train one with: python -m core train patch-generator{more}.",
        )
    return _read(name)


@functools.lru_cache(maxsize=4)
def _read(name: str) -> PatchGenerator:
    return generator.load(weights.resolve(name))
