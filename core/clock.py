"""Where the wall time of a long job goes."""

import time
from collections import defaultdict


class Clock:
    """Wall time by part of a job.

    Attributes:
        seconds: by the name of the part.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def tick(self, part: str) -> None:
        """Count the time since the last call, or since the clock was made, for ``part``."""
        now = time.perf_counter()
        self.seconds[part] += now - self._last
        self._last = now
