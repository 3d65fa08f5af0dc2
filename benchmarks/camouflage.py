"""Judge universal patterns on people they were not found on: `python -m benchmarks.camouflage --write`.

Takes the checkpoints of `benchmarks.camouflage_universal`, paints every photo of the test people, finds
the faces again and compares with the clean galleries, beside random patterns of equal area. With
``--write`` the tables go to RESULTS.md, with ``--ship`` the patterns become the app's presets.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.camouflage_universal import AREA_CAP, DATA, FAR, WORK, portraits, split_people
from benchmarks.results import table, write_section
from core.camouflage import presets, survival
from core.camouflage.evaluate import Evaluator, Genuine, Outcome
from core.camouflage.matching import random_matched
from core.camouflage.pattern import Pattern
from core.camouflage.presets import Preset, PresetFigures
from core.camouflage.session import models, standards, usable
from core.camouflage.space import SpaceOptions
from core.metrics import intervals
from core.metrics.intervals import Interval

TITLE = "Camouflage: universal patterns on held-out people"
COMMAND = (
    "python -m benchmarks.camouflage_universal --split a (b ...); python -m benchmarks.camouflage --write"
)
RANDOM_SEED = 12345
PEOPLE = (
    "5 people of lfw10 (50 photos) and 5 of johns (55 photos)",
    "5 other people of lfw10 (50 photos)",
)
NAMES = {"a": "Universal A", "b": "Universal B", "c": "Universal C", "d": "Universal D"}


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One recogniser's figures on the test people.

    Attributes:
        model: its name.
        optimised: the pattern was searched on it.
        clean: TAR of clean photos.
        painted: TAR of painted photos.
        random: mean TAR of the random patterns.
        random_low: 5th percentile of their TARs.
        difference: painted minus the random mean, interval clustered by person.
        cosine: mean cosine clean, random, painted.
    """

    model: str
    optimised: bool
    clean: float
    painted: float
    random: float
    random_low: float
    difference: Interval
    cosine: tuple[float, float, float]

    @property
    def reached(self) -> str:
        """Which of the aims it reaches."""
        if self.optimised:
            return "yes" if self.painted < self.random_low else "no"
        below = self.difference.high < 0
        half = self.painted <= 0.5 * self.random
        return "yes, half" if below and half else "yes" if below else "no"


def rows(
    clean: Genuine,
    painted: Genuine,
    randoms: Sequence[Genuine],
    optimised: Sequence[str],
    taus: dict[str, float],
) -> list[Row]:
    """Figures of every recogniser, the optimised ones first."""
    result = []
    for model in sorted(taus, key=lambda name: name not in optimised):
        tau = taus[model]
        accepted = np.stack([one.scores[model] >= tau for one in randoms]).astype(float)
        own = (painted.scores[model] >= tau).astype(float)
        shares = accepted.mean(1)
        result.append(
            Row(
                model=model,
                optimised=model in optimised,
                clean=clean.tar(model, tau),
                painted=float(own.mean()),
                random=float(shares.mean()),
                random_low=float(np.percentile(shares, 5)),
                difference=intervals.paired_difference(own, accepted.mean(0), painted.person),
                cosine=(
                    clean.mean(model),
                    float(np.mean([one.mean(model) for one in randoms])),
                    painted.mean(model),
                ),
            )
        )
    return result


def text(name: str, outcome: Outcome, found: Sequence[Row], body: dict[str, object]) -> str:
    """One pattern's table."""
    cells = [
        [
            row.model,
            "searched" if row.optimised else "never seen",
            f"{row.clean:.3f}",
            f"{row.random:.3f} ({row.random_low:.3f})",
            f"**{row.painted:.3f}**",
            f"{row.difference.estimate:+.3f} [{row.difference.low:+.3f}, {row.difference.high:+.3f}]",
            " / ".join(f"{value:.2f}" for value in row.cosine),
            row.reached,
        ]
        for row in found
    ]
    head = ["recogniser", "role", "TAR clean", "TAR random, mean (5th pct.)", "TAR painted"]
    head += ["painted - random, 95 %", "cosine clean / random / painted", "reached"]
    return (
        f"**{name}**: {body['evaluations']} evaluations, {float(str(body['forward_share'])):.0%} of the "
        f"search's time inside the recognisers; area {outcome.area:.1%} of the valid region; the detector "
        f"finds {outcome.detected:.0%} of the painted faces.\n\n{table(head, cells)}"
    )


