"""What the audio head hears in people it never heard: two of EMO-DB's speakers, then each of the ten in turn.

python -m benchmarks.abaw_audio --data ../shared/data --write

A sentence's class is the largest mean probability over its spoken moments. The head that ships is judged on
the two speakers whom no choice ever looked at. Ten speakers give an interval, so the recipe is also run ten
times: one speaker is left out, the next two are for early stopping, seven are for training; beside it, with
the same recipe, the log-mel spectrum of each moment instead of the encoder's state, and labels shuffled among
the sentences.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.results import table, write_section
from core import speech
from core.abaw import hearing
from core.abaw.classes import EXPRESSIONS
from core.datasets.emodb import SPEAKERS
from core.media import audio
from core.metrics.classification import confusion, f1_per_class, scores
from core.metrics.intervals import bootstrap
from core.settings import settings
from core.training import abaw_audio
from core.training.abaw_audio import Heard
from core.training.loop import Outcome

COMMAND = "python -m benchmarks.abaw_audio --data ../shared/data --write"
CLASSES = len(EXPRESSIONS)
Labels = NDArray[np.int64]
FIGURES: dict[str, Callable[[Labels, Labels], float]] = {
    "accuracy": lambda truth, said: scores(truth, said, CLASSES).accuracy,
    "UAR": lambda truth, said: scores(truth, said, CLASSES).unweighted_recall,
    "macro-F1": lambda truth, said: float(f1_per_class(truth, said, CLASSES)[np.unique(truth)].mean()),
}
CLIPS = {"mead_M030_sad_3_001.mp4": "sadness"}
"""Acted clips of a known class in which anything can be heard; the others are silent or have no sound."""


def ordered() -> list[str]:
    """All speakers, those of training first."""
    return [speaker for part in SPEAKERS.values() for speaker in part]


def answers(head: nn.Module, heard: Heard, of: str, speakers: list[str]) -> tuple[Labels, Labels, float]:
    """Numbers of these speakers' sentences, the class of each, and the accuracy of single moments."""
    rows = getattr(heard, of).float()
    with torch.inference_mode():
        said = head(rows).softmax(1).numpy()
    clips = heard.clips.numpy()
    sentences = [number for number, one in enumerate(heard.utterances) if one.speaker in speakers]
    whole = np.array([said[clips == number].mean(0).argmax() for number in sentences], np.int64)
    here = np.isin(clips, sentences)
    moments = float((said[here].argmax(1) == heard.emotions[clips[here]]).mean())
    return np.array(sentences), whole, moments


def trained(heard: Heard, of: str, tuned: list[str], checked: list[str], labels: Labels) -> nn.Module:
    """A head of the same recipe on some speakers."""
    with TemporaryDirectory() as folder:
        rows, held = heard.rows(tuned, of, labels), heard.rows(checked, of, labels)
        *_, found = abaw_audio.train(rows, held, Path(folder))
    assert isinstance(found, Outcome)
    return found.model


def in_turn(heard: Heard, of: str, labels: Labels) -> Labels:
    """The class of every sentence from a head that never heard its speaker."""
    people, found = ordered(), np.full(len(heard.utterances), -1)
    for at, left_out in enumerate(people):
        checked = [people[(at + step) % len(people)] for step in (1, 2)]
        tuned = [one for one in people if one not in (left_out, *checked)]
        sentences, said, _ = answers(trained(heard, of, tuned, checked, labels), heard, of, [left_out])
        found[sentences] = said
    return found


def majority(heard: Heard) -> Labels:
    """The most frequent class of the training speakers, for every sentence."""
    trained_on = [one.speaker in SPEAKERS["training"] for one in heard.utterances]
    counts = np.bincount(heard.emotions[trained_on])
    return np.full(len(heard.utterances), counts.argmax())


def cells(truth: Labels, said: Labels, people: NDArray[np.str_] | None = None) -> list[str]:
    """The three figures in percent, with intervals over speakers where these are given."""
    row = []
    for figure in FIGURES.values():
        text = f"{100 * figure(truth, said):.1f}"
        if people is not None:
            found = bootstrap(lambda at, figure=figure: figure(truth[at], said[at]), people, resamples=1000)
            text += f" [{100 * found.low:.1f}, {100 * found.high:.1f}]"
        row.append(text)
    return row


