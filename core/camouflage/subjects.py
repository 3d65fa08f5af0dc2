"""From portraits to what a search optimises on: surfaces, and clean galleries of the same person."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from core.camouflage import augment
from core.camouflage.evaluate import Portrait, embed
from core.camouflage.objective import Subject
from core.camouflage.project import Surface
from core.faces.align import align_batch

SINGLE_VIEWS = 4  # augmented copies of a lone photo that stand in for a gallery


def subjects(portraits: Sequence[Portrait], models: Mapping[str, nn.Module]) -> tuple[Subject, ...]:
    """Group portraits by person; each photo's gallery is the person's other photos.

    Args:
        portraits: photos with measured faces.
        models: the recognisers to optimise on.

    Returns:
        One subject a person, in the order of first appearance. A person with a single photo is
        compared with augmented copies of that very photo; that is a limit, since real galleries
        differ in age, light and expression.
    """
    groups: dict[str, list[Portrait]] = {}
    for portrait in portraits:
        groups.setdefault(portrait.person, []).append(portrait)
    return tuple(_subject(name, group, models) for name, group in groups.items())


def _subject(name: str, group: Sequence[Portrait], models: Mapping[str, nn.Module]) -> Subject:
    aligned = align_batch([(portrait.pixels, portrait.face) for portrait in group])
    surfaces = tuple(Surface.canonical(portrait.pixels, portrait.face) for portrait in group)
    if len(group) == 1:
        copies = _copies(aligned)
        centers = {key: rows.mean(0, keepdim=True) for key, rows in embed(models, copies).items()}
    else:
        centers = {key: _others(rows) for key, rows in embed(models, aligned).items()}
    return Subject(name, surfaces, centers)


def _others(rows: Tensor) -> Tensor:
    """For each of N embeddings, the mean of the other ones."""
    return (rows.sum(0, keepdim=True) - rows) / (len(rows) - 1)


def _copies(aligned: Tensor) -> Tensor:
    drawn = augment.draw(augment.Augmentation(), SINGLE_VIEWS, torch.Generator().manual_seed(0))
    views = aligned[None].expand(1, SINGLE_VIEWS, *aligned.shape[1:])
    return torch.cat([aligned, augment.apply(views, drawn)[0]])
