"""Zero-shot expression recognition of the image-text models, and retrieval of the right sentence.

python -m benchmarks.image_text --write

Every sentence is one that no training saw (``core.vision_language.prompts.UNSEEN``). Needs the folder of
research data (FACET_TEST_DATA, else ../shared/data); models that are not here are left out and named.
"""

import argparse
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.results import table, write_section
from core import vision_language, weights
from core.datasets import expressions
from core.datasets.expressions import LabelledFaces, Part
from core.expressions import EXPRESSIONS, SPELLINGS
from core.metrics import intervals
from core.metrics.classification import f1_per_class
from core.settings import ROOT, settings
from core.vision_language import ImageText, prompts

TITLE = "Image-text models: zero-shot expressions"
COMMAND = "python -m benchmarks.image_text --write"
SETS = {
    "FER2013 PrivateTest": ("expressions/fer2013.parquet", "test"),
    "CK+ (people in no other part)": ("expressions/ckplus48.parquet", "test"),
}
TUNED = {
    "FER2013 PublicTest": ("expressions/fer2013.parquet", "validation"),
    "CK+ (validation people)": ("expressions/ckplus48.parquet", "validation"),
}
CHOICES = 20  # sentences among which the right one is to be found
DRAWS = 5  # of these sentences for each still


def embedded(name: str, faces: LabelledFaces, batch: int = 64) -> Tensor:
    """N×D unit vectors of whole stills, from the cache where weights and stills are the same."""
    card = vision_language.cards[name]
    known = hashlib.sha256("".join(weights.entry(part).digest for part in card.weights).encode())
    known.update(faces.pixels.tobytes())
    path = settings().cache_dir / "benchmarks" / "image-text" / f"{name}-{known.hexdigest()[:16]}.npy"
    if not path.exists():
        model, rows = vision_language.load(name), []
        for start in range(0, len(faces), batch):
            grey = torch.from_numpy(faces.pixels[start : start + batch]).unsqueeze(1)
            rows.append(model.images(grey.expand(-1, 3, -1, -1)))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, torch.cat(rows).numpy())
    return torch.from_numpy(np.load(path))


def zero_shot(images: Tensor, faces: LabelledFaces, model: ImageText) -> tuple[list[str], list[str]]:
    """Cells of all sentences together, and of one sentence a class: the range over sentences."""
    banks = [prompts.UNSEEN.sentences(name) for name in EXPRESSIONS]
    whole = (images @ model.classes(banks).T).argmax(1).numpy()
    people = faces.people if faces.people[0] else tuple(map(str, range(len(faces))))
    right = intervals.mean((whole == faces.labels).astype(float), people)
    f1 = f1_per_class(faces.labels, whole, len(EXPRESSIONS))[np.unique(faces.labels)].mean()
    single = []
    for number in range(min(map(len, banks))):
        texts = model.texts([bank[number] for bank in banks])
        single.append(float(((images @ texts.T).argmax(1).numpy() == faces.labels).mean()))
    told = f"{100 * right.estimate:.1f} [{100 * right.low:.1f}, {100 * right.high:.1f}]"
    spread = f"{100 * np.mean(single):.1f} ({100 * min(single):.1f} to {100 * max(single):.1f})"
    return [told, f"{100 * f1:.1f}"], [spread]


def retrieval(images: Tensor, faces: LabelledFaces, model: ImageText) -> list[str]:
    """How often the one right sentence of 20 comes first, and among the first three."""
    banks = [model.texts(prompts.UNSEEN.sentences(name)) for name in EXPRESSIONS]
    chance, first, third = np.random.default_rng(0), [], []
    for image, label in zip(images, faces.labels.tolist(), strict=True):
        others = torch.cat([bank for number, bank in enumerate(banks) if number != label])
        for _ in range(DRAWS):
            right = banks[label][int(chance.integers(len(banks[label])))]
            wrong = others[torch.from_numpy(chance.choice(len(others), CHOICES - 1, replace=False))]
            rank = int((wrong @ image > right @ image).sum())
            first.append(rank == 0)
            third.append(rank < 3)
    return [f"{100 * np.mean(first):.1f}", f"{100 * np.mean(third):.1f}"]


def rows(folder: Path, names: Sequence[str], sets: dict[str, tuple[str, str]]) -> list[list[str]]:
    """A row for each model and set."""
    found = []
    for title, (file, part) in sets.items():
        for name in names:
            model = vision_language.load(name)
            wanted: Part = "test" if part == "test" else "validation"
            faces = expressions.read(folder / file, EXPRESSIONS, wanted, model.card.size, SPELLINGS)
            images = embedded(name, faces)
            whole, single = zero_shot(images, faces, model)
            row = [f"{title}, {len(faces)} stills", name, *whole, *single]
            found.append([*row, *retrieval(images, faces, model)])
            print(" | ".join(found[-1]), flush=True)
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FACET_TEST_DATA"))
    parser.add_argument("--tune", action="store_true", help="the validation parts, to choose a recipe by")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    chosen = parser.parse_args()
    folder = Path(chosen.data or ROOT.parent / "shared" / "data")
    here = {
        name: all(weights.status(part).present for part in card.weights)
        for name, card in vision_language.cards.items()
    }
    names = [name for name, present in here.items() if present]
    missing = ", ".join(name for name, present in here.items() if not present)
    head = ["set", "model", "accuracy", "macro-F1", "one sentence a class: mean (range)"]
    head += ["right sentence first of 20", "among the first 3"]
    text = (
        "Percent. Class vectors are the mean of all unseen sentences of a class; 95 % intervals of accuracy "
        "resample people (FER2013 names none: stills). One sentence a class: the n-th of each together. "
        "Macro-F1 is over the classes that the set has. Retrieval: one sentence of the right class among "
        f"{CHOICES - 1} of other classes, {DRAWS} draws a still; chance is 5 and 15. "
        f"Not here: {missing or 'none'}.\n\n"
        + table(head, rows(folder, names, TUNED if chosen.tune else SETS))
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


if __name__ == "__main__":
    main()
