"""All recognisers side by side on real faces, and the acceptance thresholds of the app.

    python -m benchmarks.recognition --write

Needs the folder of research data (FACET_TEST_DATA, else ../shared/data) and every recogniser's weights.
Without --write it prints; with it, RESULTS.md and weights/thresholds.json are renewed. The first run
measures about thirteen thousand faces (an hour or two on two cores); later runs read the cache.

Which people serve what: the native crops' boxes were tuned on people of folds 0 and 1 of the LFW pairs;
thresholds rest on the people of folds 2 to 9 without the ten of lfw10, on which the camouflage reports.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import recognition_data as data
from benchmarks.results import table, write_section
from core import recognition, weights
from core.datasets import lfw
from core.metrics import intervals, verification
from core.recognition.thresholds import FILE, TARGETS, Thresholds, save
from core.settings import ROOT, settings
from core.types import FloatArray

COMMAND = "python -m benchmarks.recognition --write"
REPORTED = range(2, 10)  # folds; 0 and 1 tuned the boxes
PHOTOS_EACH = 10  # at most, of one person, so that no face dominates the genuine pairs
UTKFACE = 1500  # photos
SOURCE = (
    "LFW (grey, 160 px): every pair among the photos of the official pairs' folds 3 to 10, at most ten a "
    "person, without the ten people of lfw10"
)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Cosines of genuine and impostor pairs; ``people`` names each genuine pair's person."""

    genuine: FloatArray
    impostor: FloatArray
    people: NDArray[np.str_]


def all_pairs(embedded: FloatArray, identities: NDArray[np.str_]) -> Scores:
    """Every photo against every other."""
    similarity = embedded @ embedded.T
    once = np.triu(np.ones(similarity.shape, bool), 1)
    genuine, impostor = verification.split(similarity, identities, identities, once)
    rows, _ = np.nonzero((identities[:, None] == identities[None]) & once)
    return Scores(genuine, impostor, identities[rows])


def calibration(faces: data.Set, pairs: tuple[lfw.Pair, ...], held_out: set[str]) -> NDArray[np.intp]:
    """Photos that thresholds rest on."""
    people = {name[:-5] for pair in pairs if pair.fold in REPORTED for name in (pair.first, pair.second)}
    count: dict[str, int] = {}
    chosen = []
    for index, photo in enumerate(faces.photos):
        seen = count.get(photo.identity, 0)
        if photo.identity in people - held_out and seen < PHOTOS_EACH:
            count[photo.identity] = seen + 1
            chosen.append(index)
    return np.array(chosen)


def official(
    faces: data.Set, pairs: tuple[lfw.Pair, ...], embedded: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.intp]]:
    """Cosine, kind and fold of the reported official pairs whose faces were found."""
    row = {photo.name: index for index, photo in enumerate(faces.photos)}
    usable = [p for p in pairs if p.fold in REPORTED and p.first in row and p.second in row]
    first, second = (embedded[[row[getattr(p, side)] for p in usable]] for side in ("first", "second"))
    return (first * second).sum(1), np.array([p.genuine for p in usable]), np.array([p.fold for p in usable])


def accuracy(scores: FloatArray, genuine: NDArray[np.bool_], folds: NDArray[np.intp]) -> float:
    """Mean over folds of the accuracy at the threshold that is best on all other folds (LFW's protocol)."""
    rates = []
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        levels = np.sort(scores[train])
        accepted = len(levels) - np.arange(len(levels))  # at each level and above
        right = np.cumsum(genuine[train][np.argsort(scores[train])][::-1])[::-1]
        correct = right + (~genuine[train]).sum() - (accepted - right)
        threshold = levels[np.argmax(correct)]
        rates.append(np.mean((scores[test] >= threshold) == genuine[test]))
    return float(np.mean(rates))


def measure(scores: Scores) -> Thresholds:
    """What the app keeps of a recogniser."""
    points = {target: verification.at_far(scores.genuine, scores.impostor, target) for target in TARGETS}
    return Thresholds(
        far={target: point.threshold for target, point in points.items()},
        impostor_mean=float(scores.impostor.mean()),
        impostor_std=float(scores.impostor.std()),
        genuine_mean=float(scores.genuine.mean()),
        impostor_pairs=len(scores.impostor),
        genuine_pairs=len(scores.genuine),
        source=SOURCE,
    )


def official_table(sets: Mapping[str, data.Set], pairs: tuple[lfw.Pair, ...], models: list[str]) -> str:
    """The reported folds of LFW's own protocol."""
    rows = []
    for model in models:
        scores, genuine, folds = official(sets["lfw"], pairs, data.embeddings(sets["lfw"], model))
        curve = verification.roc(scores[genuine], scores[~genuine])
        points = [verification.at_far(scores[genuine], scores[~genuine], target) for target in TARGETS]
        figures = [accuracy(scores, genuine, folds), curve.auc, verification.equal_error_rate(curve)[0]]
        rows.append([model, *(f"{x:.4f}" for x in (*figures, *(p.tar for p in points)))])
    note = (
        f"LFW's own pairs, folds 3 to 10: {genuine.sum()} genuine and {(~genuine).sum()} impostor pairs "
        f"(grey, 160 px). Accuracy is the mean over folds at the threshold that is best on the others."
    )
    header = ["recogniser", "accuracy", "AUC", "EER", "TAR at FAR 1e-2", "TAR at FAR 1e-3"]
    return f"{note}\n\n{table(header, rows)}"


