"""What the comparison with other methods is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerRow:
    """One method on the same frames.

    Attributes:
        name: of the method, for people.
        answers: its class of each clip that has frames, in their order.
        agreement: share of the frames, 0 to 1, whose running answer is that of zero-shot.
        milliseconds: CPU time a frame, without the image encoder.
        memory: bytes that it keeps of the person.
    """

    name: str
    answers: tuple[int, ...]
    agreement: float
    milliseconds: float
    memory: int
