from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.datasets.expressions import LabelledFaces
from core.expressions import EXPRESSIONS
from core.training import image_text as training
from core.types import Progress
from core.vision_language import prompts
from core.vision_language.facet import BLOCKS, Joint, joint_of

TINY = training.Options(epochs=6, batch=64, rate=3e-3, dropout=0.1)


def described(count: int = 280, seed: int = 0) -> training.Described:
    """Images whose class, and in a tenth of them whose action units, stand in a few of their numbers."""
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.integers(0, 7, count))
    rows = torch.from_numpy(rng.normal(size=(count, sum(BLOCKS)))).float()
    rows[torch.arange(count), labels] += 12
    strengths = torch.full((count, 12), torch.nan)
    asked = torch.arange(count) % 2 == 0
    strengths[asked] = torch.from_numpy(rng.uniform(size=(int(asked.sum()), 12))).float()
    rows[:, 600:612] += 12 * strengths.nan_to_num(0.5)
    return training.Described(rows.half(), labels, strengths)


@pytest.fixture(scope="module")
def vectors() -> dict[str, torch.Tensor]:
    """Each class's sentences around a vector of its own."""
    chance = torch.Generator().manual_seed(0)
    found = {s: torch.randn(384, generator=chance) for s in training.bank()}
    for name in EXPRESSIONS:
        centre = torch.randn(384, generator=chance)
        for sentence in prompts.SEEN.sentences(name):
            found[sentence] = centre + 0.5 * found[sentence]
    return {s: v / v.norm() for s, v in found.items()}


def trained(vectors: dict[str, torch.Tensor], options: training.Options) -> Joint:
    *events, joint = training.train(described(), vectors, options)
    assert isinstance(joint, Joint)
    losses = [event.data["loss"] for event in events if isinstance(event, Progress)]
    assert len(losses) == options.epochs and losses[-1] < losses[0]
    return joint


def test_it_learns_what_can_be_learned(vectors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    joint = trained(vectors, TINY)
    fresh = described(seed=1)
    classes = torch.stack([vectors[prompts.SEEN.sentences(name)[3]] for name in EXPRESSIONS])
    right = (training.zero_shot(joint, fresh, classes) == fresh.labels).float().mean()
    assert right > 0.8
    shuffled = (training.zero_shot(joint, fresh, classes.roll(1, 0)) == fresh.labels).float().mean()
    assert shuffled < 0.2
    line = training.save(joint, tmp_path)
    assert f"bytes = {(tmp_path / training.FILE).stat().st_size}" in line
    again = joint_of(load_file(tmp_path / training.FILE))
    torch.testing.assert_close(
        again.images(fresh.rows), joint.images(fresh.rows).detach(), rtol=0.02, atol=0.02
    )


def test_the_same_seed_gives_the_same_joint(vectors: dict[str, torch.Tensor]) -> None:
    short = training.Options(epochs=2, batch=64)
    one, other = (trained(vectors, short).state_dict() for _ in range(2))
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=0)


def test_unseen_sentences_are_not_in_the_bank() -> None:
    bank = set(training.bank())
    assert not bank & {s for name in EXPRESSIONS for s in prompts.UNSEEN.sentences(name)}
    assert not bank & {words[-1] for words in prompts.UNITS.values()}
    assert len(bank) > 300


def test_what_was_described_serves_again_only_for_the_same_stills_and_encoders(tmp_path: Path) -> None:
    class Frozen:
        fingerprint = "one"
        asked = 0

        def describe(self, crops: torch.Tensor) -> torch.Tensor:
            self.asked += len(crops)
            return crops.mean((2, 3)).repeat(1, 2)

    stills = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)
    faces = LabelledFaces(stills, np.zeros(5, np.int64), ("",) * 5)
    frozen, file = Frozen(), tmp_path / "kept.safetensors"

    def rows() -> torch.Tensor:
        *_, found = training.described(faces, frozen, file, batch=2)  # type: ignore[arg-type]
        assert isinstance(found, torch.Tensor)
        return found

    first = rows()
    assert first.shape == (5, 6) and frozen.asked == 5
    torch.testing.assert_close(rows(), first)
    assert frozen.asked == 5  # read from the file
    frozen.fingerprint = "other weights"
    rows()
    assert frozen.asked == 10