def shipped(heard: Heard) -> tuple[list[list[str]], float]:
    """Rows of the bundled head on the two held-out speakers, and its accuracy on single moments of both."""
    head, truth, rows, moments = hearing.load().head, heard.emotions, [], 0.0
    both = list(SPEAKERS["test"])
    for names in (*([one] for one in both), both):
        sentences, said, moments = answers(head, heard, "states", names)
        words = "both" if len(names) > 1 else f"speaker {names[0]}"
        rows.append([words, str(len(said)), *cells(truth[sentences], said)])
    common = majority(heard)[sentences]
    return [*rows, ["majority class, both", str(len(common)), *cells(truth[sentences], common)]], moments


def turns(heard: Heard) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the recipe and its controls with each speaker left out, and the recipe's confusion."""
    truth, speakers = heard.emotions, np.array([one.speaker for one in heard.utterances])
    shuffled = np.random.default_rng(0).permutation(truth)
    said = {
        "encoder's states": in_turn(heard, "states", truth),
        "control: log-mel spectrum": in_turn(heard, "spectra", truth),
        "control: labels shuffled": in_turn(heard, "states", shuffled),
        "control: majority class": majority(heard),
    }
    rows = [[name, str(len(truth)), *cells(truth, found, speakers)] for name, found in said.items()]
    matrix, acted = confusion(truth, said["encoder's states"], CLASSES), np.unique(truth)
    crossed = [[EXPRESSIONS[one], *[str(matrix[one, other]) for other in acted]] for one in acted]
    return rows, [["acted", *[EXPRESSIONS[one] for one in acted]], *crossed]


def report(heard: Heard, clips: Path) -> str:
    """All tables."""
    names = ["", "sentences", *FIGURES]
    held, moments = shipped(heard)
    rows, (head, *crossed) = turns(heard)
    parts = [
        f"EMO-DB without boredom: {len(heard.utterances)} sentences, {len(heard.clips)} spoken moments of "
        "20 ms, percent. macro-F1 is the mean over the six classes that are acted. Everybody says the same "
        "ten sentences: words are no cue, and no other words were heard.",
        "The head that ships, on the two speakers that no choice looked at (two people make no interval); "
        f"single moments of both are right in {100 * moments:.1f} %:",
        table(names, held),
        "The same recipe, each of ten speakers left out in turn, with 95 % intervals over speakers:",
        table(names, rows),
        "Acted (rows) and heard (columns) with each speaker left out, sentences:",
        table(head, crossed),
        "The head that ships on an acted clip in English; the other acted clips are silent:",
        table(["clip", "acted", "mean over spoken frames"], heard_in(clips)),
    ]
    return "\n\n".join(parts)


def heard_in(folder: Path) -> list[list[str]]:
    """What the sound alone says about acted clips."""
    lines = []
    for name, acted in CLIPS.items():
        sound = audio.load(folder / name, speech.RATE)
        assert sound is not None
        times = np.arange(0, sound.start + len(sound.samples) / sound.rate, 1 / 30)
        rows = hearing.load().rows(sound, times)
        assert rows is not None
        mean = rows[(rows != hearing.SILENCE).any(1)].mean(0)
        best = np.argsort(-mean)[:3]
        lines.append([name, acted, ", ".join(f"{EXPRESSIONS[one]} {mean[one]:.2f}" for one in best)])
    return lines


def main() -> None:
    """Run, print and, with --write, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of research data")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    kept = settings().cache_dir / "benchmarks" / "abaw_audio" / abaw_audio.STATES
    *_, heard = abaw_audio.gather(chosen.data / "audio" / "emodb", speech.load, kept)
    assert isinstance(heard, Heard)
    text = report(heard, chosen.data / "video")
    print(text)
    if chosen.write:
        write_section("Audio head", COMMAND, text)


if __name__ == "__main__":
    main()
