"""The command line of the encoder: ``abaw features`` stores what it says about every frame of a data set.

    python -m core abaw features VIDEOS --out DIR [--data ANNOTATIONS] [--encoder NAME]
    python -m core abaw features VIDEOS --whole --out DIR          for violence: whole pictures, ViT-S/14
    python -m core abaw features CROPPED --cropped --out DIR [--data ANNOTATIONS] [--encoder NAME]

Videos lie in the folder or in folders just below it; cropped pictures as ``CROPPED/VIDEO/00001.jpg``. What is
stored already is left alone, so the command goes on where it stopped. The annotations tell which videos show
two annotated people (``_left``, ``_right``), and how many frames a cropped video has.

The limits on clips hold here too; AffWild2's longer videos need larger ones, for instance
``FACET_MAX_VIDEO_SECONDS=3600 FACET_MAX_VIDEO_FRAMES=200000 FACET_MAX_VIDEO_BYTES=4e9``.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from core.datasets import affwild2
from core.errors import Code, UserError
from core.types import Progress

if TYPE_CHECKING:
    from core.abaw.features import FeatureStore


def add(commands: Any) -> None:
    """Add ``abaw features`` to the commands."""
    parser = commands.add_parser("abaw", help="the ABAW system without a browser")
    actions = parser.add_subparsers(dest="action", required=True)
    features = actions.add_parser("features", help="store an encoder's features of a folder of videos")
    features.add_argument("folder", type=Path, metavar="FOLDER", help="of videos, or with --cropped of crops")
    features.add_argument("--out", type=Path, required=True, help="for the features")
    features.add_argument("--data", type=Path, help="annotations, for sides and lengths")
    features.add_argument("--encoder", default="facet-expression")
    features.add_argument("--cropped", action="store_true", help="pictures of cropped faces, not videos")
    features.add_argument("--whole", action="store_true", help="whole pictures, for violence")
    features.set_defaults(run=_features)


def _features(chosen: argparse.Namespace) -> int:
    from core.abaw import extract, models

    if chosen.whole:
        return _whole(chosen.folder, chosen.out)
    loaded = models.load(chosen.encoder)
    rows = affwild2.lengths(chosen.data) if chosen.data is not None else {}
    jobs = _cropped(chosen.folder) if chosen.cropped else _videos(chosen.folder, rows)

    def work(name: str) -> Iterator[Any]:
        if chosen.cropped:
            crops = affwild2.crops(chosen.folder, name)
            yield extract.from_crops(crops, name, loaded.encoder, rows.get(name))
        else:
            path, names = jobs[name]
            yield from extract.from_video(path, names, loaded)

    names = {name: people for name, (_, people) in jobs.items()}
    return _filled(extract.store(chosen.out, loaded.encoder), names, work)


def _whole(folder: Path, out: Path) -> int:
    from core.abaw import extract, whole
    from core.vision_language import vit

    backbone, jobs = vit.load(), affwild2.videos(folder)
    names = {name: (name,) for name in jobs}
    return _filled(whole.store(out), names, lambda name: extract.from_frames(jobs[name], name, backbone))


def _filled(
    store: "FeatureStore", jobs: Mapping[str, Sequence[str]], work: Callable[[str], Iterator[Any]]
) -> int:
    """Work through the videos whose annotations are not all stored; 1 if any failed, each with a sentence."""
    todo = [name for name, people in jobs.items() if not all(one in store for one in people)]
    failed = 0
    with tqdm(todo, unit="video") as bar:
        for name in bar:
            try:
                for event in work(name):
                    if isinstance(event, Progress):
                        bar.set_description(f"{name}, {event.message.lower()}")
                        continue
                    for one, found in event.people.items():
                        store.save(one, found)
                    for notice in event.notices:
                        bar.write(f"{name}: {notice.message}")
            except UserError as problem:
                failed += 1
                bar.write(f"{name} was skipped: {problem.message} {problem.hint}")
    tqdm.write(f"{len(jobs) - failed} of {len(jobs)} videos are in {store.folder}")
    return int(failed > 0)


Jobs = Mapping[str, tuple[Path, Sequence[str]]]


def _videos(folder: Path, rows: Mapping[str, int]) -> Jobs:
    """Each video with the names of its annotations; its own name where there is none."""
    found = {}
    for name, path in affwild2.videos(folder).items():
        sides = [one for one in (name, *(f"{name}_{side}" for side in affwild2.SIDES)) if one in rows]
        found[name] = (path, sides or [name])
    return found


def _cropped(folder: Path) -> Jobs:
    found = sorted(child for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
    if not found:
        raise UserError(
            Code.NO_VIDEO,
            f"The folder {folder.name} holds no folder of cropped pictures.",
            "Unpack them there, a folder a video.",
        )
    return {child.name: (child, [child.name]) for child in found if not child.name.startswith(".")}
