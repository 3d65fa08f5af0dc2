"""A bar for a long job on the command line."""

from collections.abc import Iterator
from typing import TypeVar

from tqdm import tqdm

from core.types import Progress

T = TypeVar("T")


def shown(events: Iterator[Progress | T]) -> T | None:
    """Draw the progress of a job.

    Returns:
        The last event that is no progress, the job's result; None where there was none.
    """
    result: T | None = None
    with tqdm(total=100, unit="%") as bar:
        for event in events:
            if isinstance(event, Progress):
                bar.set_description(event.message, refresh=False)
                bar.update(round(100 * event.done) - bar.n)
            else:
                result = event
    return result
