"""The source cache that comes with Facet: people of the training parts, without names."""

from typing import Final

from core import weights
from core.expressions import EXPRESSIONS
from core.personalize.files import load_sources
from core.personalize.subjects import Sources
from core.vision_language import cards, facet

NAME: Final = "facet-source-cache"


def sources(classes: tuple[str, ...], model: str) -> Sources | None:
    """The bundled source cache, or None where it has nothing to say.

    Args:
        classes: names in the order of the texts; it knows ``core.expressions.EXPRESSIONS`` alone.
        model: name of the image-text model; it holds embeddings of ``facet-image-text`` alone.

    Raises:
        UserError: ``CACHE_INVALID``: made with other weights of that model.
    """
    if classes != EXPRESSIONS or model != facet.CARD.name:
        return None
    card = cards[model]
    data = weights.resolve(NAME).read_bytes()
    return load_sources(data, EXPRESSIONS, card.identity, card.dim)
