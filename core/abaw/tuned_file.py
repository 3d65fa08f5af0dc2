"""Settings as JSON: options alone, or with the names of the clips that they were tuned on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from core.abaw.split import Tuned
from core.abaw.types import Options
from core.errors import Code, UserError


def write(path: Path, tuned: Tuned, about: Mapping[str, str]) -> None:
    """Write a setting for :func:`read`; ``about`` is for people, for instance the task and the features."""
    told = {
        **about,
        "options": asdict(tuned.options),
        "tuned_on": list(tuned.tuned_on),
        "clips": sorted(tuned.clips),
        "tuning_figure": tuned.tuning_figure,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Tuned:
    """Read what :func:`write` wrote; the clips must be named, even if there are none.

    Raises:
        UserError: ``FILE_UNREADABLE``: no such file; ``OPTION_RANGE``: a field that is missing or wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            Code.FILE_UNREADABLE,
            f"The settings {path.name} cannot be read.",
            "Give the file that python -m core tune abaw wrote.",
        ) from None
    try:
        told = json.loads(text)
        names = [tuple(told[field]) for field in ("tuned_on", "clips")]
        options, figure = told["options"], told.get("tuning_figure")
        if not all(isinstance(name, str) for one in names for name in one) or not isinstance(options, dict):
            raise TypeError
        return Tuned(options_from(options), names[0], frozenset(names[1]), figure and float(figure))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            Code.OPTION_RANGE,
            f"{path.name} does not say which clips its options were tuned on.",
            "Give the file that python -m core tune abaw wrote.",
        ) from None


def options_from(values: Mapping[str, Any] | str | None) -> Options:
    """Options from a JSON object; fields that are not named stay at their defaults.

    Raises:
        UserError: OPTION_RANGE for an unknown field or a value that does not fit.
    """
    if isinstance(values, str):
        try:
            values = json.loads(values) if values.strip() else {}
        except ValueError:
            raise UserError(
                Code.OPTION_RANGE, "The options are no JSON.", 'Write for instance {"window": 10}.'
            ) from None
    values = values or {}
    known = [field.name for field in fields(Options)]
    if not isinstance(values, Mapping) or (set(values) - set(known)):
        raise UserError(
            Code.OPTION_RANGE, "There is an unknown option.", f"The options are: {', '.join(known)}."
        )
    try:
        given: dict[str, Any] = {
            k: tuple(map(float, v)) if isinstance(v, list | tuple) else v for k, v in values.items()
        }
        return Options(**given)
    except (TypeError, ValueError):
        raise UserError(
            Code.OPTION_RANGE, "An option has a value of another kind.", "Give numbers, or lists of numbers."
        ) from None
