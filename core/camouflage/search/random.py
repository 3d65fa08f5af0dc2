"""Random search, the control: every candidate is drawn afresh."""

from collections.abc import Sequence

from core.camouflage.matching import matched
from core.camouflage.pattern import Pattern
from core.camouflage.search.base import Strategy, strategies


@strategies.register("random")
class RandomSearch(Strategy):
    """Independent random patterns of the capped area; knows nothing of the scores."""

    def ask(self, progress: float) -> list[Pattern]:
        """See :meth:`Strategy.ask`."""
        del progress
        drawn = [self.draw() for _ in range(self.setting.population)]
        return self.fitted(matched(drawn, self.setting.area_cap))

    def tell(self, patterns: Sequence[Pattern], scores: Sequence[float]) -> None:
        """See :meth:`Strategy.tell`."""
        del patterns, scores
