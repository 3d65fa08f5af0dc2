import re
from collections.abc import Iterator

from core.abaw.classes import ACTION_UNITS
from core.expressions import EXPRESSIONS
from core.vision_language import prompts


def words(vocabulary: prompts.Vocabulary) -> Iterator[str]:
    for table in (vocabulary.adjectives, vocabulary.nouns):
        for name in EXPRESSIONS:
            yield from table[name]


def test_every_expression_has_sentences_that_no_other_one_has() -> None:
    for vocabulary in (prompts.SEEN, prompts.UNSEEN):
        found = {name: set(vocabulary.sentences(name)) for name in EXPRESSIONS}
        assert min(map(len, found.values())) >= 10
        assert sum(map(len, found.values())) == len(set().union(*found.values()))


def test_unseen_sentences_share_neither_word_nor_template_nor_phrase() -> None:
    assert not set(words(prompts.SEEN)) & set(words(prompts.UNSEEN))
    for kind in ("adjective_templates", "noun_templates"):
        assert not set(getattr(prompts.SEEN, kind)) & set(getattr(prompts.UNSEEN, kind))
    seen = {s for name in EXPRESSIONS for s in prompts.SEEN.sentences(name)}
    unseen = {s for name in EXPRESSIONS for s in prompts.UNSEEN.sentences(name)}
    assert not seen & unseen
    # no word of a class stands in a sentence of the other vocabulary
    for word in words(prompts.UNSEEN):
        assert not any(re.search(rf"\b{re.escape(word)}\b", sentence) for sentence in seen), word


def test_action_units_are_those_of_the_challenge() -> None:
    assert tuple(prompts.UNITS) == ACTION_UNITS
    assert min(map(len, prompts.UNITS.values())) >= 3


def test_plain_sentences_follow_the_classes() -> None:
    assert len(prompts.plain()) == len(EXPRESSIONS)
    assert prompts.plain("a {} face")[EXPRESSIONS.index("sadness")] == "a sad face"
