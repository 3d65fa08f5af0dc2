"""EMO-DB's list and its parts."""

import pytest

from core.datasets import emodb
from core.errors import Code, UserError

HEADER = "file,speaker,text,emotion,sample_rate,seconds\n"


def test_a_list_is_read_in_its_order(tmp_path) -> None:
    (tmp_path / "labels.csv").write_text(
        HEADER + "b.flac,16,a01,anger,16000,2.0\na.flac,3,b02,neutral,16000,1\n"
    )
    for name in ("a.flac", "b.flac"):
        (tmp_path / name).touch()
    found = emodb.read(tmp_path)
    assert [(one.path.name, one.speaker, one.text, one.emotion) for one in found] == [
        ("b.flac", "16", "a01", "anger"), ("a.flac", "3", "b02", "neutral"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [None, "", HEADER, "name\nx\n", HEADER + "gone.flac,3,a01,fear,16000,2\n"])
def test_a_folder_without_the_list_or_its_recordings_is_refused(tmp_path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError) as trouble:
        emodb.read(tmp_path)
    assert trouble.value.code == Code.FILE_UNREADABLE


def test_nobody_is_in_two_parts() -> None:
    people = [one for part in emodb.SPEAKERS.values() for one in part]
    assert len(people) == len(set(people)) == 10


@pytest.mark.data
def test_the_real_list_has_every_recording_and_every_speaker(data_dir) -> None:
    found = emodb.read(data_dir / "audio" / "emodb")
    assert len(found) == 535
    assert {one.speaker for one in found} == {one for part in emodb.SPEAKERS.values() for one in part}
