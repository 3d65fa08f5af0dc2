"""Sentences about faces: expressions with many paraphrases, and action units with their strength.

The sentences are ours. ``SEEN`` ones train the bundled model; ``UNSEEN`` ones share neither word nor template
with them and are what zero-shot figures are reported on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from core.expressions import EXPRESSIONS

DEFAULT = "a photo of a person who looks {}"
"""Around an adjective of ``PLAIN``: what a screen starts with."""
PLAIN = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "afraid",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "neutral": "neutral",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Templates and what is put into them.

    Attributes:
        adjective_templates: with ``{}`` for an adjective.
        noun_templates: with ``{}`` for a noun.
        adjectives: expression -> adjectives.
        nouns: expression -> nouns.
        phrases: expression -> whole sentences on what such a face does.
    """

    adjective_templates: tuple[str, ...]
    noun_templates: tuple[str, ...]
    adjectives: dict[str, tuple[str, ...]]
    nouns: dict[str, tuple[str, ...]]
    phrases: dict[str, tuple[str, ...]]

    def sentences(self, expression: str) -> tuple[str, ...]:
        """Every sentence of an expression."""
        return tuple(self._made(expression))

    def _made(self, expression: str) -> Iterator[str]:
        for template, word in product(self.adjective_templates, self.adjectives[expression]):
            yield template.format(word)
        for template, word in product(self.noun_templates, self.nouns[expression]):
            yield template.format(word)
        yield from self.phrases[expression]


SEEN = Vocabulary(
    (
        "a photo of a person who looks {}", "a {} face", "a face that looks {}", "this person is {}",
        "a close-up of someone {}", "the person in the picture seems {}", "a person feeling {}",
        "a black and white photo of a {} person", "someone who is clearly {}", "someone looking rather {}",
    ),
    (
        "a person with an expression of {}", "a face showing {}", "an expression of {}",
        "the face expresses {}", "a look of {}", "{}",
    ),
    {
        "anger": ("angry", "furious", "mad", "irritated", "enraged"),
        "disgust": ("disgusted", "revolted", "grossed out", "nauseated"),
        "fear": ("afraid", "scared", "frightened", "terrified", "anxious"),
        "happiness": ("happy", "joyful", "cheerful", "delighted", "pleased"),
        "sadness": ("sad", "unhappy", "sorrowful", "depressed", "down"),
        "surprise": ("surprised", "astonished", "amazed", "startled"),
        "neutral": ("neutral", "calm", "expressionless", "relaxed"),
    },
    {
        "anger": ("anger", "rage", "fury"),
        "disgust": ("disgust", "revulsion"),
        "fear": ("fear", "terror", "anxiety"),
        "happiness": ("happiness", "joy", "delight"),
        "sadness": ("sadness", "sorrow", "grief"),
        "surprise": ("surprise", "astonishment", "amazement"),
        "neutral": ("no emotion", "a neutral mood", "calm"),
    },
    {
        "anger": ("a face with lowered brows and a hard stare", "a scowling face", "a person who shouts"),
        "disgust": ("a face with a wrinkled nose", "a person who smells something foul"),
        "fear": ("a face with wide eyes and a stretched mouth", "a person who sees danger"),
        "happiness": ("a smiling face", "a person who laughs", "a face with a broad smile"),
        "sadness": ("a face with a mouth turned down", "a person who is about to cry", "a crying face"),
        "surprise": ("a face with raised brows and an open mouth", "a person who did not expect this"),
        "neutral": ("a resting face", "a face that shows nothing", "a passport photo"),
    },
)  # fmt: skip
UNSEEN = Vocabulary(
    (
        "portrait of somebody {}", "you can see that they are {}", "picture: a visibly {} human being",
        "he or she appears {}", "how {} this one looks",
    ),
    ("facial expression: {}", "a face full of {}", "you can read {} in this face"),
    {
        "anger": ("cross", "outraged", "hostile"),
        "disgust": ("repelled", "sickened"),
        "fear": ("fearful", "panicked", "alarmed"),
        "happiness": ("glad", "joyous", "in high spirits"),
        "sadness": ("gloomy", "heartbroken", "miserable"),
        "surprise": ("stunned", "taken aback", "astounded"),
        "neutral": ("impassive", "unmoved", "composed"),
    },
    {
        "anger": ("wrath", "hostility"),
        "disgust": ("repugnance", "distaste"),
        "fear": ("fright", "panic"),
        "happiness": ("gladness", "cheer"),
        "sadness": ("misery", "melancholy"),
        "surprise": ("wonder", "shock"),
        "neutral": ("indifference", "composure"),
    },
    {
        "anger": ("teeth bared and eyebrows drawn together",),
        "disgust": ("nose scrunched up, upper lip lifted",),
        "fear": ("eyes wide open in dread",),
        "happiness": ("grinning from ear to ear",),
        "sadness": ("tearful eyes and a drooping mouth",),
        "surprise": ("jaw dropped, eyebrows up",),
        "neutral": ("a blank look",),
    },
)  # fmt: skip

UNITS = {
    "AU1": ("the inner brows are raised", "brows pulled up in the middle", "worried, oblique eyebrows"),
    "AU2": ("the outer brows are raised", "arched eyebrows", "eyebrows lifted high"),
    "AU4": ("the brows are lowered", "a frown", "knitted eyebrows"),
    "AU6": ("the cheeks are raised", "crow's feet around the eyes", "cheeks pushed up by a smile"),
    "AU7": ("the eyelids are tightened", "narrowed eyes", "a squint"),
    "AU10": ("the upper lip is raised", "a sneering upper lip", "the upper lip drawn up"),
    "AU12": ("the corners of the lips are pulled up", "a smile", "smiling lips"),
    "AU15": ("the corners of the lips are pulled down", "a mouth turned down", "drooping lip corners"),
    "AU23": ("the lips are tightened", "thin, tense lips", "narrowed lips"),
    "AU24": ("the lips are pressed together", "a firmly shut mouth", "lips squeezed shut"),
    "AU25": ("the lips are parted", "an open mouth with lips apart", "slightly open lips"),
    "AU26": ("the jaw is dropped", "a wide open mouth", "a lowered jaw"),
}
"""Action unit -> what it looks like, in words; the last sentence of each is not trained on."""
STRENGTHS = {"slightly: {}": (0.3, 0.6), "strongly: {}": (0.7, 1.01)}
"""Template -> the range of an action unit's strength, 0..1, that it stands for."""


def plain(template: str = DEFAULT) -> tuple[str, ...]:
    """One sentence for each of ``core.expressions.EXPRESSIONS``, in their order."""
    return tuple(template.format(PLAIN[name]) for name in EXPRESSIONS)
