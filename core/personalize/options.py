"""Every choice of TTA-CaP that the two published states of its code make differently, or that we add."""

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from core.errors import Code, UserError

TemporalRule = Literal["majority", "unanimous"]
NegativeGate = Literal["margin", "full"]
NegativeBucket = Literal["predicted", "least likely"]
Judge = Literal["zero-shot", "fused"]
Retrieval = Literal["before", "after"]
Reach = Literal["class", "all"]
SourceVector = Literal["class", "mixture"]
Level = Literal["embedding", "logit"]
Weighting = Literal["equal", "confidence", "attention"]
Scope = Literal["subject", "video"]
Borrowing = Literal["subject", "class"]
EntryVotes = Literal["shares", "scores"]
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "temporal_rule": get_args(TemporalRule),
    "negative_gate": get_args(NegativeGate),
    "negative_bucket": get_args(NegativeBucket),
    "judge": get_args(Judge),
    "retrieval": get_args(Retrieval),
    "reach": get_args(Reach),
    "source_vector": get_args(SourceVector),
    "level": get_args(Level),
    "weighting": get_args(Weighting),
    "scope": get_args(Scope),
    "borrowing": get_args(Borrowing),
    "entry_votes": get_args(EntryVotes),
}
RANGES: Final[dict[str, tuple[float, float]]] = {
    "entropy_positive": (0.0, 10.0),
    "entropy_negative": (0.0, 10.0),
    "margin": (0.0, 2.0),
    "sharpness": (0.0, 1000.0),
    "source_sharpness": (0.0, 1000.0),
    "lambda_source": (0.0, 100.0),
    "lambda_positive": (0.0, 100.0),
    "lambda_negative": (0.0, 100.0),
    "temperature": (0.01, 100.0),
    "shrinkage": (0.0, 1.0),
}
COUNTS: Final[dict[str, tuple[int, int]]] = {
    "window": (1, 100),
    "positive_capacity": (0, 64),
    "negative_capacity": (0, 64),
    "neighbours": (1, 100),
    "nearest_sources": (0, 1000),
    "prototype_cap": (0, 1000),
}


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # nan compares as false
        raise UserError(
            Code.OPTION_RANGE, f"{_label(name)} is out of range.", f"Choose from {low:g} to {high:g}."
        )


