"""Train the joint of the bundled image-text model: ``python -m core train image-text``.

Images and sentences are described once by the frozen encoders (``gathered``); then the joint learns, by the
contrastive loss of CLIP (arXiv 2103.00020) against one sentence drawn anew for every class in each step, and,
where ``core.abaw.geometry`` was asked about a face, by the sigmoid loss of SigLIP (arXiv 2303.15343) on
sentences about its action units and their strength. Tuned on FER2013 PublicTest and the validation people of
CK+, with sentences that are not trained on.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.abaw import geometry
from core.abaw.classes import ACTION_UNITS
from core.abaw.geometry import Scale
from core.datasets.expressions import LabelledFaces
from core.expressions import EXPRESSIONS
from core.training import abaw_teacher, bundled
from core.training.abaw_stand_ins import TEACHER_SIZE
from core.training.expression_encoder import FILES, gather
from core.types import Progress
from core.vision_language import prompts
from core.vision_language.facet import SIZE, Frozen, Joint

FILE = "facet_image_text.safetensors"


@dataclass(frozen=True, slots=True)
class Options:
    """The recipe.

    Attributes:
        epochs: passes over the images.
        posed: how often an epoch shows each still of CK+'s training people.
        film: stills of each class taken from LFW/film's training people at most.
        batch: images a step.
        rate: highest learning rate of the cosine schedule.
        decay: weight decay.
        dropout: of the joint.
        smoothing: label smoothing of the contrastive loss.
        units: weight of the loss on action units.
        prior: strength of the logit adjustment by the classes' shares (arXiv 2007.07314).
        noise: standard deviation of what is added to the sentences' vectors, times their length.
        seed: of the order, the draws and the joint.
    """

    epochs: int = 6
    posed: int = 2
    film: int = 1000
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.05
    dropout: float = 0.3
    smoothing: float = 0.1
    units: float = 0.3
    prior: float = 0.5
    noise: float = 0.3
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Images as the joint sees them.

    Attributes:
        rows: N×1280.
        labels: N int64, index into ``core.expressions.EXPRESSIONS``.
        strengths: N×12 of ``core.abaw.classes.ACTION_UNITS`` in 0..1, nan where nobody was asked.
    """

    rows: Tensor
    labels: Tensor
    strengths: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@torch.inference_mode()
