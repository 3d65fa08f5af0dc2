"""The three gates as lamps, and what became of the frame that passed them or did not."""

import html
import math
from collections.abc import Sequence

from core.personalize.options import Options
from core.personalize.types import Gate, Kept, Step, Taken
from demos.personalize.looks import counted

CACHES: dict[Taken, str] = {"positive": "sure", "negative": "doubtful"}


def lamps(step: Step, options: Options, names: Sequence[str], first: int = 0) -> str:
    """Three lamps with value, threshold and verdict, and the fate of the frame.

    Args:
        step: the frame that is looked at.
        options: with which it was read.
        names: K names of the classes.
        first: number of the replay's first frame in the person's session: not 0 after caches were loaded.
    """
    judged = html.escape(names[step.judged])
    whose = "the answer after the fusion" if options.judge == "fused" else "the zero-shot answer"
    rows = (
        _lamp("Steady", "temporal gate", step.temporal, _steady(step.temporal, judged, options)),
        _lamp("Sure", "entropy gate", step.confident, _sure(step, options)),
        _lamp("Confirmed", "prototype gate", step.prototype, _confirmed(step.prototype, judged)),
    )
    kind = step.kept.cache if step.kept is not None else "out"
    return (
        '<section class="facet-lamps" role="group" aria-label="The three gates">'
        f"<p>The gates judge <b>{judged}</b>, {whose}.</p>{''.join(rows)}"
        f'<p class="fate {kind}">{fate(step, options, names, first)}</p></section>'
    )


def _lamp(name: str, term: str, gate: Gate, words: str) -> str:
    state, sign = ("passed", "✓") if gate.passed else ("stopped", "✕")
    if not gate.asked:
        state, sign = "not asked", "–"
    return (
        f'<div class="lamp {state.replace(" ", "-")}"><i aria-hidden="true">{sign}</i><div>'
        f'<div class="title"><b>{name}</b> <small>({term})</small> <span>{state}</span></div>'
        f"<p>{words}</p></div></div>"
    )


def _steady(gate: Gate, judged: str, options: Options) -> str:
    need = "" if options.temporal_rule == "unanimous" else "as often as any other, here "
    found = f"{gate.value:.0%} of the clip's last frames ({options.window} at most) say {judged}"
    return f"{found}; needed: {need}{gate.threshold:.0%}." if gate.asked else f"Turned off. {found}."


def _sure(step: Step, options: Options) -> str:
    gate, unit = step.confident, "of the largest possible" if options.normalise_entropy else "nats"
    found = f"Entropy {gate.value:.3f} {unit}"
    if not gate.asked:
        return f"Turned off. {found}."
    doubt = f" Ambiguous: it lies below {options.entropy_negative:.3f}." if step.ambiguous else ""
    return f"{found}; needed: below {gate.threshold:.3f}.{doubt}"


def _confirmed(gate: Gate, judged: str) -> str:
    if math.isnan(gate.value):
        return "Nobody lent prototypes, so there is nothing to compare the face with."
    found = f"The nearest class of borrowed prototypes leads by {gate.value:.3f} (cosine)"
    if math.isinf(gate.value):
        found = "Only one class has borrowed prototypes, so its lead has no measure"
    if not gate.asked:
        return f"Turned off. {found}."
    if not gate.passed and gate.value > gate.threshold:
        return f"{found}, above {gate.threshold:.3f}, but it is another class than {judged}."
    return f"{found}; needed: more than {gate.threshold:.3f}, and that it is {judged}."


def fate(step: Step, options: Options, names: Sequence[str], first: int = 0) -> str:
    """What became of the frame, in words; arguments as in :func:`lamps`."""
    if step.kept is not None:
        return _kept(step.kept, options, names, first)
    aim = wanted_by(step, options)
    if aim is None:
        *most, last = _reasons(step, options)
        return f"<b>Not kept:</b> {', '.join(most)}{' and ' if most else ''}{last}."
    cache, label = aim
    where = f"{CACHES[cache]} frames ({cache} cache)"
    if step.refused:
        full = options.positive_capacity if cache == "positive" else options.negative_capacity
        return (
            f"<b>Passed, but refused:</b> the bucket {html.escape(names[label])} of the {where} is full; "
            f"none of its {counted(full, 'frame')} is less sure than this one."
        )
    return f"<b>Passed, but not kept:</b> the cache of {where} is turned off."


def wanted_by(step: Step, options: Options) -> tuple[Taken, int] | None:
    """The cache and class that the gates send the frame to, whether or not there is room; None for none."""
    if step.temporal.passed and step.confident.passed and step.prototype.passed:
        return "positive", step.judged
    if step.temporal.passed and _doubtful(step, options) and _agreed(step, options):
        return "negative", _bucket(step, options)
    return None


def _bucket(step: Step, options: Options) -> int:
    if options.negative_bucket == "predicted":
        return step.judged
    return int((step.logits if options.judge == "fused" else step.before).argmin())


def _doubtful(step: Step, options: Options) -> bool:
    return step.ambiguous or not options.entropy_gate


def _agreed(step: Step, options: Options) -> bool:
    """Whether the prototypes allow the negative cache."""
    if options.negative_gate == "full" or not options.prototype_gate:
        return step.prototype.passed
    lead = step.prototype.value
    return math.isnan(lead) or lead > step.prototype.threshold


def _kept(kept: Kept, options: Options, names: Sequence[str], first: int) -> str:
    label = html.escape(names[kept.label])
    if kept.cache == "negative":
        role = "the least likely class" if options.negative_bucket == "least likely" else "the judged class"
        label += f", {role}"
    left = "There was room."
    if kept.evicted is not None:
        gone = f"Frame {kept.evicted - first}" if kept.evicted >= first else "A frame from a file"
        left = f"{gone}, the least sure there, had to leave."
    return f"<b>Kept as {CACHES[kept.cache]}</b> ({kept.cache} cache) under {label}. {left}"


def _reasons(step: Step, options: Options) -> list[str]:
    found = []
    if not step.temporal.passed:
        found.append("the answer changed of late")
    if not step.confident.passed and not step.ambiguous:
        limit = max(options.entropy_negative, options.entropy_positive)
        found.append(f"it is too unsure even for the doubtful frames (entropy not below {limit:.3f})")
    if not (_agreed(step, options) if step.ambiguous else step.prototype.passed):
        found.append("the borrowed prototypes do not say the same clearly")
    return found
