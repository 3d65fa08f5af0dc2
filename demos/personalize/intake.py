"""People and their clips come in and go: uploads, examples, names."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import Code, UserError
from core.types import Pixels
from demos.base import Update, guarded, path_of
from demos.personalize import comparing, examples, running, showing, stepping
from demos.personalize.desk import FIRST, SLUG, Desk, Person, Piece
from demos.personalize.parts import Parts
from demos.services import LIGHT, Services
from demos.sessions import Session, discard

SHARED = {**LIGHT, "api_visibility": "undocumented"}
PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
MAX_PHOTOS, NAME_LENGTH = 60, 40


def blank(parts: Parts) -> dict[Any, Any]:
    """What the tab shows when it knows nothing of the visitor."""
    inputs, asked = parts.inputs, parts.asked
    empty = {box: gr.update(visible=False, value="") for box in asked.truths}
    plain = stepping.settings(parts)
    return {
        **plain,
        inputs.person: gr.update(choices=[FIRST], value=FIRST),
        inputs.upload: None,
        inputs.clips: "",
        inputs.row: gr.update(visible=False),
        inputs.which: gr.update(choices=[], value=None),
        inputs.notice: "",
        parts.results.working: "",
        parts.results.bring: None,
        parts.results.files_box: gr.update(open=False),
        **empty,
        **showing.nothing(parts),
    }


def shown(desk: Desk, parts: Parts) -> Update:
    """Everything of the person who is looked at."""
    names = list(dict.fromkeys([*desk.people, desk.name]))
    return {
        parts.inputs.person: gr.update(choices=names, value=desk.name),
        **showing.clips(desk, parts),
        **comparing.everything(desk, parts),
    }


def bring(services: Services, session: Session, desk: Desk, uploads: Sequence[Mapping[str, Any]]) -> None:
    """Take uploaded clips, and uploaded photos as one row.

    Raises:
        UserError: the first trouble; whatever is well is kept all the same.
    """
    troubles: list[UserError] = []
    photos: list[Pixels] = []
    too_many = 0
    for one in uploads:
        path = path_of(one)
        try:
            if not _is_photo(one):
                clean, clip = services.clip(session, path)
                add(session, desk, Piece(_name(one), clean, clip, Path(path or "")))
            elif len(photos) < MAX_PHOTOS:
                photos.append(services.photo(session, path).pixels)
            else:
                discard(Path(path or ""))
                too_many += 1
        except UserError as problem:
            troubles.append(problem)
    try:
        if photos:
            add(session, desk, Piece("photos", photos=tuple(photos)))
    except UserError as problem:
        troubles.append(problem)
    if too_many:
        troubles.append(
            UserError(
                Code.OPTION_RANGE, f"A row has at most {MAX_PHOTOS} photos.", "The others were left out."
            )
        )
    if troubles:
        raise troubles[0]


def add(session: Session, desk: Desk, piece: Piece) -> None:
    """Put a clip on the desk; where there is no place for it, its file is deleted.

    Raises:
        UserError: see :meth:`demos.personalize.desk.Desk.add`.
    """
    try:
        with session.lock:
            desk.add(piece)
    except UserError:
        piece.drop()
        raise


def start(session: Session, desk: Desk, example: examples.Example) -> None:
    """Turn to a synthetic person and put their clip and photos on the desk."""
    from core.media import images, video

    clip = session.place() / f"{example.clip.stem}.mp4"
    shutil.copyfile(example.clip, clip)
    photos = tuple(images.load(path).pixels for path in example.photos)
    with session.lock:
        person = desk.meet(example.name)
        person.drop()
        desk.people[person.name] = Person(person.name)
        desk.add(Piece(clip.stem, clip, video.probe(clip)))
        desk.add(Piece("photos", photos=photos))


def _is_photo(upload: Mapping[str, Any]) -> bool:
    """By its first bytes, or else by its name, so that a broken photo is not called a broken clip."""
    path = path_of(upload)
    name = str(upload.get("orig_name") or path or "")
    if path is None or not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        head = file.read(12)
    webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return webp or head.startswith((b"\xff\xd8\xff", b"\x89PNG")) or name.lower().endswith(PHOTOS)


def _name(upload: Mapping[str, Any]) -> str:
    """What an uploaded clip is called on the screen."""
    return Path(str(upload.get("orig_name") or "clip")).stem[:NAME_LENGTH] or "clip"


def wire(services: Services, parts: Parts) -> None:
    """Let people and clips come and go."""
    inputs = parts.inputs

    def desk_of(request: gr.Request) -> tuple[Session, Desk]:
        session = services.session(request)
        return session, session.room(SLUG, Desk)

    @guarded(inputs.notice, lambda: {inputs.upload: None})
    def add_clips(uploads: Sequence[Mapping[str, Any]] | None, request: gr.Request) -> Iterator[Update]:
        """Add uploaded clips or photos to this person's."""
        session, desk = desk_of(request)
        try:
            with desk.arriving:
                bring(services, session, desk, uploads or [])
        except UserError:
            yield {inputs.upload: None, **shown(desk, parts)}
            raise
        yield {inputs.upload: None, **shown(desk, parts)}

    @guarded(inputs.notice)
    def choose_example_person(request: gr.Request, event: gr.SelectData) -> Update:
        """Turn to a synthetic person."""
        session, desk = desk_of(request)
        with desk.arriving:
            start(session, desk, examples.people()[event.index])
        return shown(desk, parts)

    @guarded(inputs.notice)
    def turn_to_person(name: str | None, request: gr.Request) -> Iterator[Update]:
        """Turn to another person, or begin with a new one."""
        session, desk = desk_of(request)
        try:
            with session.lock:
                desk.meet(name or "")
                running.rerun(desk)
        except UserError:
            yield {inputs.person: desk.name}
            raise
        yield shown(desk, parts)

    @guarded(inputs.notice)
    def forget_person(request: gr.Request) -> Update:
        """Delete this person's clips, caches and settings."""
        session, desk = desk_of(request)
        with session.lock:
            desk.halt()
            desk.forget()
            running.rerun(desk)
        return shown(desk, parts)

    @guarded(inputs.notice)
    def take_away(which: float | None, request: gr.Request) -> Update:
        """Delete one of this person's clips."""
        session, desk = desk_of(request)
        with session.lock:
            pieces = desk.person.pieces
            if which is None or not 0 <= int(which) < len(pieces):
                return {}
            pieces.pop(int(which)).drop()
            running.rerun(desk)
        return shown(desk, parts)

    settings: dict[str, Any] = {
        "outputs": list(blank(parts)),
        "show_progress": "minimal",
        "show_progress_on": inputs.clips,
        **SHARED,
    }
    inputs.upload.upload(add_clips, inputs.upload, preprocess=False, **settings)
    inputs.examples.select(choose_example_person, **settings)
    inputs.person.input(turn_to_person, inputs.person, **settings)
    inputs.drop_person.click(forget_person, **settings)
    inputs.drop_clip.click(take_away, inputs.which, **settings)
