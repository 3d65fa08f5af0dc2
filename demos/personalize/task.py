"""What a person's frames are asked: one sentence a class, compared with the picture by the model."""

from dataclasses import dataclass

from core.errors import Code, UserError
from core.expressions import EXPRESSIONS

FEWEST, MOST, LONGEST = 2, 10, 200  # own sentences, and characters of one
NAME_LENGTH = 26  # characters of a class on the screen


@dataclass(frozen=True, slots=True)
class Task:
    """Classes and their sentences.

    Attributes:
        classes: what files call them: caches of other classes do not fit.
        names: what the screen calls them, all different.
        prompts: one sentence each.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    prompts: tuple[str, ...]

    @property
    def own(self) -> bool:
        """The visitor wrote it."""
        return self.classes != EXPRESSIONS

    def number(self, name: str | None) -> int | None:
        """A class by its name on the screen; None for none."""
        return self.names.index(name) if name in self.names else None


def expressions() -> Task:
    """The seven expressions in the sentences that the model starts with."""
    from core.vision_language.prompts import plain

    return Task(EXPRESSIONS, EXPRESSIONS, plain())


def written(text: str) -> Task:
    """A task from one sentence a line; empty lines do not count.

    Raises:
        UserError: OPTION_RANGE: too few, too many, too long or twice the same.
    """
    lines = tuple(" ".join(line.split()) for line in (text or "").splitlines() if line.strip())
    if not FEWEST <= len(lines) <= MOST:
        raise UserError(
            Code.OPTION_RANGE,
            f"A question has {FEWEST} to {MOST} classes, and this one has {len(lines)}.",
            "Write one sentence a line, for instance “a face in pain” and below it “a calm face”.",
        )
    if any(len(line) > LONGEST for line in lines):
        raise UserError(
            Code.OPTION_RANGE,
            f"A sentence has more than {LONGEST} characters.",
            "The model reads short sentences: say it in fewer words.",
        )
    if len({line.casefold() for line in lines}) < len(lines):
        raise UserError(
            Code.OPTION_RANGE, "Two classes have the same sentence.", "Let each one say something else."
        )
    return Task(lines, _names(lines), lines)


def _names(lines: tuple[str, ...]) -> tuple[str, ...]:
    """What tells the sentences apart, short enough for a figure."""
    words = [line.split() for line in lines]
    front = _same(words)
    back = _same([row[front:][::-1] for row in words])
    cut = [" ".join(row[front : len(row) - back]) for row in words]
    names = [rest or line for rest, line in zip(cut, lines, strict=True)]
    names = [name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1].rstrip()}…" for name in names]
    if len(set(names)) < len(names):
        names = [f"{number}. {name[: NAME_LENGTH - 4]}" for number, name in enumerate(names, 1)]
    return tuple(names)


def _same(rows: list[list[str]]) -> int:
    """How many first words all rows share."""
    count = 0
    while all(count < len(row) and row[count] == rows[0][count] for row in rows):
        count += 1
    return count
