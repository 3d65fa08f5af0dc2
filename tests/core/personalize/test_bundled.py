"""The source cache that ships: it fits the model that ships, and names nobody."""

import dataclasses
import re

import numpy as np
import pytest

from core.errors import Code, UserError
from core.expressions import EXPRESSIONS
from core.personalize import bundled
from core.vision_language import cards, facet


def test_it_fits_the_model_that_ships():
    found = bundled.sources(EXPRESSIONS, facet.CARD.name)
    assert found is not None
    assert found.model == facet.CARD.identity
    assert found.dim == facet.CARD.dim
    assert set(np.unique(found.prototypes.labels)) == set(range(len(EXPRESSIONS)))


def test_its_people_have_numbers_and_no_names():
    found = bundled.sources(EXPRESSIONS, facet.CARD.name)
    assert found is not None
    assert all(re.fullmatch(r"source \d{3}", name) for name in found.statistics)
    assert set(found.prototypes.owners) <= set(found.statistics)


def test_it_says_nothing_to_other_classes_or_models():
    assert bundled.sources(("pain", "neutral"), facet.CARD.name) is None
    assert bundled.sources(EXPRESSIONS[::-1], facet.CARD.name) is None
    assert bundled.sources(EXPRESSIONS, "clip-vit-b-32") is None


def test_other_weights_of_the_model_are_noticed(monkeypatch):
    """A joint that is trained anew makes the cache's embeddings those of another model."""
    other = dataclasses.replace(facet.CARD, weights=facet.CARD.weights[:-1])
    assert other.identity != facet.CARD.identity
    monkeypatch.setitem(cards, facet.CARD.name, other)
    with pytest.raises(UserError) as trouble:
        bundled.sources(EXPRESSIONS, facet.CARD.name)
    assert trouble.value.code == Code.CACHE_INVALID
