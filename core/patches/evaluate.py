"""Make patches for a set of probes and say what they do and what they cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.patches import apply, victims
from core.patches.apply import Conditions
from core.patches.base import Victim
from core.patches.judge import ENSEMBLE, FARS, Labelled, Verdict, judge
from core.patches.makers import Budget, Gallery, Made, Maker, Task, make
from core.patches.slots import Slot
from core.patches.victims import BATCH
from core.types import FloatArray, Progress


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One way to make patches on a set of probes.

    Attributes:
        maker: its name.
        patches: N×3×64×64.
        attacked: N×3×H×W, the probes with their patches.
        verdicts: one an encoder, then the ensemble's.
        seconds: mean wall time a patch.
        cpu_seconds: mean processor time a patch.
        victim_passes: mean pictures a patch that went through victims.
    """

    maker: str
    patches: Tensor
    attacked: Tensor
    verdicts: tuple[Verdict, ...]
    seconds: float
    cpu_seconds: float
    victim_passes: float


def scores(vectors: Mapping[str, Tensor], galleries: Mapping[str, Tensor]) -> dict[str, FloatArray]:
    """P×G cosines by encoder."""
    return {name: (vectors[name] @ galleries[name].T).numpy() for name in vectors}


def run(
    name: str,
    maker: Maker,
    probes: Labelled,
    gallery: Labelled,
    slot: Slot,
    seen: Sequence[Victim],
    unseen: Sequence[Victim] = (),
    targets: NDArray[np.str_] | None = None,
    *,
    lent: Labelled | None = None,
    known: Mapping[str, Tensor] | None = None,
    opacity: float = 1.0,
    conditions: Conditions | None = None,
    seed: int = 0,
    budget: Budget | None = None,
    fars: Sequence[float] = FARS,
) -> Iterator[Progress | Outcome]:
    """Make a patch for every probe and judge it.

    Args:
        name: of the maker, for the report.
        maker: a way to make patches.
        probes: who wear them.
        gallery: clean pictures.
        slot: where patches sit.
        seen: encoders that the maker may look at (white box).
        unseen: encoders that it never sees.
        targets: P identities in the gallery, for impersonation.
        lent: clean pictures that the attacker has of probes and targets, none of them in the gallery. Left
            out, the attacker has each probe's own clean picture only, and of targets those of the gallery,
            which favours the attacker.
        known: what the encoders say of the gallery, as ``victims.embed`` gives it; None to ask them.
        opacity: of the patches, 0..1.
        conditions: under which they are judged, drawn anew for each probe; None: patches sit still.
        seed: of the first patch, each probe adds its number; and of the conditions.
        budget: of an iterative maker.
        fars: false accept rates.

    Yields:
        Progress, then the outcome.
    """
    everyone = [*seen, *unseen]
    known = victims.embed(everyone, gallery.pictures) if known is None else known
    clean = victims.embed(everyone, probes.pictures)
    theirs = known if lent is None else victims.embed(seen, lent.pictures)
    album = gallery if lent is None else lent
    made: list[Made] = []
    for row, person in enumerate(probes.identities):
        source = _gallery(probes, clean, np.array([row]))
        if lent is not None and (lent.identities == person).any():
            source = _gallery(lent, theirs, np.flatnonzero(lent.identities == person))
        aim = None
        if targets is not None:
            aim = _gallery(album, theirs, np.flatnonzero(album.identities == targets[row]))
        task = Task(probes.pictures[row], source, aim, slot, seen, seed + row, budget or Budget())
        made.append(make(maker, task))
        yield Progress((row + 1) / len(probes), f"{name}: {row + 1} of {len(probes)}")
    patches = torch.stack([one.patch for one in made])
    attacked = _worn(probes.pictures, patches, slot, opacity, conditions, seed)
    before, after = (
        _with_ensemble(scores(vectors, known), seen) for vectors in (clean, victims.embed(everyone, attacked))
    )
    both = {encoder: (before[encoder], after[encoder]) for encoder in before}
    white = [victim.name for victim in seen]
    yield Outcome(
        name,
        patches,
        attacked,
        judge(both, probes, gallery, targets, white, fars),
        float(np.mean([one.seconds for one in made])),
        float(np.mean([one.cpu_seconds for one in made])),
        float(np.mean([one.victim_passes for one in made])),
    )


def rows(outcome: Outcome) -> list[dict[str, object]]:
    """One line of a comparison table for each encoder; shares in 0..1."""
    table: list[dict[str, object]] = []
    for one in outcome.verdicts:
        line: dict[str, object] = {
            "maker": outcome.maker,
            "encoder": one.victim,
            "box": "white" if one.white_box else "black",
            "probes": len(one.attacked.average_precision),
            "people": one.mean_average_precision.clusters,
            "mAP clean": one.clean.mean_average_precision,
            "mAP": one.mean_average_precision.estimate,
            "mAP low": one.mean_average_precision.low,
            "mAP high": one.mean_average_precision.high,
            "rank-1 clean": one.clean.rank1,
            "rank-1": one.attacked.rank1,
            "cosine": one.genuine,
        }
        for success in one.success:
            asr = float("nan") if success.rate is None else success.rate.estimate
            line[f"ASR at FAR {success.far:g}"] = asr
            line[f"pairs at FAR {success.far:g}"] = success.eligible
        table.append(line | {"CPU s a patch": outcome.cpu_seconds, "victim passes": outcome.victim_passes})
    return table


@torch.no_grad()
def _worn(
    pictures: Tensor, patches: Tensor, slot: Slot, opacity: float, conditions: Conditions | None, seed: int
) -> Tensor:
    chance, worn = torch.Generator().manual_seed(seed), []
    for some, patch in zip(torch.split(pictures, BATCH), torch.split(patches, BATCH), strict=True):
        drawn = None if conditions is None else apply.draw(conditions, len(some), chance)
        worn.append(apply.paste(some, patch, slot, drawn, opacity).pictures)
    return torch.cat(worn)


def _gallery(album: Labelled, known: Mapping[str, Tensor], own: NDArray[np.int64]) -> Gallery:
    if not len(own):
        raise ValueError("there is no picture of a target")
    chosen = torch.from_numpy(own)
    return Gallery(album.pictures[chosen], {name: vectors[chosen] for name, vectors in known.items()})


def _with_ensemble(found: dict[str, FloatArray], seen: Sequence[Victim]) -> dict[str, FloatArray]:
    if len(seen) < 2:
        return found
    mean: FloatArray = np.mean([found[victim.name] for victim in seen], axis=0)
    return found | {ENSEMBLE: mean}