def introduction(clean: Genuine, randoms: Sequence[Genuine], areas: Sequence[float]) -> str:
    """What was measured, on whom, against what."""
    tested = len(set(clean.person.tolist()))
    return (
        f"Searched on {PEOPLE[0]}; tested on {PEOPLE[1]}: {len(clean.probe)} genuine comparisons of "
        "painted with clean photos, through the whole pipeline (paint the photo, find the face again, "
        f"align, embed). Thresholds at FAR {FAR:.0%} as in the recognition section. Control: "
        f"{len(randoms)} random patterns of equal area ({min(areas):.1%} to {max(areas):.1%} of the valid "
        f"region on these photos, mean {np.mean(areas):.1%}). Intervals resample people ({tested} "
        "clusters). Reached: searched recognisers below the 5th percentile of the random patterns, "
        "never-seen ones below the random mean by an interval that excludes zero; `half` where the TAR is "
        "also at most half of the random mean."
    )


def random_outcomes(evaluator: Evaluator, count: int, cache: Path) -> tuple[list[Genuine], list[float]]:
    """The control; kept on disk pattern by pattern, because it takes long."""
    cache.mkdir(parents=True, exist_ok=True)
    drawn = random_matched(40, AREA_CAP, SpaceOptions(shapes=6), np.random.default_rng(RANDOM_SEED))
    clean, found, areas = evaluator.unpainted(), [], []
    for index, pattern in enumerate(drawn[:count]):
        path = cache / f"random-{index}.npz"
        if not path.exists():
            outcome = evaluator.painted(pattern)
            np.savez(path, area=outcome.area, detected=outcome.detected, **outcome.genuine.scores)
            print(f"random pattern {index + 1} of {count}", flush=True)
        with np.load(path) as kept:
            scores = {name: kept[name] for name in evaluator.models}
            areas.append(float(kept["area"]))
        found.append(Genuine(scores, clean.probe, clean.person))
    return found, areas


def survival_text(evaluator: Evaluator, pattern: Pattern, taus: dict[str, float]) -> str:
    """What is left after the saved photo is treated."""
    shares = survival.accepted(survival.survival(evaluator, pattern), taus)
    cells = [[name, *(f"{row[model]:.3f}" for model in taus)] for name, row in shares.items()]
    return table(["treatment of the saved photo", *taus], cells)


def preset(
    letter: str, body: dict[str, object], outcome: Outcome, found: Sequence[Row], people: tuple[str, str]
) -> Preset:
    """A shipped preset with these figures."""
    return Preset(
        name=f"universal-{letter}",
        title=NAMES[letter],
        pattern=Pattern.from_json(json.dumps(body["pattern"])),
        area=outcome.area,
        optimised_on=tuple(str(name) for name in body["optimised_on"]),  # type: ignore[attr-defined]
        searched_on=people[0],
        tested_on=people[1],
        far=FAR,
        detected=outcome.detected,
        figures={
            row.model: PresetFigures(row.optimised, row.clean, row.painted, row.random, row.random_low)
            for row in found
        },
        seed=int(str(body["seed"])),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--randoms", type=int, default=40)
    parser.add_argument("--survival", action="store_true", help="also treat the first pattern's photos")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    parser.add_argument("--ship", action="store_true", help="write the app's presets")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lfw = portraits(arguments.data / "lfw10")
    _, tested = split_people([one.person for one in lfw])
    chosen = [one for one in lfw if one.person in tested]
    names = usable()
    taus = {name: one.threshold for name, one in standards(names, FAR).items()}
    evaluator = Evaluator(chosen, models(names))
    clean = evaluator.unpainted()
    randoms, areas = random_outcomes(evaluator, arguments.randoms, arguments.work / "random")
    people = PEOPLE
    parts = [introduction(clean, randoms, areas)]
    shipped = []
    for path in sorted(arguments.work.glob("universal-*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        letter = path.stem.split("-")[1]
        pattern = Pattern.from_json(json.dumps(body["pattern"]))
        outcome = evaluator.painted(pattern)
        found = rows(clean, outcome.genuine, randoms, body["optimised_on"], taus)
        parts.append(text(NAMES[letter], outcome, found, body))
        print(parts[-1], flush=True)
        shipped.append(preset(letter, body, outcome, found, people))
        if arguments.survival:
            parts.append(survival_text(evaluator, pattern, taus))
            print(parts[-1], flush=True)
            arguments.survival = False
    if arguments.write:
        write_section(TITLE, COMMAND, "\n\n".join(parts))
    if arguments.ship:
        presets.save(shipped)


if __name__ == "__main__":
    main()
