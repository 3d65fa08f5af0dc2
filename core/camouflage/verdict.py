"""What was achieved, in words: for which recognisers, at which FAR, against the random control.

Never a bare "protected": a pattern that works in one recogniser says little about the next, and the
sentences keep it so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.camouflage.figures import ModelFigures

Level = Literal["transferred", "partly", "optimised-only", "failed", "unknown"]
HIDDEN = 0.5  # share of comparisons that must be rejected before "mostly not recognised" is said


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result in words.

    Attributes:
        level: ``transferred`` when every never-seen recogniser is beaten, ``partly`` when some are,
            ``optimised-only`` when none is, ``failed`` when not even the optimised ones are,
            ``unknown`` without figures to compare.
        headline: one sentence.
        details: a sentence for each group of recognisers and each caveat.
    """

    level: Level
    headline: str
    details: tuple[str, ...]

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join((self.headline, *self.details))


def verdict(
    figures: Sequence[ModelFigures], *, detected: float, photos: int, self_compared: bool = False
) -> Verdict:
    """Put figures into words.

    Args:
        figures: of every recogniser that judged.
        detected: share of the painted photos on which the detector still finds the face.
        photos: how many painted photos the figures are over.
        self_compared: painted photos were compared with their own clean versions.

    Returns:
        The verdict. A recogniser counts as beaten when fewer comparisons are accepted than before
        and, where random patterns were tried, when it beats their 5th percentile.
    """
    optimised = [one for one in figures if one.role == "optimised"]
    unseen = [one for one in figures if one.role == "unseen"]
    lost = [one for one in unseen if not _beaten(one)]
    details = [
        _group("Still accepted by recognisers it was optimised on:", optimised),
        _group("Still accepted by recognisers it never saw:", [one for one in unseen if _beaten(one)]),
        _group("It did not transfer to:", lost),
        _control(figures),
        *_caveats(figures, detected, photos, self_compared),
    ]
    level = _level(optimised, unseen)
    return Verdict(level, _headline(level, figures), tuple(text for text in details if text))


def _beaten(one: ModelFigures) -> bool:
    fewer = one.painted_accepted < one.clean_accepted and one.painted_accepted <= HIDDEN
    return fewer and (one.band is None or one.beats_random)


def _level(optimised: Sequence[ModelFigures], unseen: Sequence[ModelFigures]) -> Level:
    if not optimised and not unseen:
        return "unknown"
    if optimised and not any(_beaten(one) for one in optimised):
        return "failed"
    if unseen and all(_beaten(one) for one in unseen):
        return "transferred"
    if any(_beaten(one) for one in unseen):
        return "partly"
    return "optimised-only" if optimised else "failed"


def _headline(level: Level, figures: Sequence[ModelFigures]) -> str:
    if level == "unknown":
        return "Nothing was compared."
    at = f"at a false accept rate of {figures[0].far:.1%}".replace(".0%", "%")
    beaten = sum(_beaten(one) for one in figures)
    tested = sum(one.role == "unseen" for one in figures)
    won = sum(_beaten(one) for one in figures if one.role == "unseen")
    counted = (
        f"{beaten} of {len(figures)} recogniser{'s' * (len(figures) > 1)} mostly reject the painted face {at}"
    )
    if level == "failed":
        return f"No success worth the name {at}: {counted}."
    if level == "optimised-only":
        end = "it did not transfer to any recogniser it had not seen" if tested else "no other was asked"
        return f"{counted}; {end}."
    if won == tested:
        return f"{counted}, {'the one' if tested == 1 else f'all {tested}'} that it never saw among them."
    return f"{counted}; {won} of the {tested} that it never saw {'is' if won == 1 else 'are'} among them."


def _group(lead: str, group: Sequence[ModelFigures]) -> str:
    if not group:
        return ""
    parts = []
    for one in group:
        by_chance = "" if one.band is None or one.beats_random else " (random patterns do as well)"
        parts.append(f"{one.title} {one.painted_accepted:.0%}{by_chance}")
    return f"{lead} {'; '.join(parts)}."


def _control(figures: Sequence[ModelFigures]) -> str:
    """What the same recognisers accept without paint, and with random patterns."""
    if not figures:
        return ""
    clean = _span([one.clean_accepted for one in figures])
    text = f"Without paint they accept {clean} of the comparisons"
    shares = [one.band.accepted for one in figures if one.band is not None]
    if shares:
        text += f", with random patterns of equal area {_span(shares)}"
    return f"{text}."


def _span(shares: Sequence[float]) -> str:
    low, high = (f"{share:.0%}" for share in (min(shares), max(shares)))
    return low if low == high else f"{low} to {high}"


def _caveats(figures: Sequence[ModelFigures], detected: float, photos: int, self_compared: bool) -> list[str]:
    texts = []
    if detected < 1:
        texts.append(
            f"The detector finds the face on {detected:.0%} of the painted photos; where it does not, the "
            "figures use the clean photo's alignment, because hiding from a detector is another matter."
        )
    if self_compared:
        texts.append(
            "With one photo the painted face is compared with its own clean version, which is harder to "
            "escape than another photo in angle and light, but tells nothing of those."
        )
    if figures and figures[0].comparisons < 20:
        texts.append(
            f"That is {figures[0].comparisons} comparison{'s' * (figures[0].comparisons != 1)} from "
            f"{photos} photo{'s' * (photos != 1)}: an indication, not a measurement."
        )
    return texts
