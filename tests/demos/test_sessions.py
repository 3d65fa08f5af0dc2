"""Visitors' things are apart from each other and go when asked, by time and at the end."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.errors import Code, UserError
from demos.sessions import RETIRED_SECONDS, Forgotten, Sessions


@dataclass
class Pictures:
    count: int = 0

    def images(self) -> int:
        return self.count


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return Sessions(tmp_path, minutes=30, clock=clock)


def test_two_visitors_share_neither_rooms_nor_folders(sessions: Sessions) -> None:
    one, two = sessions.open("one"), sessions.open("two")
    one.room("tab", Pictures).count = 3
    assert two.room("tab", Pictures).count == 0
    assert one.room("tab", Pictures).count == 3
    assert Path(one.write("a.png", b"1")).parent.parent != Path(two.write("a.png", b"2")).parent.parent
    assert sessions.open("one") is one


def test_forgetting_deletes_what_one_visitor_has_and_says_how_much(sessions: Sessions) -> None:
    one, two = sessions.open("one"), sessions.open("two")
    one.room("tab", Pictures).count = 2
    mine = [Path(one.write(name, b"x")) for name in ("a.png", "b.pdf", "a.png")]
    other = Path(two.write("a.png", b"y"))
    assert sessions.forget("one") == Forgotten(images=2, files=3)
    assert not any(path.exists() for path in mine)
    assert not one.folder.exists()
    assert other.read_bytes() == b"y"
    assert sessions.forget("one") == Forgotten(0, 0)


def test_a_job_that_outlives_its_session_cannot_write(sessions: Sessions) -> None:
    session = sessions.open("one")
    sessions.forget("one")
    with pytest.raises(UserError) as trouble:
        session.write("late.png", b"x")
    assert trouble.value.code == Code.SESSION_GONE
    assert not session.folder.exists()
    with pytest.raises(UserError):
        session.room("tab", Pictures)


def test_idle_sessions_go_and_active_ones_stay(sessions: Sessions, clock: Clock) -> None:
    idle, active = sessions.open("idle"), sessions.open("active")
    idle.room("tab", Pictures).count = 1
    gone = Path(idle.write("a.png", b"x"))
    kept = Path(active.write("a.png", b"x"))
    clock.seconds += 20 * 60
    sessions.open("active")
    clock.seconds += 20 * 60
    assert sessions.sweep() == Forgotten(images=1, files=1)
    assert not gone.exists()
    assert kept.exists()
    assert sessions.was_deleted("idle")
    assert not sessions.was_deleted("active")
    sessions.open("idle")
    assert not sessions.was_deleted("idle")


def test_a_closed_page_is_forgotten_sooner_unless_it_comes_back(sessions: Sessions, clock: Clock) -> None:
    sessions.open("left")
    sessions.open("back")
    sessions.leave("left")
    sessions.leave("back")
    clock.seconds += 60
    sessions.open("back")
    clock.seconds += 5 * 60
    sessions.sweep()
    assert len(sessions) == 1
    assert sessions.was_deleted("left")


def test_a_replaced_upload_is_clean_at_once_and_gone_soon(sessions: Sessions, clock: Clock) -> None:
    upload = sessions.root / "hash" / "me.jpg"
    upload.parent.mkdir()
    upload.write_bytes(b"with gps")
    session = sessions.open("one")
    session.retire(upload, b"clean", clock())
    assert upload.read_bytes() == b"clean"
    assert [p.name for p in upload.parent.iterdir()] == ["me.jpg"]
    clock.seconds += RETIRED_SECONDS - 1
    sessions.sweep()
    assert upload.exists()
    clock.seconds += 2
    assert sessions.sweep() == Forgotten(0, 1)
    assert not upload.parent.exists()


def test_forgetting_takes_replaced_uploads_along(sessions: Sessions, clock: Clock) -> None:
    upload = sessions.root / "hash" / "me.jpg"
    upload.parent.mkdir()
    upload.write_bytes(b"raw")
    sessions.open("one").retire(upload, b"clean", clock())
    assert sessions.forget("one").files == 1
    assert not upload.exists()


def test_api_calls_never_meet_and_are_swept_by_time(sessions: Sessions, clock: Clock) -> None:
    one, two = sessions.loose(), sessions.loose()
    assert one.folder != two.folder
    path = Path(one.write("result.png", b"x"))
    clock.seconds += 31 * 60
    sessions.sweep()
    assert not path.exists()


def test_uploads_that_no_handler_took_go_by_age(sessions: Sessions) -> None:
    session = sessions.open("one")
    mine = Path(session.write("a", b"x"))
    new, old = sessions.root / "h1" / "new", sessions.root / "h2" / "old"
    for path in (new, old):
        path.parent.mkdir()
        path.write_bytes(b"x")
    for path in (mine, old):
        os.utime(path, (0, 0))
    assert sessions.sweep() == Forgotten(0, 1)
    assert (mine.exists(), new.exists(), old.exists()) == (True, True, False)
    assert Sessions(sessions.root, 30).clear_leftovers() == 1  # a next run does not know this session
    assert not mine.exists()


def test_folder_names_cannot_be_guessed(sessions: Sessions) -> None:
    names = {sessions.loose().folder.name for _ in range(50)}
    assert len(names) == 50
    assert min(map(len, names)) >= 40


def test_a_name_never_leads_out_of_the_folder(sessions: Sessions) -> None:
    session = sessions.open("one")
    assert Path(session.write("../../evil.png", b"x")).is_relative_to(session.folder)


def test_previews_follow_each_other_and_do_not_pile_up(sessions: Sessions) -> None:
    session = sessions.open("one")
    paths = [Path(session.write("preview.webp", b"x", slot="preview")) for _ in range(6)]
    kept = Path(session.write("other.webp", b"x"))
    assert [path.exists() for path in paths] == [False, False, False, True, True, True]
    assert kept.exists()


def test_the_end_of_the_server_deletes_all(sessions: Sessions) -> None:
    paths = [Path(sessions.open(key).write("a", b"x")) for key in "abc"]
    assert sessions.close() == Forgotten(0, 3)
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize(
    ("forgotten", "words"),
    [
        (Forgotten(0, 0), "nothing of yours"),
        (Forgotten(1, 2), "1 image in memory and 2 files"),
        (Forgotten(3, 1), "3 images in memory and 1 file on"),
    ],
)
def test_the_answer_is_a_sentence(forgotten: Forgotten, words: str) -> None:
    assert words in forgotten.sentence()


def test_a_clean_clip_stands_in_for_the_upload_until_the_session_ends(
    sessions: Sessions, clock: Clock
) -> None:
    upload = sessions.root / "hash" / "me.mp4"
    upload.parent.mkdir()
    upload.write_bytes(b"with gps")
    session = sessions.open("one")
    clean = session.place() / "clip.mp4"
    clean.write_bytes(b"clean")
    assert clean.is_relative_to(session.folder)
    session.stand_in(upload, clean)
    assert upload.read_bytes() == b"clean"
    clock.seconds += 10 * RETIRED_SECONDS
    sessions.sweep()
    assert upload.read_bytes() == b"clean"  # the player may still go back
    upload.unlink()
    assert clean.read_bytes() == b"clean"  # another visitor's forgetting takes nothing away
    session.stand_in(upload, clean)
    assert upload.read_bytes() == b"clean"
    assert sessions.forget("one") == Forgotten(0, 2)
    assert not upload.exists() and not clean.exists()
    with pytest.raises(UserError):
        session.place()


def test_what_a_second_visitor_sent_since_is_not_deleted_as_the_firsts(
    sessions: Sessions, clock: Clock
) -> None:
    upload = sessions.root / "hash" / "me.jpg"
    upload.parent.mkdir()
    upload.write_bytes(b"raw")
    one, two = sessions.open("one"), sessions.open("two")
    one.retire(upload, b"clean", clock())
    clock.seconds += RETIRED_SECONDS - 1
    sent = sessions.root / "on its way"  # gradio writes elsewhere and then moves
    sent.write_bytes(b"raw")
    sent.replace(upload)
    clock.seconds += 1
    assert sessions.sweep() == Forgotten(0, 0)
    assert upload.read_bytes() == b"raw"  # on its way to the second one's handler
    two.retire(upload, b"clean", clock())
    assert sessions.forget("one") == Forgotten(0, 0)
    assert upload.read_bytes() == b"clean"
    clock.seconds += RETIRED_SECONDS
    assert sessions.sweep() == Forgotten(0, 1)
    assert not upload.parent.exists()


@pytest.mark.parametrize("way", ["photo", "clip"])
def test_an_upload_that_goes_while_it_is_read_is_no_trouble(
    sessions: Sessions, clock: Clock, way: str
) -> None:
    upload = sessions.root / "hash" / "me"
    session = sessions.open("one")
    if way == "photo":
        session.retire(upload, b"clean", clock())
    else:
        clean = Path(session.write("clip.mp4", b"clean"))
        session.stand_in(upload, clean)
    assert upload.read_bytes() == b"clean"
    session.close()
    assert not upload.parent.exists()
