import dataclasses
import hashlib
import re
from pathlib import Path

import pytest

from core import weights
from core.errors import Code, UserError
from core.settings import ROOT, settings
from core.weights import table
from core.weights.manifest import Bundled, Entry, Hub, Npm, Wheel, load
from tests.core.weights_fakes import entry, file, wheel


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    return weights.entries()


def test_every_bundled_file_is_the_one_in_the_manifest(entries: tuple[Entry, ...]) -> None:
    for each in entries:
        for source in each.sources:
            if isinstance(source, Bundled):
                for member, expected in zip(source.members, each.files, strict=True):
                    body = (settings().weights_dir / member).read_bytes()
                    assert (len(body), hashlib.sha256(body).hexdigest()) == (expected.bytes, expected.sha256)


def test_every_file_in_the_weights_folder_has_an_entry(entries: tuple[Entry, ...]) -> None:
    known = {
        member for each in entries for s in each.sources if isinstance(s, Bundled) for member in s.members
    }
    binary = {".onnx", ".safetensors", ".pt", ".pth", ".bin", ".task", ".tflite"}
    there = {path.name for path in settings().weights_dir.iterdir() if path.suffix in binary}
    assert there == known


def test_every_entry_states_its_terms(entries: tuple[Entry, ...]) -> None:
    for each in entries:
        empty = [f.name for f in dataclasses.fields(each) if getattr(each, f.name) in ("", ())]
        assert not empty, each.name


def test_page_of_weights_is_up_to_date(entries: tuple[Entry, ...]) -> None:
    page = (settings().weights_dir / "README.md").read_text(encoding="utf-8")
    assert table.replaced(page, entries) == page, "run: python -m core weights table --write"


def test_quick_preset_fetches_at_most_80_megabytes() -> None:
    quick = (
        "yunet",
        "face-landmarker",
        "dlib-resnet",
        "mobilefacenet-w600k",
        "mobilefacenet-ms1m",
        "lightcnn29v4",
    )
    sizes = [
        0 if isinstance(weights.entry(name).sources[0], Bundled) else weights.entry(name).carried
        for name in quick
    ]
    assert sum(sizes) <= 80e6


def test_default_installation_needs_python_packages_only(entries: tuple[Entry, ...]) -> None:
    for each in entries:
        if not each.optional:
            assert any(isinstance(source, Bundled | Wheel) for source in each.sources), each.name


def test_roles_select() -> None:
    names = {each.name for each in weights.entries("recognition")}
    assert {"dlib-resnet", "facenet-vggface2", "lightcnn29v4", "edgeface-s", "sface"} <= names
    assert "yunet" not in names


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(UserError) as caught:
        weights.entry("no-such-net")
    assert caught.value.code is Code.OPTION_RANGE
    assert "yunet" in caught.value.hint


def test_code_names_no_registry_and_no_hub() -> None:
    hosts = re.compile(
        r"pypi\.org|pythonhosted|huggingface\.co|npmjs|githubusercontent|hf\.co", re.IGNORECASE
    )
    paths = [*(ROOT / "core").rglob("*.py"), *(ROOT / "demos").rglob("*.py"), ROOT / "app.py"]
    assert not [
        path.name for path in paths if path.exists() and hosts.search(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Has Spaces"},
        {"name": "../up"},
        {"files": (dataclasses.replace(file(), path="../net.bin"),)},
        {"files": (dataclasses.replace(file(), sha256="short"),)},
        {"files": (dataclasses.replace(file(), bytes=0),)},
        {"files": (file(), file()), "sources": (wheel((file(), file())),)},
        {"sources": (wheel((file("a"), file("b"))),)},
        {"commercial": "maybe"},
    ],
)
def test_contradictory_entries_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(entry(), **change)


def test_entry_without_source_is_refused() -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(entry(), sources=())


@pytest.mark.parametrize(
    "line", ["colour = 'red'", "title = 7\nrange = [0]", "sources = [{kind = 'ftp', members = []}]"]
)
def test_manifest_with_a_wrong_key_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(f"[net]\n{line}\n")
    with pytest.raises(ValueError, match="net"):
        load(path)


def test_digest_changes_with_any_file() -> None:
    one, two = file("a", b"1"), file("b", b"2")
    source = (wheel((one, two)),)
    digests = {
        entry(files=files, sources=source).digest
        for files in ((one, two), (one, file("b", b"3")), (one, file("c", b"2")), (file("a", b"0"), two))
    }
    assert len(digests) == 4


def test_bytes_to_carry_are_those_of_the_first_remote_source() -> None:
    members = ("net.bin",)
    assert entry(sources=(Bundled(members),)).carried == 0
    assert entry(sources=(Bundled(members), wheel(size=7))).carried == 7
    assert entry(sources=(Hub("a/b", "main", members), wheel(size=7))).carried == entry().bytes
    assert entry(sources=(Npm("c", "1", 9, members),)).carried == 9


def test_table_has_a_row_for_each_entry_in_both_tables_and_escapes_bars() -> None:
    text = table.markdown([entry("one", about="a|b"), entry("two")])
    rows = text.splitlines()
    assert (
        sum(row.startswith("| `one`") for row in rows) == sum(row.startswith("| `two`") for row in rows) == 2
    )
    assert "a\\|b" in text


def test_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        table.replaced("no markers here", [entry()])
