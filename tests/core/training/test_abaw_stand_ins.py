"""Heads trained on what stands in for AffWild2."""

import numpy as np
import torch

from core.abaw.classes import EXPRESSIONS, IGNORED_DIMENSION, OTHER
from core.training import abaw_stand_ins
from core.training.abaw_stand_ins import Examples
from core.training.loop import Options


def examples(count: int, seed: int) -> Examples:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, OTHER, count)
    features = np.eye(len(EXPRESSIONS))[labels] * 3 + generator.normal(0, 0.3, (count, len(EXPRESSIONS)))
    readings = np.abs(features[:, [0] * 12]) / 5
    readings[: count // 10] = np.nan  # faces that the rule did not see
    return Examples(torch.from_numpy(features).float(), torch.from_numpy(labels), readings)


def test_heads_learn_their_teachers_and_never_choose_what_no_example_had(tmp_path):
    options = Options(epochs=8, batch=64, cpu=True)
    found = list(abaw_stand_ins.train(examples(800, 0), examples(200, 1), tmp_path, options))[-1]
    assert isinstance(found, dict)
    held = examples(300, 2)
    hidden = torch.relu(held.features @ found["expression.0.weight"].T + found["expression.0.bias"])
    logits = hidden @ found["expression.2.weight"].T + found["expression.2.bias"]
    assert (logits.argmax(1) == held.labels).float().mean() > 0.9
    assert logits[:, OTHER].max() == abaw_stand_ins.NEVER
    assert (found["scale.low"] <= found["scale.high"]).all()


def test_emotions_lie_at_their_words_and_other_is_not_annotated():
    rows = Examples(torch.zeros(8, 1), torch.arange(8), np.zeros((8, 12)))
    placed = abaw_stand_ins.placed(rows).labels
    assert placed[EXPRESSIONS.index("happiness"), 0] > 0 > placed[EXPRESSIONS.index("sadness"), 0]
    assert placed[EXPRESSIONS.index("neutral")].tolist() == [0, 0]
    assert placed[OTHER].tolist() == [IGNORED_DIMENSION] * 2


def test_faces_that_the_rule_did_not_see_teach_no_units():
    rows = examples(100, 0)
    taught = abaw_stand_ins.taught(rows, abaw_stand_ins.scale_of(rows))
    assert len(taught) == 90
    assert taught.labels.min() >= 0 and taught.labels.max() <= 1
