"""The encoders and generators of the tab, by their names, and the one door to them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from core import weights
from core.errors import Code, UserError
from demos.models import missing, runnable, within_first_fetch

if TYPE_CHECKING:
    from core.patches.base import Victim

KINDS: Final = ("faces", "persons")
MODES: Final = ("evasion", "impersonation")
FINDERS: Final = ("yunet", "face-landmarker")


def attacked(kind: str, mode: str) -> tuple[str, ...]:
    """Encoders whose gradients may be used: those that the bundled generators learnt from."""
    from core.patches import bundled

    return bundled.load(kind, mode).about.victims


def judges(kind: str, mode: str) -> tuple[str, ...]:
    """Encoders that are here and were never looked at."""
    from core.recognition import thresholds

    taken = attacked(kind, mode)
    if kind == "faces":
        known = [entry.name for entry in runnable("recognition") if entry.name in thresholds.load()]
        return tuple(name for name in known if name not in taken and weights.status(name).present)
    from core import reid

    cards = [card for card in reid.cards.values() if card.name not in taken]
    return tuple(card.name for card in cards if all(weights.status(one).present for one in card.weights))


def needed(kind: str, mode: str) -> tuple[str, ...]:
    """What to fetch before a first patch: what it works with, then the smallest judges that fit a limit."""
    if kind == "faces":
        return within_first_fetch((*FINDERS, *attacked(kind, mode)))
    return missing(_entries(attacked(kind, mode)))


def listed() -> list[str]:
    """Everything the tab may use, for the panel."""
    from core.patches import bundled

    known = {entry.name for entry in weights.entries()}
    names = [*FINDERS, *(entry.name for entry in runnable("recognition"))]
    generators = bundled.NAMES, bundled.STRANGERS, bundled.NATURAL
    names += [name for purpose in bundled.NAMES for some in generators for name in some.get(purpose, ())]
    names += [entry.name for entry in runnable("person-encoder")]
    names += [
        entry.name
        for entry in weights.entries()
        if entry.name in ("facet-flowers", "stable-diffusion-v1-5", "mobilestylegan", "vit-s14")
    ]
    return [name for name in dict.fromkeys(names) if name in known]


@lru_cache(maxsize=32)
def victim(kind: str, name: str) -> "Victim":
    """One encoder, shared by the process.

    Raises:
        UserError: ``OPTION_RANGE``: no such kind; or its weights cannot be had.
    """
    from core.patches import victims

    if kind not in victims.KINDS:
        raise UserError(Code.OPTION_RANGE, "There are no such encoders.", "Choose faces or persons.")
    return victims.KINDS[kind](name)


def _entries(names: Sequence[str]) -> list[str]:
    """Entries of the manifest behind names of encoders."""
    from core import reid

    return [
        entry for name in names for entry in (reid.cards[name].weights if name in reid.cards else (name,))
    ]
