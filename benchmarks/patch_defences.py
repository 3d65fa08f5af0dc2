"""Countermeasures against patches: who is caught, who is suspected wrongly, what it costs.

python -m benchmarks.patch_defences --data ../shared/data --keep ../patches --write
python -m benchmarks.patch_defences --data ../shared/data --keep ../patches --write --kind persons

Thresholds are the bundled ones, set on validation people (`python -m core tune patch-defence`); all figures
are of test people. All detectors look through one of the encoders that the generator attacks, the
disagreement through several. The attacker who knows goes on from the generator's patch by signed gradient
steps on the cosine and on the detector's surrogate (`core.patches.adaptive`); the one who does not takes as
many steps on the cosine alone.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.patch_defence_bench import SINGLE, STEPS, Bench, Scores, bench, gathered, scored
from benchmarks.results import table, write_section
from core.metrics import intervals
from core.metrics.identification import identify
from core.patches import victims
from core.patches.countermeasures import Purifier
from core.patches.countermeasures.measure import Detection, detection
from core.patches.countermeasures.occlusion import Occlusion
from core.patches.defend import fitted, mean, repaired
from core.types import FloatArray

COMMAND: Final = "python -m benchmarks.patch_defences --data ../shared/data --keep ../patches --write"
TITLES: Final = {
    "faces": "Patches: countermeasures on faces",
    "persons": "Patches: countermeasures on people",
}
WHO: Final = {"faces": "test people of LFW (grey)", "persons": "drawn people of the test town"}
LOCATING: Final = SINGLE[:3]
KINDS: Final = ("natural crop", "random", "generator", "descending", "knowing")
FPRS: Final = (0.01, 0.05, 0.1)


def alarms(found: Bench, scores: Scores) -> str:
    """A detector a row: the share of pictures over the bundled threshold."""
    rows = [
        [way.label, *(_share(each[kind] >= found.threshold(way)) for kind in ("clean", *KINDS))]
        for way, each in scores.items()
    ]
    return table(["detector", "clean", *KINDS], rows)


def rates(found: Bench, scores: Scores) -> str:
    """A detector a row: how well it tells the attacked from the same people's clean pictures."""
    names, rows = found.probes.identities, []
    for way, each in scores.items():
        cells = [way.label]
        for kind in KINDS[1:]:
            count = len(each[kind])
            some = names[:count]
            judged = detection(each["clean"][:count], each[kind], some, some, fpr=found.fpr)
            cells.append(_with(judged.auc))
            if judged.point.supported:
                cells[-1] += "; " + " / ".join(_caught(judged, fpr) for fpr in FPRS)
        rows.append(cells)
    return table(["detector", *KINDS[1:]], rows)


def _caught(judged: Detection, fpr: float) -> str:
    """TPR at one FPR, with its interval where that is the one that it was asked for."""
    if fpr == judged.point.target:
        return _with(judged.tpr)
    return f"{judged.curve.tar[judged.curve.far <= fpr + 1e-9].max():.3f}"


def located(found: Bench) -> str:
    """A detector that points at a place, a row: mean IoU of that place with the patch's."""
    true, kinds, rows = found.slot.mask > 0.5, ("generator", "random", "clean"), []
    for name in LOCATING:
        cells = [name]
        for kind in kinds:
            shares = []
            for row, picture in enumerate(found.pictures[kind]):
                own = {who: vectors[row : row + 1] for who, vectors in found.towards.items()}
                shares.append(_overlap(repaired([found.looker], picture, own, how=name).mask > 0.5, true))
            cells.append(_with(intervals.mean(np.array(shares), found.probes.identities)))
        rows.append(cells)
    return table(["detector", *kinds], rows)


def best_square(found: Bench) -> float:
    """The largest IoU with the patch that any position of the covering square has."""
    one, square = found.probes.pictures[:1], Occlusion()
    places = sum(1 for _ in square.covered(one))
    return max(
        _overlap(square.mask(one, place)[0, 0] > 0.5, found.slot.mask > 0.5) for place in range(places)
    )


def _overlap(one: Tensor, other: Tensor) -> float:
    """Intersection over union of two masks."""
    return float((one & other).sum() / (one | other).sum())


def hidden(found: Bench, known: Mapping[str, Tensor], few: int) -> str:
    """What the attackers keep."""
    kinds = {kind: found.pictures[kind][:few] for kind in ("clean", "generator", "descending")}
    rows = [[name, _hidden(found, pictures)] for name, pictures in (kinds | dict(known)).items()]
    return table(["pictures", "mean cosine to the gallery"], rows)


def _hidden(found: Bench, pictures: Tensor) -> str:
    """How far the attacked encoders still know the people, the mean of the encoders."""
    each = [
        (victims.embed([found.everyone[name]], pictures)[name] * found.towards[name][: len(pictures)]).sum(1)
        for name in found.attacked
    ]
    return f"{float(torch.stack(each).mean()):.3f}"


