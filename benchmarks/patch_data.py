"""What benchmarks of patches on faces share: people with their pictures, and recognisers that remember."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import weights
from core.patches import victims
from core.patches.base import Victim
from core.patches.evaluate import Outcome
from core.patches.judge import Labelled
from core.patches.makers import Maker, Task, make
from core.training import patch_people
from core.training.bar import shown
from core.training.patch_evaluation import labelled, parts, strangers
from core.training.patch_people import People

SEEN: Final = ("edgeface-s", "mobilefacenet-w600k", "mobilefacenet-ms1m")
UNSEEN: Final = ("sface", "facenet-vggface2", "dlib-resnet", "faceres")
EACH: Final = 4


class Remembered:
    """A recogniser that keeps, also on disk, what it said of every picture that it saw without gradients.

    Args:
        name: of the recogniser.
        folder: where it keeps its file; another file of weights begins another.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.victim = victims.face(name)
        self.name, self.height, self.width = name, self.victim.height, self.victim.width
        digest = "".join(file.sha256 for file in weights.entry(name).files)
        self.path = folder / f"{name}-{hashlib.sha256(digest.encode()).hexdigest()[:12]}.npz"
        self.known: dict[str, NDArray[np.float32]] = {}
        if self.path.exists():
            with np.load(self.path) as kept:
                self.known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        self._saved = len(self.known)

    def embed(self, pixels: Tensor) -> Tensor:
        """As every victim."""
        if pixels.requires_grad:
            return self.victim.embed(pixels)
        keys = [hashlib.sha256(one.contiguous().numpy().tobytes()).hexdigest() for one in pixels]
        missing = [row for row, key in enumerate(keys) if key not in self.known]
        if missing:
            with torch.no_grad():
                found = self.victim.embed(pixels[missing]).numpy()
            self.known |= {keys[row]: vector for row, vector in zip(missing, found, strict=True)}
        return torch.from_numpy(np.stack([self.known[key] for key in keys]))

    def maps(self, pixels: Tensor) -> Tensor:
        """As every victim."""
        return self.victim.maps(pixels)

    def keep(self) -> None:
        """Write what is new."""
        if len(self.known) > self._saved:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self.path, keys=np.array(list(self.known)), vectors=np.stack(list(self.known.values())))
            self._saved = len(self.known)


class Kept:
    """An iterative maker whose patches lie on disk with what they cost when they were made.

    Args:
        maker: what makes them.
        about: whatever else its patches hang on beside their tasks, for instance its objective, as text.
        folder: where they lie.
    """

    def __init__(self, maker: Maker, about: str, folder: Path) -> None:
        self.maker, self.about, self.folder = maker, about, folder / "patches"
        self.costs: list[tuple[float, float, float]] = []

    def __call__(self, task: Task) -> Tensor:
        """From a task to a patch, as every maker."""
        attacked = tuple(victim.name for victim in task.victims)
        digest = hashlib.sha256(f"{self.about} {task.seed} {task.budget} {attacked}".encode())
        for part in (task.probe, task.slot.grid, task.slot.stencil, task.source.pictures):
            digest.update(part.contiguous().numpy().tobytes())
        if task.target is not None:
            digest.update(task.target.pictures.contiguous().numpy().tobytes())
        path = self.folder / f"{digest.hexdigest()}.npz"
        if not path.exists():
            made = make(self.maker, task)
            cost = np.array([made.seconds, made.cpu_seconds, made.victim_passes])
            self.folder.mkdir(parents=True, exist_ok=True)
            np.savez(path, patch=made.patch.numpy(), cost=cost)
        with np.load(path) as kept:
            self.costs.append(tuple(kept["cost"].tolist()))
            return torch.from_numpy(kept["patch"])

    def told(self, outcome: Outcome) -> Outcome:
        """An outcome of this maker with the cost of making its patches in place of that of reading them."""
        seconds, cpu, passes = np.mean(self.costs, axis=0).tolist()
        self.costs.clear()
        return replace(outcome, seconds=seconds, cpu_seconds=cpu, victim_passes=passes)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """Who wears patches, and among whom they are looked for.

    Attributes:
        probes: P pictures, one or more a person.
        gallery: clean pictures, none of them a probe.
        lent: for impersonation, what the attacker has of his targets; none of it is in the gallery.
        targets: for impersonation, as whom each probe is to be accepted.
    """

    probes: Labelled
    gallery: Labelled
    lent: Labelled | None = None
    targets: NDArray[np.str_] | None = None

    def first(self, count: int) -> "Search":
        """The same gallery and the first probes."""
        rows = range(min(count, len(self.probes)))
        targets = None if self.targets is None else self.targets[: len(rows)]
        return Search(self.probes.take(rows), self.gallery, self.lent, targets)


def encoders(folder: Path) -> tuple[list[Remembered], list[Remembered]]:
    """Attacked ones, and ones that no patch was made with."""
    seen, unseen = ([Remembered(name, folder) for name in names] for names in (SEEN, UNSEEN))
    return seen, unseen


def plain(some: list[Remembered]) -> list[Victim]:
    """The same as victims (a list of one type is none of another)."""
    return list(some)


def lfw(data: Path, keep: Path, count: int) -> Search:
    """LFW's test people: of each one picture is the probe, up to three are the gallery."""
    return Search(*parts(_gathered(data, keep, each=EACH, limit=count)))


def crowded(search: Search, data: Path, keep: Path, count: int) -> Search:
    """The same probes, with one picture each of so many further test people in the gallery.

    Market-1501's gallery has 19,732 pictures, and mAP falls as a gallery grows.
    """
    people = _gathered(data, keep, each=1, limit=count + len(set(search.gallery.identities)), least=1)
    others = labelled(people).take(
        np.flatnonzero(~np.isin(people.identities, search.gallery.identities))[:count]
    )
    return replace(search, gallery=search.gallery.beside(others))


def _gathered(data: Path, keep: Path, **wanted: int) -> People:
    people = shown(patch_people.gather(data, "faces", "test", keep, (224, 224), **wanted))
    assert people is not None
    return people


def drawn_people() -> Search:
    """The synthetic people who come with Facet: three pictures of each are probes, three the gallery."""
    probes, gallery = (patch_people.examples(views) for views in (patch_people.JUDGED, patch_people.LENT))
    return Search(labelled(probes), labelled(gallery))


def towards_strangers(search: Search) -> Search:
    """Everybody is to be taken for another of the test people, of whom the attacker has a picture."""
    return Search(search.probes, *strangers(search.probes, search.gallery))


def towards_drawn(search: Search) -> Search:
    """Everybody is to be taken for one of the synthetic people; the attacker has other pictures of them."""
    lent, judged = (labelled(patch_people.examples(v)) for v in (patch_people.LENT, patch_people.JUDGED))
    targets = np.resize(np.unique(judged.identities), len(search.probes))
    return Search(search.probes, search.gallery.beside(judged), lent, targets)
