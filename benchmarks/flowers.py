"""The bundled prior of natural patches: its autoencoder, its samples, and whether it copies.

python -m benchmarks.flowers --write [--sheets DIR]

Needs the folder of research data (FACET_TEST_DATA, else ../shared/data). Everything is looked at in 64×64.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from benchmarks.results import table, write_section
from core.datasets import flowers as photographs
from core.datasets.flowers import CLASSES
from core.diffusion import flowers, load
from core.diffusion.base import Prior
from core.metrics.natural import frechet, kernel
from core.settings import ROOT
from core.training.latent_bank import WHOLE, as_pictures, crops
from core.vision_language import vit

TITLE = "The prior of natural patches (latent diffusion)"
COMMAND = "python -m benchmarks.flowers --write"
EACH = 20  # pictures of a species in each set
SIDE = 112  # pixels in which the network looks
GUIDANCES = (1.0, 2.0, 4.0)
CHOSEN = flowers.CARD.guidance
VIEWS = ((160, 160), (140, 140))  # sides of the crops of every training photograph that samples are held to
HELD, TRAINED = "held-out photographs", "training photographs"
CODED_HELD, CODED_TRAINED = "held-out, through the autoencoder", "training, through the autoencoder"


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Pictures N×3×64×64 in 0..1, the species N they should show, and their class tokens N×384."""

    pictures: Tensor
    labels: NDArray[np.int64]
    tokens: NDArray[np.float64]


class Eye:
    """ViT-S/14's class token."""

    def __init__(self) -> None:
        self.net: nn.Module = vit.load()

    @torch.inference_mode()
    def __call__(self, pictures: Tensor, labels: NDArray[np.int64]) -> Looked:
        """Look at pictures in 0..1."""
        rows = []
        for part in torch.split(pictures, 32):
            large = nn.functional.interpolate(part, SIDE, mode="bicubic").clamp(0, 1)
            rows.append(self.net(vit.normalised(large))[:, : vit.DIM])
        return Looked(pictures, labels, torch.cat(rows).double().numpy())


def seen(
    root: Path, part: photographs.Part, sides: tuple[int, int], each: int
) -> tuple[Tensor, NDArray[np.int64]]:
    """One crop of each of the first photographs of every species, N×3×64×64 in 0..1."""
    found = photographs.read(root, CLASSES, part)
    rows = np.concatenate([np.flatnonzero(found.labels == one)[:each] for one in range(len(CLASSES))])
    torch.manual_seed(0)
    return (crops(as_pictures(found)[rows], sides) + 1) / 2, found.labels[rows]


