"""The patch generators that come with Facet, by what they are for."""

import functools
from typing import Final

from core import weights
from core.errors import Code, UserError
from core.patches import generator
from core.patches.generator import PatchGenerator

NAMES: Final = {("faces", "evasion"): "facet-patch-faces-evasion"}


def load(kind: str, mode: str) -> PatchGenerator:
    """The bundled generator for a purpose, shared by the process, in evaluation mode.

    Args:
        kind: "faces" or "persons".
        mode: "evasion" or "impersonation".

    Raises:
        UserError: ``WEIGHTS_MISSING``: none comes with Facet; or its file is missing or damaged.
    """
    name = NAMES.get((kind, mode))
    if name is None:
        raise UserError(
            Code.WEIGHTS_MISSING,
            f"No generator for {mode} of {kind} comes with Facet.",
            "Train one with: python -m core train patch-generator.",
        )
    return _read(name)


@functools.lru_cache(maxsize=4)
def _read(name: str) -> PatchGenerator:
    return generator.load(weights.resolve(name))
