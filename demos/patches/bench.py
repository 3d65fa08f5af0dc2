"""One visitor's workbench in the tab of patches: who, where, towards whom, and every patch that was made."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.errors import Code, UserError
from core.types import Face, FloatArray, Image, Notice, Pixels
from demos.patches import people, readers, strokes
from demos.turns import Turns

if TYPE_CHECKING:
    from torch import Tensor

    from core.patches.makers import Made, Maker
    from core.patches.session import Judgement, Session
    from core.patches.slots import Slot

SLUG: Final = "patches"
YOU: Final = "you"
AIM: Final = "the second photo"
STEPS: Final = 40  # of a search, where nobody says how many
RANDOMS: Final = 4  # patches of random squares beside every patch
PACKAGES: Final = ("torch", "diffusers", "numpy", "gradio", "opencv-python-headless")
WHOLE: Final = (256, 128)  # height and width of a picture of a whole person


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Who is to wear the patch.

    Attributes:
        kind: "faces" or "persons".
        photo: H×W×3, as it came in.
        picture: h×w×3, what encoders see.
        matrix: 2×3, pixels of the photo -> pixels of the picture.
        name: of a synthetic person or a drawn pedestrian; :data:`YOU` for an upload.
        faces: all faces of the photo, the largest first.
        chosen: which of them it is.
        notices: what the person should know about the photo.
    """

    kind: str
    photo: Pixels
    picture: Pixels
    matrix: FloatArray
    name: str
    faces: tuple[Face, ...] = ()
    chosen: int = 0
    notices: tuple[Notice, ...] = ()

    @property
    def bundled(self) -> bool:
        """Nobody is behind it, and the gallery has other pictures of it."""
        return self.name != YOU

    @property
    def advice(self) -> tuple[Notice, ...]:
        """What was changed while loading, and what may spoil results on this face."""
        return (*self.notices, *(self.faces[self.chosen].advice if self.faces else ()))

    def canonical(self) -> Face:
        """The face with its landmarks in pixels of the picture."""
        face = self.faces[self.chosen]
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

        def moved(points: FloatArray) -> FloatArray:
            return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2], np.float32)

        return replace(
            face,
            five=moved(face.five),
            landmarks=None if face.landmarks is None else moved(face.landmarks),
            depth=None if face.depth is None else np.asarray(face.depth * scale, np.float32),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """Who the probe is to be taken for.

    Attributes:
        kind: "synthetic", or "photo" for a second photo.
        name: of the synthetic person, or :data:`AIM`.
        picture: 224×224×3, their aligned face.
    """

    kind: str
    name: str
    picture: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A patch and what it does at full opacity.

    Attributes:
        way: its name among the makers.
        title: of the way.
        mode: what it was made for.
        made: the patch.
        full: what encoders say.
        options: what else it was made with, by name.
    """

    way: str
    title: str
    mode: str
    made: "Made"
    full: "Judgement"
    options: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Bench(Turns):
    """Everything the tab keeps for one visitor.

    Attributes:
        probe: who wears the patch.
        mode: "evasion" or "impersonation".
        aim: for impersonation.
        consent: the visitor says that the person in the second photo has agreed.
        place: where the patch sits.
        strokes: what was drawn, as JSON.
        tried: patches by the name of the way that made them; samples of priors by what they show, too.
        shown: which of them is on the screen.
        opacity: of what is on the screen, 0..1.
        now: what the shown patch does at that opacity.
        chance: what random squares in the same place do.
        keeping: held while a result is kept or all results go.
        looks: by way, how natural its patch is: share 0..1, whether that is within natural crops, and how
            sure a detector is that it is an attack's.
    """

    probe: Probe | None = None
    mode: str = "evasion"
    aim: Aim | None = None
    consent: bool = False
    place: str = "glasses"
    strokes: str = ""
    tried: dict[str, Tried] = field(default_factory=dict)
    shown: str = ""
    opacity: float = 1.0
    now: "Judgement | None" = None
    chance: "tuple[Judgement, ...]" = ()
    looks: dict[str, tuple[float, bool, float]] = field(default_factory=dict)
    keeping: threading.RLock = field(default_factory=threading.RLock)
    _work: "Session | None" = None
    _slot: "Slot | None" = None

    def images(self) -> int:
        """Pictures held, see :class:`demos.sessions.Room`."""
        return (self.probe is not None) + self.stranger + len(self.tried)

    @property
    def stranger(self) -> bool:
        """Whether the target is in a second photo, so that nobody knew them before."""
        return self.aim is not None and self.aim.kind == "photo"

    def purpose(self, natural: bool = False) -> tuple[str, str, bool, str, bool]:
        """What a generator has to be for, as :func:`core.patches.bundled.name` takes it."""
        return self.main().kind, self.mode, natural, self.place, self.stranger

    def start(self, probe: Probe | None) -> None:
        """Begin anew with this probe; a job that still runs ends."""
        if probe is None or self.probe is None or probe.kind != self.probe.kind:
            self.place = "shirt" if probe is not None and probe.kind == "persons" else "glasses"
        if probe is None or probe.kind == "persons":
            self.mode, self.aim, self.consent = "evasion", None, False
        self.probe, self.strokes = probe, ""
        self.reset()

    def reset(self) -> None:
        """Patches and figures go; the inputs stay."""
        with self.keeping:
            self.stop.set()
            self.stop = threading.Event()
            self.tried, self.shown, self.now, self.chance = {}, "", None, ()
            self.opacity = 1.0
            self.looks = {}
            self._work, self._slot = None, None

    def main(self) -> Probe:
        """The probe.

        Raises:
            UserError: when there is none.
        """
        if self.probe is None:
            raise UserError(
                Code.FILE_UNREADABLE, "There is nobody yet.", "Choose an example or bring a photo."
            )
        return self.probe

    def ready(self) -> None:
        """Check that a patch may be made.

        Raises:
            UserError: nobody, no target, one that is the person, no consent to the second photo, or nothing
                drawn.
        """
        from core.patches import safety

        one = self.main()
        if self.mode == "impersonation" and one.kind != "faces":
            raise UserError(Code.OPTION_RANGE, "Only faces can be aimed at somebody.", "Choose to hide.")
        if self.aim is not None and self.aim.name == one.name:
            raise UserError(
                Code.OPTION_RANGE,
                "This is the person who wears the patch.",
                "Choose somebody else as the target.",
            )
        if self.mode == "impersonation" and self.aim is None:
            raise UserError(
                Code.OPTION_RANGE, "There is no target yet.", "Choose a synthetic person as the target."
            )
        safety.allow(self.aim.kind if self.aim else None, self.consent, self.mode)  # type: ignore[arg-type]
        self.slot()

    def slot(self) -> "Slot":
        """Where the patch sits.

        Raises:
            UserError: nothing is drawn, or an unknown place.
        """
        from core.patches import slots

        probe = self.main()
        if self._slot is None:
            height, width = probe.picture.shape[:2]
            if self.place == "drawn":
                self._slot = self._drawn(self.strokes)
            elif probe.kind == "faces":
                self._slot = slots.face(self.place, probe.canonical())
            else:
                self._slot = slots.named("persons", self.place, height, width)
        return self._slot

    def draw(self, text: str) -> None:
        """Take a drawing; patches of another one go.

        Raises:
            UserError: it is no drawing, too small or large a one, or beside the face; everything stays as it
                was.
        """
        if text != self.strokes:
            self._drawn(text)
            self.reset()
            self.strokes = text

    def _drawn(self, text: str) -> "Slot":
        from core.patches import slots

        probe = self.main()
        mask = strokes.mask(text, *probe.picture.shape[:2])
        return slots.drawn(mask, probe.canonical() if probe.kind == "faces" else None)

    def work(self) -> "Session":
        """The probe among its gallery."""
        if self._work is None:
            self._work = _session(self.main(), self.mode, self.aim)
        return self._work

    def try_out(
        self,
        way: str,
        title: str,
        maker: "Maker",
        seed: int = 0,
        steps: int = STEPS,
        key: str = "",
        **options: Any,
    ) -> Tried:
        """Make a patch, judge it, and show it.

        Args:
            way: name of the maker.
            title: of the way.
            maker: ready to be called.
            seed: of the patch.
            steps: of an iterative way.
            key: of the patch in :attr:`tried`, where it is not that of its way.
            **options: what the maker was created with, for the report.

        Where somebody or something else was chosen meanwhile, it is dropped. Once the job is stopped, an
        iterative way ends with what it has.
        """
        from core.patches.makers import Budget

        work, slot, mode = self.work(), self.slot(), self.mode
        made = work.make(maker, slot, seed, Budget(steps), self.stop.is_set)
        told = {"seed": seed, "steps of an iterative way": steps, **options}
        tried = Tried(way, title, mode, made, work.judge(made.patch, slot), told)
        key = key or way
        with self.keeping:
            if work is self._work and slot is self._slot:
                self.tried = {**self.tried, key: tried}
                self.looks.pop(key, None)
                self.show(key)
        return tried

    def show(self, name: str) -> None:
        """Bring one of the tried patches to the screen.

        Raises:
            UserError: there is no such patch.
        """
        if name not in self.tried:
            raise UserError(Code.OPTION_RANGE, "There is no such patch.", "Make one first.")
        self.shown = name
        self._judge()

    def fade(self, opacity: float) -> None:
        """Change the opacity of what is on the screen."""
        self.opacity = min(max(float(opacity), 0.0), 1.0)
        if self.shown:
            self._judge()

    def throw(self) -> None:
        """Judge random squares in the same place, once."""
        from core.patches.makers import makers

        if not self.chance:
            work, slot, squares = self.work(), self.slot(), makers.create("random")
            made = [work.make(squares, slot, seed) for seed in range(RANDOMS)]
            judged = tuple(work.judge(one.patch, slot) for one in made)
            with self.keeping:
                if work is self._work and slot is self._slot:
                    self.chance = judged

    def patch(self) -> "Tensor":
        """The shown patch, 3×64×64.

        Raises:
            UserError: when there is none.
        """
        return self.current().made.patch

    def current(self) -> Tried:
        """What is shown; errors as :meth:`patch`."""
        if self.shown not in self.tried or self.now is None:
            raise UserError(Code.PATTERN_INVALID, "There is no patch yet.", "Press “Make a patch” first.")
        return self.tried[self.shown]

    def _judge(self) -> None:
        tried = self.tried[self.shown]
        full = self.opacity == 1
        self.now = tried.full if full else self.work().judge(tried.made.patch, self.slot(), self.opacity)


def _session(probe: Probe, mode: str, aim: Aim | None) -> "Session":
    from core.patches.session import Block, Session, Target, tensor

    gallery = [*(people.album() if probe.kind == "faces" else people.street())]
    picture = tensor(probe.picture)
    if not probe.bundled:
        gallery.append(Block(picture[None], np.array([YOU])))
    target: Target | None = None
    if mode == "impersonation" and aim is not None:
        if aim.kind == "synthetic":
            target = Target(aim.name, people.lent(aim.name))
        else:
            theirs = tensor(aim.picture)[None]
            target = Target(AIM, theirs)
            gallery.append(Block(theirs, np.array([AIM])))
    seen, unseen = (
        [readers.victim(probe.kind, name) for name in names(probe.kind, mode)]
        for names in (readers.attacked, readers.judges)
    )
    return Session(probe.kind, picture, probe.name, gallery, seen, unseen, target)


def face_of(image: Image, name: str = YOU, chosen: int = 0) -> Probe:
    """The face of a photo as a probe.

    Raises:
        UserError: ``NO_FACE``.
    """
    from core import faces
    from core.faces import align

    found = faces.find(image.pixels)
    face = found[chosen]
    return Probe(
        "faces",
        image.pixels,
        align.align(image.pixels, face),
        align.similarity(face.five),
        name,
        found,
        chosen,
        image.notices,
    )


def other_face(probe: Probe, chosen: int) -> Probe:
    """Another face of the same photo."""
    from core.faces import align

    face = probe.faces[chosen]
    return replace(
        probe,
        picture=align.align(probe.photo, face),
        matrix=align.similarity(face.five),
        chosen=chosen,
    )


def whole(image: Image, name: str = YOU) -> Probe:
    """A picture of one whole person as a probe, cut about its middle."""
    from demos.patches.canvas import upright

    picture, matrix = upright(image.pixels, *WHOLE)
    return Probe("persons", image.pixels, picture, matrix, name, notices=image.notices)


def _networks(bench: Bench) -> list[str]:
    """Names of the networks that drew some of the patches, or said how natural they look."""
    from core.patches import bundled
    from demos.patches import natural

    drawn = (("generator", False), ("latent generator", True))
    names = [bundled.name(*bench.purpose(latent)) for way, latent in drawn if way in bench.tried]
    names += [natural.network(one.options["prior"]) for one in bench.tried.values() if "prior" in one.options]
    return [*dict.fromkeys(names), *(natural.JUDGES if bench.looks else ())]


def report(bench: Bench) -> dict[str, Any]:
    """Everything that was measured, as plain data for a JSON file."""
    from dataclasses import asdict
    from importlib.metadata import version

    from core import weights

    bench.current()
    work = bench.work()
    names = [victim.name for victim in (*work.seen, *work.unseen)]
    hashes = {
        name: [file.sha256 for file in weights.entry(name).files]
        for name in [*names, *_networks(bench)]
        if name in {entry.name for entry in weights.entries()}
    }

    def told(one: "Judgement") -> dict[str, Any]:
        return {
            "rank of the person": one.rank,
            "rank of the target": one.target_rank,
            "encoders": [asdict(figure) for figure in one.figures],
        }

    return {
        "adversarial": True,
        "made by": "Facet",
        "kind": work.kind,
        "mode": bench.current().mode,
        "target": None if bench.aim is None else bench.aim.name,
        "place": bench.place,
        "covered share of the picture": bench.slot().share,
        "compared with": "other pictures" if bench.main().bundled else "the clean photo itself",
        "patches": {
            name: {
                "title": tried.title,
                "options": dict(tried.options),
                "seconds": tried.made.seconds,
                "naturalness": None
                if name not in bench.looks
                else dict(zip(("share", "within natural crops", "sticker"), bench.looks[name], strict=True)),
                "passes through attacked encoders": tried.made.victim_passes,
                **told(tried.full),
            }
            for name, tried in bench.tried.items()
        },
        "random squares": [told(one) for one in bench.chance],
        "shown": bench.shown,
        "opacity": bench.opacity,
        "at this opacity": told(bench.now) if bench.now else None,
        "versions": {name: version(name) for name in PACKAGES},
        "weights": hashes,
    }
