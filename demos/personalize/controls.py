"""Between the method's options and the controls of the screen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from core.errors import Code, UserError
from core.personalize.options import PRESETS, Options, ablate

SWITCHES: Final = (
    "temporal gate", "entropy gate", "prototype gate", "source cache", "positive cache", "negative cache",
)  # fmt: skip
"""Parts that can be off, as ``core.personalize.options.ABLATIONS`` calls them after "no "."""
FIELDS: Final = (
    "entropy_positive", "entropy_negative", "normalise_entropy", "margin", "window", "temporal_rule",
    "lambda_source", "lambda_positive", "lambda_negative", "level", "weighting", "agreement", "scope",
)  # fmt: skip
"""Options with a control of their own; all others are the preset's."""


def options_of(preset: str, on: Sequence[str], values: Sequence[Any]) -> Options:
    """The options that the controls say.

    Args:
        preset: what the options without a control come from.
        on: those of ``SWITCHES`` that are on.
        values: of ``FIELDS``.

    Raises:
        UserError: OPTION_RANGE: out of range, or values that do not go together.
    """
    if preset not in PRESETS:
        raise UserError(
            Code.OPTION_RANGE, "There is no such preset.", f"Choose one of: {', '.join(PRESETS)}."
        )
    plain = PRESETS[preset]
    given = {name: _like(getattr(plain, name), value) for name, value in zip(FIELDS, values, strict=True)}
    options = replace(plain, **given)
    for part in SWITCHES:
        if part not in on:
            options = ablate(options, f"no {part}")
    return options


def values_of(options: Options) -> list[Any]:
    """The values of ``FIELDS``."""
    return [getattr(options, name) for name in FIELDS]


def _like(known: Any, value: Any) -> Any:
    """A control's value in the type of the option."""
    try:
        return type(known)(value)
    except (TypeError, ValueError):
        raise UserError(Code.OPTION_RANGE, "A setting has no value.", "Give a number.") from None
