"""From embeddings that are there to everything that is shown: the loop, its ablation, other methods."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import Code, UserError
from core.personalize.options import Options, ablate
from core.types import FloatArray
from demos.personalize import readers
from demos.personalize.desk import Desk, Person, Piece

if TYPE_CHECKING:
    from core.personalize.methods import Method
    from core.personalize.online import Session
    from core.personalize.replay import Replay
    from core.personalize.subjects import Sources

KEPT_TEXTS = 100
ZERO = "zero-shot"
SHOTS = 16  # labelled frames of a clip that Tip-Adapter gets


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What the settings made of one person's frames.

    Attributes:
        pieces: the clips that were read, in order.
        replay: the loop, frame by frame.
        session: as the loop left it.
        clips: N×D embeddings of each clip, poisoned where that is wanted.
        text: K×D.
        scale: logit scale.
        thumbs: F×48×48×3 uint8, all clips.
        open: the loop without gates, where frames are poisoned; else None.
        borrowed: whether there was a source cache to borrow from.
        imported: whether the caches began with those of a file.
    """

    pieces: tuple[Piece, ...]
    replay: "Replay"
    session: "Session"
    clips: tuple[FloatArray, ...]
    text: FloatArray
    scale: float
    thumbs: NDArray[np.uint8]
    open: "Replay | None"
    borrowed: bool
    imported: bool

    def __len__(self) -> int:
        return len(self.replay.steps)


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """Another method on the same frames.

    Attributes:
        name: for people.
        running: F×K probabilities of the clip's mean logits up to each frame.
        milliseconds: CPU time a frame.
        memory: bytes that it keeps of the person.
    """

    name: str
    running: FloatArray
    milliseconds: float
    memory: int


def text_of(desk: Desk) -> tuple[FloatArray, float]:
    """K×D vectors of the classes, each sentence read once, and the logit scale.

    Raises:
        UserError: the model's weights cannot be had.
    """
    model = readers.load(desk.model)
    new = [one for one in desk.task.prompts if (desk.model, one) not in desk.texts]
    if len(desk.texts) + len(new) > KEPT_TEXTS:
        desk.texts.clear()
        new = list(desk.task.prompts)
    for prompt, vector in zip(new, model.texts(new).numpy(), strict=True):
        desk.texts[desk.model, prompt] = vector
    return np.array([desk.texts[desk.model, one] for one in desk.task.prompts]), model.scale


def sources_of(desk: Desk) -> "Sources | None":
    """The bundled source cache, where it fits."""
    from core.personalize import bundled

    return bundled.sources(desk.task.classes, desk.model)


def run(desk: Desk, person: Person, options: Options) -> Run | None:
    """Read the person's frames with these options; nothing of the desk is changed.

    Returns:
        What came of it; None where nothing was read of the person yet.

    Raises:
        UserError: frames that cannot be poisoned as asked.
    """
    from core.personalize.replay import replay

    pieces = [piece for piece in person.read(desk.model) if len(piece.seen[desk.model])]
    if not pieces:
        return None
    text, scale = text_of(desk)
    seen = [piece.seen[desk.model] for piece in pieces]
    rows = np.concatenate([one.embeddings for one in seen])
    poisoned = places(person, rows, text) if person.poison is not None else {}
    edges = np.cumsum([len(one) for one in seen])[:-1]
    sources, saved = sources_of(desk), _saved(desk, person, options)
    clean = [one.embeddings for one in seen]
    told, session = replay(clean, text, scale, options, sources, poisoned, saved)
    gates_off = None
    if poisoned:
        gates_off, _ = replay(clean, text, scale, ablate(options, "no gates"), sources, poisoned, saved)
    return Run(
        tuple(pieces), told, session, tuple(np.split(told.rows, edges)), text, scale,
        np.concatenate([one.thumbnails for one in seen]), gates_off,
        sources is not None, saved is not None,
    )  # fmt: skip


def _saved(desk: Desk, person: Person, options: Options):  # type: ignore[no-untyped-def]  # a session's hook
    """What puts the person's imported cache into a new session; None where there is none that counts."""
    from core.personalize.files import load_person

    saved = person.saved
    if saved is None or options.scope == "video":
        return None
    if (saved.classes, saved.model) != (desk.task.classes, desk.model):
        return None
    identity = readers.identity(saved.model)
    return lambda session: load_person(saved.data, session, saved.classes, identity)


