"""At most so many frames a second, picked by their times."""


class Slots:
    """Divides time into slots and takes the first frame in each.

    Args:
        rate: slots a second, positive.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._last = -1

    def take(self, time: float) -> bool:
        """Whether the next frame is one of those wanted.

        Args:
            time: of the frame, seconds from the first one; later than all before.
        """
        # The tenth keeps frames whose times are rounded to milliseconds from falling in one slot.
        now = int(time * self.rate + 0.1)
        if now <= self._last:
            return False
        self._last = now
        return True
