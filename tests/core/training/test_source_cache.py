"""Who becomes a source subject, and that no name goes with them."""

import numpy as np
import torch

from core.datasets.expressions import LabelledFaces
from core.expressions import EXPRESSIONS
from core.personalize.files import load_sources
from core.training import source_cache
from core.training.source_cache import Options, chosen, run, save

PEOPLE = ("ann",) * 6 + ("bob",) * 6 + ("cyd",) * 4 + ("dan",) * 5
LABELS = (0, 0, 1, 1, 1, 0) + (3,) * 6 + (0, 1, 2, 3) + (6, 6, 6, 6, 5)


def faces():
    pixels = np.random.default_rng(0).integers(0, 255, (len(PEOPLE), 8, 8)).astype(np.uint8)
    return LabelledFaces(pixels, np.array(LABELS), PEOPLE)


def test_people_with_enough_stills_and_expressions_are_taken():
    found = [set(np.array(PEOPLE)[rows]) for rows in chosen(faces())]
    assert sorted(map(sorted, found)) == [["ann"], ["dan"]]  # bob shows one expression, cyd has four stills
    assert len(chosen(faces(), Options(stills=4, classes=1))) == 4


class _Card:
    size, dim, identity = 8, 64, "fake 0"


class _Model:
    card = _Card()

    def images(self, crops):
        return torch.nn.functional.normalize(crops[:, 0].float().flatten(1) + 1, dim=1)


def test_the_cache_is_of_these_people_without_their_names(monkeypatch, tmp_path):
    monkeypatch.setattr(source_cache, "gather", lambda root, name, part, size: faces())
    *_, built = run(tmp_path, _Model(), batch=4)
    assert sorted(built.statistics) == [f"source {n:03d}" for n in (1, 2, 3, 4)]  # two data sets
    first = chosen(faces())[0]
    person = built.statistics["source 001"]
    rows = _Model().images(torch.from_numpy(faces().pixels[first])[:, None].expand(-1, 3, -1, -1)).numpy()
    np.testing.assert_allclose(person.mean, rows.mean(0), atol=1e-6)
    line = save(built, tmp_path)
    data = (tmp_path / source_cache.FILE).read_bytes()
    assert str(len(data)) in line
    assert b"ann" not in data
    assert len(load_sources(data, EXPRESSIONS, "fake 0", 64).prototypes) == len(built.prototypes)
