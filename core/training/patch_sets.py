"""Published sets in their own layouts: whom patch generators learn from and are judged on.

Market-1501 and DukeMTMC-reID come with a part to train with, queries, a gallery and cameras; PubFig with
people to develop with and others to evaluate on; CelebA-HQ with no parts: its people are divided as those of
LFW are (``core.datasets.expressions.part``).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from core.datasets import celeba_hq, dukemtmc, market1501, pubfig
from core.datasets.expressions import Part, part
from core.datasets.folders import Photo
from core.datasets.sightings import DISTRACTOR, Split
from core.errors import Code, UserError
from core.patches.judge import Labelled
from core.reid.protocol import Pictures, from_split

Points = dict[str, tuple[float, float]]
PERSONS: Final[Mapping[str, Callable[[Path], Split]]] = {
    "market1501": market1501.read,
    "dukemtmc": dukemtmc.read,
}
FACES: Final = ("celeba_hq", "pubfig")


def photos(layout: str, kind: str, root: Path, wanted: Part) -> tuple[list[Photo], Points]:
    """Photos of one part. Of a set's own training part a tenth of the people is for validation (our choice).

    Args:
        layout: one of ``PERSONS`` or ``FACES``.
        kind: "faces" or "persons".
        root: the folder that the layout's reader takes.
        wanted: the part; for persons training or validation, :func:`search` gives the test part.

    Returns:
        Photos; and, as far as the set says so, by a photo's name a point (x, y) in the person's face, pixels.

    Raises:
        UserError: those of the reader, or ``OPTION_RANGE``: a set of the other kind.
    """
    _check(layout, kind)
    if layout == "celeba_hq":
        found = celeba_hq.read(root, least=1)
        return [photo for photo in found if part(photo.identity) == wanted], {}
    if layout == "pubfig":
        figures = pubfig.read(root, "eval" if wanted == "test" else "dev")
        middles = {
            one.photo.name: ((one.face[0] + one.face[2]) / 2, (one.face[1] + one.face[3]) / 2)
            for one in figures
            if one.face is not None
        }
        everyone = [one.photo for one in figures]
        return everyone if wanted == "test" else _divided(everyone, wanted), middles
    return _divided([seen.photo for seen in PERSONS[layout](root).training], wanted), {}


def search(layout: str, root: Path, people: int = 0) -> tuple[Labelled, Labelled]:
    """Queries and gallery of a set with cameras.

    Args:
        layout: one of ``PERSONS``.
        root: the folder that its reader takes.
        people: most people who are looked for, 0 for all; the gallery is whole in any case.

    Returns:
        The queries of whom the gallery has a picture by another camera, and the gallery, in which every
        distractor is somebody else; N×3×256×128 with cameras.

    Raises:
        UserError: those of the reader; ``LABELS_INVALID``: fewer than two people can be found by another
            camera; ``OPTION_RANGE``: a set of faces.
    """
    _check(layout, "persons")
    split = PERSONS[layout](root)
    cameras: dict[int, set[int]] = {}
    for seen in split.gallery:
        cameras.setdefault(seen.identity, set()).add(seen.camera)
    query = [seen for seen in split.query if cameras.get(seen.identity, set()) - {seen.camera}]
    asked = list(dict.fromkeys(seen.identity for seen in query))[: people or None]
    if len(asked) < 2:
        raise UserError(
            Code.LABELS_INVALID,
            f"Fewer than two people of {root.name} can be found by another camera.",
            "The gallery has the queried people by other cameras; ask for two people or more.",
        )
    chosen = tuple(seen for seen in query if seen.identity in asked)
    found = from_split(Split(split.training, chosen, split.gallery))
    return _labelled(found.probes), _labelled(found.gallery)


def _check(layout: str, kind: str) -> None:
    known = FACES if kind == "faces" else tuple(PERSONS)
    if layout not in known:
        raise UserError(
            Code.OPTION_RANGE, f"{layout} is no set of {kind}.", f"Choose one of: {', '.join(known)}."
        )


def _divided(found: list[Photo], wanted: Part) -> list[Photo]:
    checking = wanted == "validation"
    return [photo for photo in found if (part(photo.identity) == "validation") == checking]


def _labelled(found: Pictures) -> Labelled:
    names = [
        f"distractor {row}" if who == DISTRACTOR else str(who) for row, who in enumerate(found.identities)
    ]
    return Labelled(found.tensor(), np.array(names), found.cameras.astype(str))
