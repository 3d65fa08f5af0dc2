"""What a person may choose for a search; the tab, the API, the command line and the tests build this."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.camouflage.palette import PALETTE
from core.camouflage.pattern import FAMILIES, MAX_SHAPES, Pattern
from core.camouflage.search import strategies
from core.errors import Code, UserError

QUICK_MODELS = ("dlib-resnet", "mobilefacenet-ms1m", "mobilefacenet-w600k")
THOROUGH_MODELS = (*QUICK_MODELS, "facenet-vggface2")


@dataclass(frozen=True, slots=True)
class Options:
    """One run of the camouflage system.

    Attributes:
        seconds: wall clock for everything (looking, searching, judging), 0 for no such limit; 5..3600.
        evaluations: patterns scored in the search, 0 for no such limit; only this budget is repeatable.
        optimise_on: recognisers that the search uses; those whose weights are not here are left out.
        test_on: recognisers that judge besides; empty for all whose weights are here.
        far: false accept rate of the thresholds, 0.01 or 0.001.
        area_cap: share of the paintable skin, 0.02..0.6.
        shapes: 1..8.
        max_colors: 1..3.
        colors: allowed colours.
        families: allowed families.
        strategy: a name in :data:`core.camouflage.search.strategies`.
        randoms: random patterns of equal area that judge beside the found one, 0..200.
        population: candidates of a generation, 2..64.
        views: conditions drawn for each photo, 1..8.
        survival: also treat the painted photos (JPEG, resize ...) and look again.
        transfer: also search with each of ``optimise_on`` left out; together they get half of the budget.
        seed: of everything random.
        start: a pattern to begin with; it is taken to have seen none but ``optimise_on``.
        from_preset: begin with the first shipped preset that these options allow, too. The recognisers
            of its search then count as optimised on.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    seconds: float = 0.0
    evaluations: int = 0
    optimise_on: tuple[str, ...] = QUICK_MODELS
    test_on: tuple[str, ...] = ()
    far: float = 0.01
    area_cap: float = 0.2
    shapes: int = 6
    max_colors: int = 3
    colors: tuple[str, ...] = tuple(PALETTE)
    families: tuple[str, ...] = FAMILIES
    strategy: str = "evolution"
    randoms: int = 20
    population: int = 12
    views: int = 2
    survival: bool = False
    transfer: bool = False
    seed: int = 0
    start: Pattern | None = None
    from_preset: bool = True

    def __post_init__(self) -> None:
        if not (self.seconds or self.evaluations):
            raise _range("A search needs a budget.", "Give seconds or evaluations above 0.")
        if self.seconds and not 5 <= self.seconds <= 3600:
            raise _range("The time is out of range.", "Choose 5 to 3600 seconds.")
        if not self.optimise_on:
            raise _range("No recogniser is chosen to optimise on.", "Choose at least one.")
        if self.far not in (0.01, 0.001):
            raise _range("This false accept rate has no thresholds.", "Choose 0.01 or 0.001.")
        if self.strategy not in strategies:
            raise _range("There is no such search method.", f"Choose one of: {', '.join(strategies)}.")
        for name, low, high in (
            ("evaluations", 0, 1_000_000),
            ("area_cap", 0.02, 0.6),
            ("shapes", 1, MAX_SHAPES),
            ("max_colors", 1, 3),
            ("randoms", 0, 200),
            ("population", 2, 64),
            ("views", 1, 8),
            ("seed", 0, 2**31 - 1),
        ):
            if not low <= getattr(self, name) <= high:
                label = name.replace("_", " ").capitalize()
                raise _range(f"{label} is out of range.", f"Choose it from {low:g} to {high:g}.")


def _range(message: str, hint: str) -> UserError:
    return UserError(Code.OPTION_RANGE, message, hint)


PRESETS: Mapping[str, Options] = MappingProxyType(
    {
        "quick": Options(seconds=25),
        "thorough": Options(
            seconds=240,
            optimise_on=THOROUGH_MODELS,
            randoms=40,
            population=16,
            views=2,
            survival=True,
            transfer=True,
        ),
    }
)
