"""The bundled source cache of TTA-CaP: ``python -m core train source-cache``.

People of the training parts of CK+ and LFW/film who show more than one expression, each with a prototype or a
few of every class and the statistics of their embeddings (``core.personalize.build``). Their names stay out:
what a cache needs is to tell them apart.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core.datasets.expressions import LabelledFaces
from core.expressions import EXPRESSIONS
from core.personalize.build import Labelled, build
from core.personalize.files import save_sources
from core.personalize.subjects import Sources
from core.training import bundled
from core.training.expression_encoder import gather
from core.types import Progress
from core.vision_language import ImageText

FILE = "facet_source_cache.safetensors"
FILES = ("ckplus", "lfw-film")


@dataclass(frozen=True, slots=True)
class Options:
    """Who is a source subject.

    Attributes:
        stills: so many at least.
        classes: of so many expressions at least.
        seed: of the clustering.
    """

    stills: int = 5
    classes: int = 2
    seed: int = 0


def chosen(faces: LabelledFaces, options: Options = Options()) -> list[np.ndarray]:
    """The rows of each person who is a source subject, in an order that names do not tell."""
    names = np.array(faces.people)
    found = []
    for name in sorted(set(faces.people), key=lambda name: hashlib.sha256(name.encode()).digest()):
        rows = np.flatnonzero(names == name)
        if len(rows) >= options.stills and len(set(faces.labels[rows].tolist())) >= options.classes:
            found.append(rows)
    return found


def run(
    root: Path, model: ImageText, options: Options = Options(), batch: int = 32
) -> Iterator[Progress | Sources]:
    """Embed the people and build the cache.

    Args:
        root: the folder of research data.
        model: whose embeddings they are to be.
        options: who is taken.
        batch: stills that are embedded at once.

    Yields:
        Progress, then the cache.
    """
    people: list[Labelled] = []
    for number, name in enumerate(FILES):
        faces = gather(root, name, "training", model.card.size)
        wanted = chosen(faces, options)
        rows = np.concatenate(wanted)
        embedded = []
        for start in range(0, len(rows), batch):
            stills = torch.from_numpy(faces.pixels[rows[start : start + batch]]).unsqueeze(1)
            embedded.append(model.images(stills.expand(-1, 3, -1, -1)).numpy())
            done = min(1.0, (start + batch) / len(rows))
            yield Progress((number + done) / len(FILES), f"Embedding {name}")
        split = np.split(np.concatenate(embedded), np.cumsum([len(one) for one in wanted])[:-1])
        people += [
            Labelled(f"source {len(people) + place + 1:03d}", vectors, faces.labels[ours])
            for place, (ours, vectors) in enumerate(zip(wanted, split, strict=True))
        ]
    yield Progress(1.0, "Clustering")
    yield build(people, EXPRESSIONS, model.card.identity, options.seed)


def save(sources: Sources, folder: Path) -> str:
    """Write the cache to the folder of weights; the manifest's line."""
    return bundled.put(save_sources(sources), folder / FILE)