def described(
    faces: LabelledFaces, frozen: Frozen, file: Path, batch: int = 64
) -> Iterator[Progress | Tensor]:
    """Describe grey stills, or read from ``file`` what the same encoders said of the same ones before.

    Yields:
        Progress over these stills, then N×1280 in half precision.
    """
    digest = hashlib.sha256(f"{frozen.fingerprint} ".encode() + faces.pixels.tobytes()).hexdigest()
    if file.is_file() and (kept := load_file(file)).keys() == {digest}:
        yield kept[digest]
        return
    rows: list[Tensor] = []
    for start in range(0, len(faces), batch):
        stills = torch.from_numpy(faces.pixels[start : start + batch]).float() / 255
        rows.append(frozen.describe(stills.unsqueeze(1).expand(-1, 3, -1, -1)).half())
        yield Progress(min(1.0, (start + batch) / len(faces)), f"Describing {file.stem}")
    whole = torch.cat(rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({digest: whole}, file)
    yield whole


def gathered(
    root: Path, frozen: Frozen, scale: Scale, folder: Path, options: Options = Options()
) -> Iterator[Progress | Described]:
    """The training people of all data sets, described and with what the geometric rule says of them.

    Args:
        root: the folder of research data.
        frozen: the image encoders.
        scale: of the rule.
        folder: keeps what was described and measured; a second call goes on where one stopped.
        options: how much of each data set.

    Yields:
        Progress, then the images.
    """
    parts, chance = [], np.random.default_rng(options.seed)
    for number, name in enumerate(FILES):
        faces = gather(root, name, "training", SIZE)
        rows = torch.zeros(0)
        for step in described(faces, frozen, folder / f"{name}.safetensors"):
            if isinstance(step, Progress):
                yield replace(step, done=(number + step.done) / len(FILES))
            else:
                rows = step
        strengths = torch.full((len(faces), len(ACTION_UNITS)), torch.nan)
        if name in TEACHER_SIZE:
            stills = gather(root, name, "training", TEACHER_SIZE[name])
            for event in abaw_teacher.measured(stills, folder / "teacher" / f"{name}-training.npz"):
                if isinstance(event, Progress):
                    yield replace(event, done=(number + 1) / len(FILES))
                else:
                    known = ~np.isnan(event.blendshapes).any(1)
                    found = geometry.strengths(event.readings[known], scale)
                    strengths[torch.from_numpy(known)] = torch.from_numpy(found).float()
        one = Described(rows, torch.from_numpy(faces.labels), strengths)
        parts += {"ckplus": [one] * options.posed, "lfw-film": [bounded(one, options.film, chance)]}.get(
            name, [one]
        )
    yield joined(parts)


def bounded(images: Described, most: int, chance: np.random.Generator) -> Described:
    """At most so many images of each class."""
    labels = images.labels.numpy()
    rows = [chance.permutation(np.flatnonzero(labels == n))[:most] for n in range(len(EXPRESSIONS))]
    kept = torch.from_numpy(np.concatenate(rows))
    return Described(images.rows[kept], images.labels[kept], images.strengths[kept])


def joined(parts: Sequence[Described]) -> Described:
    """Several sets as one."""
    return Described(
        torch.cat([part.rows for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.strengths for part in parts]),
    )


def train(
    images: Described, vectors: Mapping[str, Tensor], options: Options = Options()
) -> Iterator[Progress | Joint]:
    """Train the joint.

    Args:
        images: of the training people.
        vectors: sentence -> 384 numbers, of every sentence of :func:`bank`.
        options: the recipe.

    Yields:
        Progress after each epoch, then the joint.
    """
    torch.manual_seed(options.seed)
    chance = np.random.default_rng(options.seed)
    joint, known = Joint(dropout=options.dropout), _Sentences(vectors)
    steps = math.ceil(len(images) / options.batch)
    optimiser = torch.optim.AdamW(joint.parameters(), options.rate, weight_decay=options.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps * options.epochs)
    counts = torch.bincount(images.labels, minlength=len(EXPRESSIONS)).clamp(min=1)
    offset = options.prior * (counts / counts.sum()).log()
    for epoch in range(options.epochs):
        joint.train()
        total = 0.0
        for numbers in np.array_split(chance.permutation(len(images)), steps):
            rows = torch.from_numpy(numbers)
            loss = _loss(joint, images, rows, known, offset, chance, options)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
        yield Progress((epoch + 1) / options.epochs, f"Epoch {epoch + 1}", {"loss": total / len(images)})
    yield joint.eval()


def run(
    root: Path, frozen: Frozen, vectors: Mapping[str, Tensor], scale: Scale, folder: Path
) -> Iterator[Progress | Joint]:
    """Gather and train; arguments as of :func:`gathered` and :func:`train`."""
    images: Described | None = None
    for event in gathered(root, frozen, scale, folder):
        if isinstance(event, Progress):
            yield replace(event, done=0.9 * event.done)
        else:
            images = event
    assert images is not None
    for step in train(images, vectors):
        yield replace(step, done=0.9 + 0.1 * step.done) if isinstance(step, Progress) else step


def bank() -> tuple[str, ...]:
    """Every sentence that is trained on."""
    own = [sentence for name in EXPRESSIONS for sentence in prompts.SEEN.sentences(name)]
    return tuple(dict.fromkeys([*own, *(s for unit in prompts.UNITS for s in unit_sentences(unit))]))


def unit_sentences(unit: str) -> tuple[str, ...]:
    """The sentences on an action unit that are trained on: at all, slightly, strongly."""
    plain = prompts.UNITS[unit][:-1]
    return (*plain, *(template.format(words) for template in prompts.STRENGTHS for words in plain))


class _Sentences:
    """Draws sentences' vectors."""

    def __init__(self, vectors: Mapping[str, Tensor]) -> None:
        def stacked(sentences: Sequence[str]) -> Tensor:
            return torch.stack([vectors[sentence] for sentence in sentences])

        self.expressions = [stacked(prompts.SEEN.sentences(name)) for name in EXPRESSIONS]
        self.units = [stacked(prompts.UNITS[unit][:-1]) for unit in prompts.UNITS]
        self.strengths = [
            [stacked([template.format(s) for s in prompts.UNITS[unit][:-1]]) for unit in prompts.UNITS]
            for template in prompts.STRENGTHS
        ]

    @staticmethod
    def draw(banks: Sequence[Tensor], chance: np.random.Generator, noise: float) -> Tensor:
        """One vector of each bank, a little off."""
        drawn = torch.stack([bank[int(chance.integers(len(bank)))] for bank in banks])
        off = torch.from_numpy(chance.normal(size=tuple(drawn.shape))).float()
        return nn.functional.normalize(drawn + noise * off / math.sqrt(drawn.shape[1]), dim=1)


def _loss(
    joint: Joint, images: Described, rows: Tensor, known: _Sentences, offset: Tensor,
    chance: np.random.Generator, options: Options,
) -> Tensor:  # fmt: skip
    seen = joint.images(images.rows[rows])
    scale = joint.log_scale.clamp(max=4.6).exp()
    texts = joint.texts(known.draw(known.expressions, chance, options.noise))
    loss = nn.functional.cross_entropy(
        scale * seen @ texts.T + offset, images.labels[rows], label_smoothing=options.smoothing
    )
    strengths = images.strengths[rows]
    asked = ~strengths.isnan().any(1)
    if not options.units or not asked.any():
        return loss
    found, wanted = seen[asked], strengths[asked]
    told = [(known.units, wanted > 0.5)]
    told += [
        (banks, (wanted >= low) & (wanted < high))
        for banks, (low, high) in zip(known.strengths, prompts.STRENGTHS.values(), strict=True)
    ]
    for banks, true in told:
        cosines = found @ joint.texts(known.draw(banks, chance, options.noise)).T
        pair = nn.functional.binary_cross_entropy_with_logits(10 * cosines, true.float())
        loss = loss + options.units / len(told) * pair
    return loss


def save(joint: Joint, folder: Path) -> str:
    """Write the joint in half precision to the folder of weights; the manifest's line."""
    state = {name: value.detach().half() for name, value in joint.state_dict().items()}
    return bundled.install(state, folder / FILE)


@torch.inference_mode()
def zero_shot(joint: Joint, images: Described, classes: Tensor) -> Tensor:
    """N predictions against K×384 classes' sentence vectors."""
    return (joint.images(images.rows) @ joint.texts(classes).T).argmax(1)