def threshold_table(found: Mapping[str, Thresholds], scores: Mapping[str, Scores]) -> str:
    """The kept thresholds and what they accept on their own pairs."""
    rows = []
    for model, one in found.items():
        cells = [model]
        for threshold in one.far.values():
            accepted = (scores[model].genuine >= threshold).astype(float)
            share = intervals.mean(accepted, scores[model].people, resamples=1000)
            cells += [f"{threshold:.4f}", f"{share.estimate:.4f} ({share.low:.4f} to {share.high:.4f})"]
        spread = f"{one.impostor_mean:.3f} ± {one.impostor_std:.3f}"
        rows.append([*cells, spread, f"{one.genuine_mean:.3f}"])
    one = next(iter(found.values()))
    note = (
        f"Thresholds (`weights/{FILE}`) rest on all pairs: {one.impostor_pairs:,} impostor and "
        f"{one.genuine_pairs:,} genuine pairs. {SOURCE}. TAR with its 95 % interval over people."
    )
    header = ["recogniser", "τ at 1e-2", "TAR", "τ at 1e-3", "TAR", "impostor cosine", "genuine cosine"]
    return f"{note}\n\n{table(header, rows)}"


def carried_table(sets: Mapping[str, data.Set], found: Mapping[str, Thresholds]) -> str:
    """What the kept thresholds do on sets they were not measured on."""
    header, rows = ["recogniser"], []
    for name in ("lfw10", "johns", "orl"):
        header += [f"{name} FAR, TAR at τ(1e-2)", f"{name} FAR, TAR at τ(1e-3)"]
    counts = ""
    for model, one in found.items():
        cells, counts = [model], ""
        for name in ("lfw10", "johns", "orl"):
            scores = all_pairs(data.embeddings(sets[name], model), sets[name].identities)
            counts += f" {name}: {len(scores.impostor):,} impostor and {len(scores.genuine):,} genuine pairs;"
            for threshold in one.far.values():
                point = verification.at_threshold(scores.genuine, scores.impostor, threshold)
                cells.append(f"{point.far:.4f}, {point.tar:.3f}")
        rows.append(cells)
    note = f"The same thresholds elsewhere (lfw10 and johns in colour, orl grey).{counts[:-1]}."
    return f"{note}\n\n{table(header, rows)}"


def colour_table(sets: Mapping[str, data.Set], found: Mapping[str, Thresholds]) -> str:
    """Whether colour moves the thresholds: the same photos with and without it."""
    faces = sets["utkface"]
    rows = []
    for model, one in found.items():
        cells = [model]
        coloured, grey = (
            all_pairs(data.embeddings(faces, model, change), faces.identities).impostor
            for change in (None, data.grey)
        )
        for target, threshold in one.far.items():
            moved = [verification.at_far(s, s, target).threshold for s in (coloured, grey)]
            cells += [
                f"{moved[0]:.4f}",
                f"{moved[0] - moved[1]:+.4f}",
                f"{(coloured >= threshold).mean():.5f}",
            ]
        rows.append(cells)
    note = (
        f"Does colour move thresholds that were measured on grey photos? {len(faces.photos)} colour faces of "
        f"UTKFace, every pair counted as two people ({len(coloured):,} pairs; a few are not), once as they "
        "are and once without colour. The last column of each half: the FAR of the kept threshold here."
    )
    header = ["recogniser"]
    for target in TARGETS:
        header += [f"τ at {target:g} in colour", "minus grey", "FAR at kept τ"]
    return f"{note}\n\n{table(header, rows)}"


def size_table(models: list[str]) -> str:
    """Crops, parameters and files; what a forward pass costs is in the section on painting."""
    rows = []
    for model in models:
        net = recognition.load(model)
        count = sum(parameter.numel() for parameter in net.parameters())
        size = sum(file.bytes for file in weights.entry(model).files)
        rows.append([model, f"{net.size}", f"{net.dim}", f"{count / 1e6:.2f}", f"{size / 1e6:.1f}"])
    return table(["recogniser", "crop, px", "dim", "parameters, M", "file, MB"], rows)


def sections(folder: Path, models: list[str], write: bool) -> Iterator[str]:
    """Measure everything; yield the parts of the report, and write the thresholds if asked."""
    sets = {name: data.load(name, folder, UTKFACE if name == "utkface" else None) for name in data.SETS}
    pairs = lfw.pairs(folder / "faces" / "lfw_pairs.txt")
    held_out = set(sets["lfw10"].identities.tolist())
    chosen = calibration(sets["lfw"], pairs, held_out)
    identities = sets["lfw"].identities[chosen]
    scores = {m: all_pairs(data.embeddings(sets["lfw"], m)[chosen], identities) for m in models}
    found = {model: measure(scores[model]) for model in models}
    if write:
        boxes = {model: list(recognition.cards[model].box.corners) for model in models}
        save(settings().weights_dir / FILE, COMMAND, found, boxes)
    missed = ", ".join(f"{name} {one.missed} of {len(one.photos) + one.missed}" for name, one in sets.items())
    yield f"Faces found and measured by `core.faces` as in the app. Without a face: {missed}."
    yield official_table(sets, pairs, models)
    yield threshold_table(found, scores)
    yield carried_table(sets, found)
    yield colour_table(sets, found)
    yield size_table(models)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Measure the recognisers.")
    parser.add_argument("--write", action="store_true", help="renew RESULTS.md and the thresholds")
    parser.add_argument("--models", nargs="+", default=list(recognition.recognizers))
    arguments = parser.parse_args()
    folder = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    text = "\n\n".join(sections(folder, arguments.models, arguments.write))
    print(text)
    if arguments.write:
        write_section("Recognition", COMMAND, text)


if __name__ == "__main__":
    main()
