"""Files as the ABAW challenges take them in, written and read.

Expression, valence-arousal and action units: one text file for all videos, whose rows name a cropped picture
(``video/00001.jpg``) and its prediction, one row a frame. Violence: one CSV file a video with the columns of
its annotation, ``Frame_Number,Label``, frames from 1.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.abaw.classes import ACTION_UNITS, DIMENSIONS
from core.abaw.types import Timeline
from core.datasets.frame_labels import COLUMNS, Task, parse
from core.errors import Code, UserError

LOCATION: Final = "image_location"
DECIMALS: Final = 6


def answer(timeline: Timeline, task: Task) -> NDArray[Any]:
    """What a timeline says in one challenge.

    Returns:
        F int (expression, -1 where undecided), F×2 float (valence and arousal, nan where unknown), F×12 bool
        (action units) or F bool (violence).

    Raises:
        UserError: ``WEIGHTS_MISSING``: the timeline was made without a head for it.
    """
    found: NDArray[Any] | None = {
        Task.EXPRESSION: timeline.final,
        Task.DIMENSIONS: timeline.valence_arousal,
        Task.UNITS: timeline.active,
        Task.VIOLENCE: timeline.violent,
    }[task]
    if found is None:
        raise UserError(
            Code.WEIGHTS_MISSING,
            f"No head answered {TITLES[task]} in this clip.",
            "Train one, or choose another challenge.",
        )
    return found


TITLES: Final = {
    Task.EXPRESSION: "expressions",
    Task.DIMENSIONS: "valence and arousal",
    Task.UNITS: "action units",
    Task.VIOLENCE: "violence",
}


def write(task: Task, answers: Mapping[str, NDArray[Any]]) -> str:
    """One file for all videos; a challenge wants a row for every frame, so unknown ones are told as neutral.

    Args:
        task: expression, dimensions or units.
        answers: name of the annotation (``_left`` and ``_right`` included) -> F rows as of :func:`answer`.

    Returns:
        A header and as many rows as there are frames. Frames without an answer are neutral, 0 and 0, or
        without any action unit (our choice).
    """
    if task is Task.VIOLENCE:
        raise ValueError("violence has a file for each video")
    rows = [",".join((LOCATION, *COLUMNS[task]))]
    for name, values in answers.items():
        _check(task, values)
        told = [_row(task, value) for value in values]
        rows += [f"{name}/{number:05d}.jpg,{text}" for number, text in enumerate(told, 1)]
    return "\n".join(rows) + "\n"


def write_violence(values: NDArray[Any]) -> str:
    """The CSV file of one video from F labels 0 and 1 (or bool)."""
    _check(Task.VIOLENCE, values)
    rows = (f"{number},{int(value)}" for number, value in enumerate(values, 1))
    return "\n".join((",".join(COLUMNS[Task.VIOLENCE]), *rows)) + "\n"


def read(text: str, file: str, task: Task) -> dict[str, NDArray[Any]]:
    """Read what :func:`write` or :func:`write_violence` wrote.

    Args:
        text: the file's content.
        file: its name, which for violence names the video.
        task: the challenge.

    Returns:
        Name -> F rows; action units and violence as bool.

    Raises:
        UserError: ``LABELS_INVALID`` with the name of the file: a header or row that is none of the
            challenge's, or a video whose frames are not numbered 1 to F in order.
    """
    if task is Task.VIOLENCE:
        found = parse(text, file, task)
        return {found.name: _answers(found.values, file, task)}
    name = PurePosixPath(file).name
    header, *lines = text.removeprefix("\ufeff").rstrip().splitlines() or [""]
    location, _, columns = header.partition(",")
    if location.strip() != LOCATION:
        raise _problem(name, 1, f"the header does not begin with {LOCATION}")
    places: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        picture = line.partition(",")[0].strip()
        video, _, number = picture.removesuffix(".jpg").rpartition("/")
        rows = places.setdefault(video, [])
        if not video or not number.isdigit() or int(number) != len(rows) + 1:
            raise _problem(name, row + 2, f"{picture[:60]!r} is not the next picture of a video")
        rows.append(row)
    values = parse("\n".join([columns, *(line.partition(",")[2] for line in lines)]), file, task).values
    return {video: _answers(values[rows], file, task) for video, rows in places.items()}


def _problem(name: str, line: int, what: str) -> UserError:
    hint = "Number the frames of each video from 00001 without gaps, as the challenge does."
    return UserError(Code.LABELS_INVALID, f"{name}, line {line}: {what}.", hint)


def _answers(values: NDArray[Any], file: str, task: Task) -> NDArray[Any]:
    if task is Task.EXPRESSION:
        return values
    if task is Task.DIMENSIONS:
        return np.where(values < -1, np.nan, values)
    if (values < 0).any():
        raise UserError(
            Code.LABELS_INVALID,
            f"{PurePosixPath(file).name} leaves frames without an answer.",
            "Write 0 or 1 for every frame.",
        )
    return values.astype(bool)


def _check(task: Task, values: NDArray[Any]) -> None:
    wide = {Task.DIMENSIONS: (len(DIMENSIONS),), Task.UNITS: (len(ACTION_UNITS),)}.get(task, ())
    if values.shape[1:] != wide or not len(values):
        raise ValueError(f"{TITLES[task]} have shape F×{wide}, not {values.shape}")


def _row(task: Task, value: Any) -> str:
    if task is Task.EXPRESSION:
        return str(max(0, int(value)))
    if task is Task.UNITS:
        return ",".join(str(int(one)) for one in value)
    return ",".join(f"{one:.{DECIMALS}f}" for one in np.nan_to_num(value))
