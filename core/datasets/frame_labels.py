"""Labels of every frame of a clip, as the ABAW challenges write them: one text file a video.

Kollias and Zafeiriou, "Expression, Affect, Action Unit Recognition: Aff-Wild2, Multi-Task Learning and
ArcFace", arXiv 1910.04855; the violence files are those of Kollias et al., "DVD: A Comprehensive Dataset for
Advancing Violence Detection in Real-World Scenarios", arXiv 2506.05372. A file of AffWild2 has a header and
then row k for frame k; one of DVD numbers its frames from 1 and may leave some out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Code, UserError
from core.types import Mask


class Task(StrEnum):
    """What is annotated."""

    EXPRESSION = "expr"
    DIMENSIONS = "va"
    UNITS = "au"
    VIOLENCE = "violence"


COLUMNS: Final = {
    Task.EXPRESSION: ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other"),
    Task.DIMENSIONS: ("valence", "arousal"),
    Task.UNITS: (
        "AU1", "AU2", "AU4", "AU6", "AU7", "AU10", "AU12", "AU15", "AU23", "AU24", "AU25", "AU26",
    ),
    Task.VIOLENCE: ("Frame_Number", "Label"),
}  # fmt: skip
"""The header of each kind of file."""
IGNORED: Final = {Task.EXPRESSION: -1, Task.DIMENSIONS: -5, Task.UNITS: -1, Task.VIOLENCE: -1}
"""The value of a frame that nobody labelled."""
LABEL: Final = "Label"
MOST_FRAMES: Final = 1_000_000
SLACK, SLACK_SHARE = 2, 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Annotation:
    """The labels of one video, or of one person in it.

    Attributes:
        name: the file's name without suffix, for instance ``video5_left``.
        task: what is annotated.
        values: F int64 (expression 0..7, violence 0 or 1), F×2 float32 (valence and arousal in -1..1) or
            F×12 int64 (action units 0 or 1); frames without a label carry ``IGNORED``.
    """

    name: str
    task: Task
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labelled(self) -> Mask:
        """F bool, or F×12 bool for action units: where there is a label."""
        if self.task is Task.DIMENSIONS:
            return np.asarray((self.values >= -1).all(1))
        return np.asarray(self.values >= 0)

    def fit(self, frames: int) -> "Annotation":
        """The same labels for a clip of another length.

        Row k belongs to frame k. Videos often decode to one frame more than they have rows, and their cropped
        pictures to one less: frames beyond the last row have no label, rows beyond the last frame are
        dropped. More than two frames and one per cent of difference means that the file belongs to
        another clip (our choice of both figures).

        Args:
            frames: length of the clip, at least 1.

        Raises:
            UserError: ``LABELS_INVALID`` where the lengths differ by more.
        """
        if abs(frames - len(self)) > max(SLACK, SLACK_SHARE * max(frames, len(self))):
            raise UserError(
                Code.LABELS_INVALID,
                f"{self.name} labels {len(self)} frames, but the clip has {frames}.",
                "Give the labels that were made for this clip, one row a frame.",
            )
        missing = np.full((max(0, frames - len(self)), *self.values.shape[1:]), IGNORED[self.task])
        values = np.concatenate([self.values[:frames], missing.astype(self.values.dtype)])
        return Annotation(self.name, self.task, values)


def parse(text: str, file: str, task: Task | None = None) -> Annotation:
    """Read one file of labels.

    Args:
        text: its content; a header may be missing where ``task`` is given.
        file: its name; folders in front of it are dropped.
        task: what it must annotate; without it the header tells.

    Raises:
        UserError: ``LABELS_INVALID`` naming the file and the line (from 1) that cannot be used.
    """
    name = PurePath(file.replace("\\", "/")).name
    lines = text.removeprefix("\ufeff").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    header = bool(lines) and not all(_is_number(field) for field in lines[0].split(","))
    found = _task_of(lines[0]) if header else task
    if found is None or (task is not None and found is not task):
        wanted = f"{','.join(COLUMNS[task])}" if task else "the columns of one of the four challenges"
        raise _problem(name, 1, f"the header is not {wanted}", "Start the file with the challenge's header.")
    rows = lines[1:] if header else lines
    if not rows or len(rows) > MOST_FRAMES:
        raise _problem(
            name, len(lines), "there is no row of labels" if not rows else "there are too many rows", FORMAT
        )
    reader, first = READERS[found], 2 if header else 1
    values = [reader(row, name, number) for number, row in enumerate(rows, first)]
    if found is Task.VIOLENCE:
        return Annotation(PurePath(name).stem, found, _by_number(values, name, first))
    kind = np.float32 if found is Task.DIMENSIONS else np.int64
    return Annotation(PurePath(name).stem, found, np.asarray(values, kind))


FORMAT: Final = "Write one row a frame in the challenge's format."


def _problem(name: str, line: int, what: str, hint: str) -> UserError:
    return UserError(Code.LABELS_INVALID, f"{name}, line {line}: {what}.", hint)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _task_of(header: str) -> Task | None:
    names = [field.strip().lower() for field in header.split(",") if field.strip()]
    for task, columns in COLUMNS.items():
        if names == [column.lower() for column in columns]:
            return task
    return None


def _numbers(row: str, name: str, line: int, count: int) -> list[float]:
    fields = row.split(",")
    numbers = [float(field) for field in fields] if all(map(_is_number, fields)) else []
    if len(numbers) != count or not np.isfinite(numbers).all():
        wanted = "a number" if count == 1 else f"{count} numbers between commas"
        raise _problem(name, line, f"{wanted} expected, found {row.strip()[:40]!r}", FORMAT)
    return numbers


def _whole(row: str, name: str, line: int, count: int, low: int, high: int) -> list[int]:
    numbers = _numbers(row, name, line, count)
    if any(number != int(number) or not low <= number <= high for number in numbers):
        raise _problem(
            name, line, f"whole numbers from {low} to {high} expected, found {row.strip()!r}", FORMAT
        )
    return [int(number) for number in numbers]


def _expression(row: str, name: str, line: int) -> int:
    return _whole(row, name, line, 1, -1, len(COLUMNS[Task.EXPRESSION]) - 1)[0]


def _dimensions(row: str, name: str, line: int) -> list[float]:
    numbers = _numbers(row, name, line, 2)
    if any(number != IGNORED[Task.DIMENSIONS] and abs(number) > 1 for number in numbers):
        raise _problem(name, line, f"values from -1 to 1, or -5, expected, found {row.strip()!r}", FORMAT)
    return numbers


def _units(row: str, name: str, line: int) -> list[int]:
    return _whole(row, name, line, len(COLUMNS[Task.UNITS]), -1, 1)


def _violence(row: str, name: str, line: int) -> tuple[int, int]:
    number, label = _numbers(row, name, line, 2)
    if number != int(number) or not 1 <= number <= MOST_FRAMES or label not in (-1, 0, 1):
        raise _problem(
            name, line, f"a frame number from 1 and a label 0 or 1 expected, found {row!r}", FORMAT
        )
    return int(number), int(label)


def _by_number(rows: list[tuple[int, int]], name: str, first: int) -> NDArray[np.int64]:
    values = np.full(max(number for number, _ in rows), IGNORED[Task.VIOLENCE], np.int64)
    told: set[int] = set()
    for line, (number, label) in enumerate(rows, first):
        if number in told:
            raise _problem(name, line, f"frame {number} is labelled twice", FORMAT)
        told.add(number)
        values[number - 1] = label
    return values


READERS: Final[dict[Task, Callable[[str, str, int], Any]]] = {
    Task.EXPRESSION: _expression,
    Task.DIMENSIONS: _dimensions,
    Task.UNITS: _units,
    Task.VIOLENCE: _violence,
}