@torch.inference_mode()
def batched(function, rows: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
    """A function of many rows, forty at a time."""
    return torch.cat([function(part) for part in torch.split(rows, 40)])


def drawn(prior: Prior, labels: NDArray[np.int64], guidance: float) -> Tensor:
    """Samples of the species asked for, N×3×64×64."""
    names = [CLASSES[label] for label in labels]
    latents = [
        prior.sample(names[start : start + 40], seed=start, guidance=guidance)
        for start in range(0, len(names), 40)
    ]
    return batched(prior.decode, torch.cat(latents))


def sets(prior: Prior, root: Path, eye: Eye) -> dict[str, Looked]:
    """Everything that is compared, each with as many pictures of each species."""
    held, labels = seen(root, "test", WHOLE, EACH)
    trained, _ = seen(root, "train", WHOLE, EACH)
    chance = torch.Generator().manual_seed(0)
    order = torch.stack([torch.randperm(held[0, 0].numel(), generator=chance) for _ in held])
    shuffled = held.flatten(2).gather(2, order[:, None].expand(-1, 3, -1)).view_as(held)
    random = torch.randn(len(held), *prior.card.latent, generator=chance)
    pictures = {
        HELD: held,
        TRAINED: trained,
        CODED_HELD: batched(prior.project, held),
        CODED_TRAINED: batched(prior.project, trained),
        **{f"samples, guidance {one:g}": drawn(prior, labels, one) for one in GUIDANCES},
        "decoded normal noise (no diffusion)": batched(prior.decode, random),
        "held-out, pixels shuffled": shuffled,
        "uniform noise": torch.rand(held.shape, generator=chance),
    }
    return {name: eye(rows, labels) for name, rows in pictures.items()}


def nearest(
    one: NDArray[np.float64], bank: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Cosine distance of each row to the nearest of the bank, and which that is."""
    unit, known = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, bank))
    cosines = unit @ known.T
    return 1 - cosines.max(1), cosines.argmax(1)


def small(pictures: Tensor) -> NDArray[np.float64]:
    """N×768 values of 16×16 pictures."""
    return nn.functional.interpolate(pictures, 16, mode="area").flatten(1).double().numpy()


def apart(one: Tensor, bank: Tensor) -> NDArray[np.float64]:
    """Root mean square difference to the nearest of the bank, in 16×16."""
    rows, known = torch.from_numpy(small(one)), torch.from_numpy(small(bank))
    return (torch.cdist(rows, known).min(1).values / rows.shape[1] ** 0.5).numpy()


def distances(found: dict[str, Looked], classifier) -> str:  # type: ignore[no-untyped-def]
    """The table of the sets."""
    rows = []
    for name, one in found.items():
        itself = name == HELD
        rows.append(
            [
                name,
                "-" if itself else f"{frechet(found[HELD].tokens, one.tokens):.0f}",
                "-" if itself else f"{kernel(found[HELD].tokens, one.tokens):.2f}",
                f"{100 * (classifier.predict(one.tokens) == one.labels).mean():.1f} %",
                f"{(one.pictures.diff(dim=2).abs().mean() + one.pictures.diff(dim=3).abs().mean()) / 2:.3f}",
            ]
        )
    return table(["set", "Fréchet", "kernel", "species agreed", "difference of neighbours"], rows)


def copying(found: dict[str, Looked], bank: Looked) -> str:
    """The table of nearest training pictures."""
    rows = []
    for name in (HELD, CODED_HELD, f"samples, guidance {CHOSEN:g}", CODED_TRAINED):
        token, pixel = nearest(found[name].tokens, bank.tokens)[0], apart(found[name].pictures, bank.pictures)
        cells = [f"{np.min(d):.3f} / {np.quantile(d, 0.05):.3f} / {np.median(d):.3f}" for d in (token, pixel)]
        rows.append([name, *cells])
    return table(["set", "cosine distance of class tokens", "RMS difference in 16×16"], rows)


def coding(prior: Prior, found: dict[str, Looked]) -> str:
    """What the autoencoder loses, and that a second pass loses little more."""
    held, once = found[HELD].pictures, found[CODED_HELD].pictures
    samples = found[f"samples, guidance {CHOSEN:g}"].pictures
    psnr = -10 * torch.log10((held - once).square().mean((1, 2, 3)))
    again = [(batched(prior.project, rows) - rows).abs() for rows in (once, samples)]
    first = (held - once).abs().mean()
    return (
        f"Autoencoder on {len(held)} held-out crops: mean PSNR {psnr.mean():.2f} dB (5th to 95th percentile "
        f"{psnr.quantile(0.05):.1f} to {psnr.quantile(0.95):.1f}), mean absolute error {first:.4f} of 1. "
        f"A second pass over its own output changes {again[0].mean():.4f} on average (largest mean of a "
        f"picture {again[0].mean((1, 2, 3)).max():.4f}), over decoded samples {again[1].mean():.4f} "
        f"({again[1].mean((1, 2, 3)).max():.4f})."
    )


def sheet(pictures: Tensor, columns: int, path: Path) -> None:
    """Write rows of pictures as one."""
    rows = [torch.cat(list(part), 2) for part in torch.split(pictures, columns) if len(part) == columns]
    whole = (torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    cv2.imwrite(str(path), cv2.cvtColor(whole, cv2.COLOR_RGB2BGR))


def sheets(found: dict[str, Looked], bank: Looked, folder: Path) -> None:
    """A sheet of each set, and some samples above their nearest training pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in found.items():
        sheet(one.pictures, EACH, folder / f"{name.replace(' ', '_').replace(',', '')}.png")
    chosen = found[f"samples, guidance {CHOSEN:g}"]
    near = nearest(chosen.tokens, bank.tokens)
    order = np.argsort(near[0])[:20]
    pairs = torch.cat([chosen.pictures[order], bank.pictures[near[1][order]]])
    sheet(pairs, 20, folder / "nearest.png")


def main() -> None:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets")
    chosen = parser.parse_args()
    root = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    prior, eye = load(flowers.CARD.name), Eye()
    found = sets(prior, root, eye)
    views = [seen(root, "train", view, 60) for view in VIEWS]
    bank = eye(torch.cat([rows for rows, _ in views]), np.concatenate([known for _, known in views]))
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    classifier.fit(bank.tokens, bank.labels)
    if chosen.sheets:
        sheets(found, bank, chosen.sheets)
    text = "\n\n".join(
        [
            INTRODUCTION.format(count=len(found[HELD].labels), each=EACH, side=SIDE, steps=prior.card.steps),
            coding(prior, found),
            distances(found, classifier),
            COPIES.format(views=len(bank.labels)),
            copying(found, bank),
        ]
    )
    print(text)
    if chosen.write:
        write_section(TITLE, COMMAND, text)


INTRODUCTION = (
    "Each set has {count} pictures in 64×64, {each} of each of 12 species. Distances are to the held-out "
    "photographs, by the class token of ViT-S/14 on pictures enlarged to {side} px; the training photographs "
    "are what a perfect prior would reach. Fréchet distances of so few pictures are biased upwards in all "
    "rows, the kernel distance is not. Species: a logistic regression on tokens of the training photographs "
    "(so their own row tells nothing). Differences of neighbouring pixels tell how blurred a set is. Samples "
    "take {steps} steps."
)
COPIES = (
    "Nearest of {views} views of the 720 training photographs (whole, and a large square): smallest / "
    "5th percentile / median over a set. A model that copies would lie below the held-out pictures that went "
    "through the autoencoder, near the training pictures that did; those are other crops than the views."
)

if __name__ == "__main__":
    main()