def retrieved(found: Bench, scores: Scores) -> str:
    """mAP and rank-1 of the looking encoder with the defence on, for clean and attacked probes."""
    looker = found.looker
    known = victims.embed([looker], found.gallery.pictures)[looker.name]
    people = found.probes.identities, found.gallery.identities
    rows = []

    def cell(similarity: Tensor, refused: FloatArray | None = None) -> str:
        judged = identify(similarity.numpy(), *people)
        kept = np.ones(len(people[0])) if refused is None else 1.0 - refused
        precision = intervals.mean(judged.average_precision * kept[judged.valid], people[0][judged.valid])
        return f"{_with(precision)} / {judged.rank1:.3f}" if refused is None else _with(precision)

    def embedded(pictures: Tensor) -> Tensor:
        return victims.embed([looker], pictures)[looker.name] @ known.T

    def claimed(pictures: Tensor) -> Tensor:
        """P×G: against each person the probe is covered where it comes nearest to that person."""
        views = torch.stack(
            [victims.embed([looker], view)[looker.name] for view in Occlusion().covered(pictures)]
        )
        found = torch.empty(len(pictures), len(known))
        for who in np.unique(people[1]):
            own = torch.from_numpy(people[1] == who)
            nearest = (views @ mean(known[own])[0]).argmax(0)
            found[:, own] = views[nearest, torch.arange(len(pictures))] @ known[own].T
        return found

    kinds = ("clean", "random", "generator")
    rows.append(["none", *(cell(embedded(found.pictures[kind])) for kind in kinds)])
    rows.append(["repair by recovery", *(cell(claimed(found.pictures[kind])) for kind in kinds)])
    for name in SINGLE[1:]:
        purifier = fitted(name, found.group)
        assert isinstance(purifier, Purifier)
        cleaned = [purifier.clean(found.pictures[kind], [looker]) for kind in kinds]
        rows.append([f"repair by {name}", *(cell(embedded(each)) for each in cleaned)])
    best = []
    for kind in kinds:
        views = [embedded(found.pictures[kind]), *map(embedded, Occlusion().covered(found.pictures[kind]))]
        best.append(cell(torch.stack(views).amax(0)))
    rows.append(["best covered view for each in the gallery", *best])
    for way, each in scores.items():
        row = [f"refuse by {way.label}"]
        for kind in kinds:
            alarm = (each[kind] >= found.threshold(way)).astype(float)
            row.append(cell(embedded(found.pictures[kind]), alarm))
        rows.append(row)
    return table(["defence", *(f"{kind} probes, mAP / rank-1" for kind in kinds)], rows)


def _with(one: intervals.Interval) -> str:
    return f"{one.estimate:.3f} [{one.low:.2f}, {one.high:.2f}]"


def _share(alarms: NDArray[np.bool_]) -> str:
    return f"{alarms.mean():.2f}"


def main() -> None:
    """Measure and, with ``--write``, renew the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", type=Path, required=True, help="a folder for found faces")
    parser.add_argument("--kind", choices=tuple(TITLES), default="faces")
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--few", type=int, default=6, help="people on whom attackers descend")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    people = gathered(chosen.kind, chosen.data, chosen.keep, chosen.people)
    found, first = bench(chosen.kind, people, chosen.few)
    scores, known = scored(found, first, chosen.few)
    text = "\n\n".join(
        [
            f"{len(found.probes)} {WHO[chosen.kind]}, one probe each, {len(found.gallery)} pictures in the "
            f"gallery; patches sit on the {found.slot.name}. The generator attacks "
            f"{', '.join(found.attacked)}; single detectors look through {found.looker.name}, disagreement "
            "through the attacked ones"
            + (f", and with {found.unseen}, which the generator never saw" if found.unseen else "")
            + f". Thresholds let {found.fpr:.0%} of {found.group.people} {found.group.source} be suspected. "
            f"Descending and knowing: the first {chosen.few} people, {STEPS} steps on from the generator's "
            "patch. Natural crops are the control: an occluder that is no attack.",
            "Alarms: shares of test pictures over that threshold.",
            alarms(found, scores),
            "Against the same people's clean pictures: AUC with its 95 % interval by person; then TPR at FPR "
            f"{' / '.join(f'{fpr:.0%}' for fpr in FPRS)}, the threshold read off these clean pictures (of "
            f"{len(found.probes)} pictures 1 % is none), not for the few, whose clean pictures are too few.",
            rates(found, scores),
            "What the attackers keep: cosine to the person's gallery, mean of the attacked encoders, on the "
            "few.",
            hidden(found, known, chosen.few),
            "Where the patch is: mean IoU of the place that a detector points at with the patch's. Clean: of "
            "pictures without a patch, so what the place has by chance. The best position of the covering "
            f"square has {best_square(found):.3f}.",
            located(found),
            f"Retrieval by {found.looker.name} with the defence on. Repairs are made to every probe, "
            "suspected or not; recovery needs a claim, so each person of the gallery is claimed in turn and "
            "compared with the probe covered where it comes nearest to that person. Refused: a probe over "
            "the threshold finds nobody (its precision is 0), so for clean probes that is the cost and for "
            "attacked ones nothing is lost but the search. Best covered view: each gallery picture is "
            "compared with the probe and with the probe under every square, and the nearest counts.",
            retrieved(found, scores),
        ]
    )
    print(text)
    if chosen.write:
        changed = "".join(
            f" --{name} {value}"
            for name in ("kind", "people", "few")
            if (value := getattr(chosen, name)) != parser.get_default(name)
        )
        write_section(TITLES[chosen.kind], COMMAND + changed, text)


if __name__ == "__main__":
    main()
