"""One visitor's turn at a long job: asked for, begun, ended early."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Turns:
    """What a tab's room keeps of its long job; a room extends it.

    Attributes:
        stop: set to end a running job early.
        arriving: held while a photo or clip comes in, so that an impatient press of a button can wait for it.
        wanted: the button was pressed and the job has not begun.
        busy: a job is running.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    arriving: threading.Lock = field(default_factory=threading.Lock)
    wanted: bool = False
    busy: bool = False

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """The time of one job; gives False when nobody asked for it (any more)."""
        asked, self.wanted = self.wanted, False
        if not asked:
            yield False
            return
        self.busy = True
        try:
            yield True
        finally:
            self.busy = False