def places(person: Person, rows: FloatArray, text: FloatArray) -> dict[int, int]:
    """Frames to be poisoned, of those that the model takes for another class, and the class.

    Raises:
        UserError: OPTION_RANGE: there is no such class.
    """
    poison = person.poison
    assert poison is not None
    if poison.label >= len(text):
        raise UserError(
            Code.OPTION_RANGE, "The poison is of a class that is gone.", "Choose one of those that are asked."
        )
    others = np.flatnonzero((rows @ text.T).argmax(1) != poison.label)
    count = min(poison.count, len(others))
    if poison.in_a_row:
        chosen = others[(len(others) - count) // 2 :][:count]
    else:
        chosen = others[((np.arange(count) + 0.5) * len(others) / max(count, 1)).astype(int)]
    return dict.fromkeys(chosen.tolist(), poison.label)


def rerun(desk: Desk, options: Options | None = None) -> Run | None:
    """Take the person's frames anew; with other options those are the desk's from then on.

    Raises:
        UserError: see :func:`run`; then nothing is changed.
    """
    options = options if options is not None else desk.options
    person = desk.person
    made = run(desk, person, options)
    if made is not None and (person.run is None or len(person.run) != len(made)):
        person.cursor = len(made) - 1  # caches are fullest at the end
    desk.options, person.run = options, made
    return made


def compare(desk: Desk, person: Person) -> list[Peer]:
    """Other methods on the same frames, the loop itself first; asked again only where they would differ."""
    made = person.run
    if made is None:
        return []
    truths = tuple(desk.task.number(piece.truth) for piece in made.pieces)
    asked = (desk.model, desk.task, person.poison, tuple(id(piece) for piece in made.pieces), truths)
    if person.peers is None or person.peers[0] != asked:
        person.peers = (asked, _others(made, truths))
    return [_ours(made), *person.peers[1]]


def _ours(made: Run) -> Peer:
    from core.personalize.vectors import softmax

    replay = made.replay
    return Peer("TTA-CaP, as set", softmax(replay.running), replay.milliseconds, replay.memory)


def _others(made: Run, truths: tuple[int | None, ...]) -> list[Peer]:
    from core.personalize.methods import ZeroShot
    from core.personalize.peers import EntropyTuning, Tda

    def timed(name: str, method: "Method", clips: tuple[FloatArray, ...]) -> Peer:
        from core.personalize.replay import beside

        started = time.thread_time()
        running = beside(method, clips)
        spent = time.thread_time() - started
        return Peer(name, running, 1000 * spent / len(running), method.memory)

    text, scale = made.text, made.scale
    found = [
        timed(ZERO, ZeroShot(text, scale), made.clips),
        timed("TDA", Tda(text, scale), made.clips),
        timed("entropy tuning", EntropyTuning(text, scale), made.clips),
    ]
    if sum(truth is not None for truth in truths) >= 2:
        parts = [timed("Tip-Adapter", _tip(made, truths, n), (clip,)) for n, clip in enumerate(made.clips)]
        spent = sum(one.milliseconds * len(one.running) for one in parts) / len(made)
        running = np.concatenate([one.running for one in parts])
        found.append(Peer("Tip-Adapter", running, spent, max(one.memory for one in parts)))
    return found


def _tip(made: Run, truths: tuple[int | None, ...], left_out: int) -> "Method":
    """Tip-Adapter with labelled frames of the other clips, so that no clip is asked about its own frames."""
    from core.personalize.peers import TipAdapter

    keys, labels = [np.zeros((0, made.text.shape[1]), np.float32)], []
    for number, (clip, truth) in enumerate(zip(made.clips, truths, strict=True)):
        if truth is not None and number != left_out:
            shots = clip[np.linspace(0, len(clip) - 1, min(SHOTS, len(clip))).round().astype(int)]
            keys.append(np.asarray(shots, np.float32))
            labels += [truth] * len(shots)
    return TipAdapter(made.text, made.scale, {"": (np.concatenate(keys), np.array(labels, np.int64))})