@dataclass(frozen=True, slots=True)
class Options:
    """How one person's stream is read.

    The defaults are ours, chosen on the validation people of ``benchmarks.personalize_people`` (51 people)
    for the bundled model and source cache. They differ from both published states in what mattered
    there and in the synthetic benchmark: labels count (logit level, scores times the logit scale) instead of
    places alone, twenty source subjects instead of three, the gates judge the fused prediction, and the
    person's own entries speak as prototypes do. The negative cache never helped: its weight is small.

    Attributes:
        temporal_gate, entropy_gate, prototype_gate: ask this gate before anything is kept; a gate that is
            not asked lets everything pass (as published).
        judge: the gates judge the "zero-shot" prediction as published, or the "fused" one (our choice, with
            retrieval before the update): then caches can correct what they are filled with.
        window: W, the last predictions of the clip that the temporal gate looks at, the current one included.
        temporal_rule: "majority" as published: the current label is the commonest in the window, the latest
            of equals. With W = 3 this rejects only the first frame of a new label: an alternating stream has
            two of three, and three different labels are a tie that the latest wins. "unanimous": every
            label in the window is the current one (our choice).
        entropy_positive: tau+; a frame below it is confident.
        entropy_negative: tau-; a frame from tau+ up to below it is ambiguous.
        normalise_entropy: divide by ln K, so that both thresholds are shares of the largest entropy; else in
            nats as published. With two classes no entropy exceeds 0.693 nats: there, neither published tau-
            ever binds.
        margin: tau_delta; the best class of prototypes must lead by more.
        negative_gate: what the prototype gate asks before the negative cache: "margin" alone (March) or that
            the class agrees as well ("full", June).
        negative_bucket: a negative is kept under the class "predicted" (March) or the "least likely" (June).
        positive_capacity: L+, entries a class; 0 turns the cache off.
        negative_capacity: L-.
        retrieval: "before" the update (June), so that a frame never meets itself, or "after" it (March).
        reach: entries are sought in the bucket of the predicted "class" (June) or in "all" (March).
        neighbours: how many prototypes and entries of a cache are used, the most similar ones.
        sharpness: beta of the softmax over cosines of entries.
        source_vector: mean of the nearest prototypes of the predicted "class" (June) or "mixture" of the
            classes' centroids by softmax of their scores (March).
        source_sharpness: gamma of that softmax.
        level: fuse the "embedding" vectors or add votes to the "logit" values.
        scale_votes: at logit level multiply scores, which are cosines as those with the texts, by the logit
            scale (our choice). As published they are added bare, 100 times weaker.
        entry_votes: at logit level, what entries of a person's caches say: "shares" of the softmax over the
            nearest, as published, or "scores" of each class as prototypes give them (our choice). Shares sum
            to 1 however far the entries are: classes that were seen first vote against every new one.
        average: at logit level divide by the sum of the positive weights (our choice): else every part makes
            the answer surer, and the entropy gate lets everything pass.
        lambda_source, lambda_positive, lambda_negative: weights of the three parts; 0 turns one off.
        weighting: "equal" (lambda alone), "confidence" (lambda times the part's largest probability) or
            "attention" (softmax of that over the temperature).
        temperature: T of the attention.
        agreement: drop parts that contradict the majority of target, source and positive part.
        scope: caches live as long as the "subject" (March) or as one "video" (June).
        nearest_sources: m, how many source subjects lend their prototypes; 0 turns the source cache off.
        borrowing: the m nearest "subject"s lend all they have, as published, or each "class" is lent by the m
            nearest who show it (our choice): else rare classes are missing, and common ones, of which more is
            lent, have the nearest prototypes for that reason alone.
        prototype_cap: most prototypes a class, those nearest the person's mean; 0 keeps all.
        shrinkage: lambda by which variances move towards 1 before subjects are compared.

    Raises:
        UserError: ``OPTION_RANGE``.
    """

    temporal_gate: bool = True
    entropy_gate: bool = True
    prototype_gate: bool = True
    judge: Judge = "fused"
    window: int = 3
    temporal_rule: TemporalRule = "unanimous"
    entropy_positive: float = 0.5
    entropy_negative: float = 0.8
    normalise_entropy: bool = True
    margin: float = 0.05
    negative_gate: NegativeGate = "full"
    negative_bucket: NegativeBucket = "least likely"
    positive_capacity: int = 5
    negative_capacity: int = 4
    retrieval: Retrieval = "before"
    reach: Reach = "all"
    neighbours: int = 5
    sharpness: float = 10.0
    source_vector: SourceVector = "class"
    source_sharpness: float = 10.0
    level: Level = "logit"
    scale_votes: bool = True
    entry_votes: EntryVotes = "scores"
    average: bool = True
    lambda_source: float = 3.0
    lambda_positive: float = 2.0
    lambda_negative: float = 0.1
    weighting: Weighting = "equal"
    temperature: float = 1.0
    agreement: bool = False
    scope: Scope = "subject"
    nearest_sources: int = 10
    borrowing: Borrowing = "class"
    prototype_cap: int = 0
    shrinkage: float = 0.05

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            _check(name, getattr(self, name), low, high)
        for name, (low, high) in COUNTS.items():
            _check(name, getattr(self, name), low, high)
            if int(getattr(self, name)) != getattr(self, name):
                raise UserError(Code.OPTION_RANGE, f"{_label(name)} is not whole.", "Give a whole number.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    Code.OPTION_RANGE, f"{_label(name)} is unknown.", f"Choose one of: {', '.join(allowed)}."
                )
        if self.judge == "fused" and self.retrieval == "after":
            raise UserError(
                Code.OPTION_RANGE,
                "The gates cannot judge a fused prediction before it is there.",
                "Retrieve before the update.",
            )
        if self.entropy_negative < self.entropy_positive:
            raise UserError(
                Code.OPTION_RANGE,
                "The entropy threshold of ambiguous frames lies below that of confident ones.",
                "Raise the one or lower the other.",
            )
        if self.normalise_entropy:
            _check("entropy_negative", self.entropy_negative, 0.0, 1.0)


MARCH: Final = Options(
    judge="zero-shot",
    temporal_rule="majority",
    entropy_positive=0.5,
    entropy_negative=1.2,
    normalise_entropy=False,
    negative_gate="margin",
    negative_bucket="predicted",
    negative_capacity=5,
    retrieval="after",
    reach="all",
    source_vector="mixture",
    level="embedding",
    scale_votes=False,
    lambda_positive=1.0,
    entry_votes="shares",
    average=False,
    lambda_source=1.0,
    lambda_negative=1.0,
    nearest_sources=3,
    borrowing="subject",
)
"""The code of March 2026. Two of its habits are left out: it compares people by frames of a known class (see
:func:`core.personalize.subjects.statistics`), and its window runs on from one clip into the next."""

JUNE: Final = Options(
    judge="zero-shot",
    temporal_rule="majority",
    entropy_positive=0.5,
    entropy_negative=0.8,
    normalise_entropy=False,
    reach="class",
    level="embedding",
    scale_votes=False,
    lambda_positive=1.0,
    entry_votes="shares",
    average=False,
    lambda_source=1.0,
    lambda_negative=1.0,
    nearest_sources=3,
    borrowing="subject",
    scope="video",
)
"""The code of June 2026, with equal weights and without the agreement filter."""

PRESETS: Final = {"ours": Options(), "March 2026": MARCH, "June 2026": JUNE}
ABLATIONS: Final[dict[str, dict[str, object]]] = {
    "no gates": {"temporal_gate": False, "entropy_gate": False, "prototype_gate": False},
    "no temporal gate": {"temporal_gate": False},
    "no entropy gate": {"entropy_gate": False},
    "no prototype gate": {"prototype_gate": False},
    "no source cache": {"nearest_sources": 0, "lambda_source": 0.0},
    "no positive cache": {"positive_capacity": 0, "lambda_positive": 0.0},
    "no negative cache": {"negative_capacity": 0, "lambda_negative": 0.0},
}
"""Name -> options that are changed against the full method."""


def ablate(options: Options, name: str) -> Options:
    """The options with one of ``ABLATIONS`` applied."""
    return replace(options, **ABLATIONS[name])  # type: ignore[arg-type]
