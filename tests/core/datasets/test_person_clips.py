"""Readers of people's clips, on layouts made as they were published."""

import pytest

from core.datasets import bah, biovid, person_clips, stressid
from core.errors import Code, UserError


def put(root, *names, text=""):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def refused(call):
    with pytest.raises(UserError) as caught:
        call()
    assert caught.value.code == Code.LABELS_INVALID


def summary(clips):
    return [(clip.subject, clip.name, clip.label, len(clip.files)) for clip in clips]


def test_a_folder_of_people(tmp_path):
    put(
        tmp_path,
        "ann/Happy/b.mp4",
        "ann/Happy/a/2.jpg",
        "ann/Happy/a/1.jpg",
        "ann/sad/x.png",
        "ann/sad/y.png",
    )
    put(tmp_path, "bob/sad/c.MOV", "bob/bored/d.mp4", "bob/sad/notes.txt", ".hidden/sad/e.mp4", "readme.txt")
    put(tmp_path, "bob/sad/.f.mp4", "bob/sad/empty/notes.txt")
    clips = person_clips.read(tmp_path, ("sad", "happy"))
    assert summary(clips) == [
        ("ann", "a", 1, 2),
        ("ann", "b", 1, 1),
        ("ann", "sad", 0, 2),
        ("bob", "c", 0, 1),
    ]
    assert [path.name for path in clips[0].files] == ["1.jpg", "2.jpg"]
    assert clips[0].video is None
    assert clips[3].video == tmp_path / "bob/sad/c.MOV"
    refused(lambda: person_clips.read(tmp_path, ("angry",)))
    refused(lambda: person_clips.read(tmp_path / "nowhere", ("sad",)))


def test_biovid(tmp_path):
    stimuli = ("BL1-081", "PA1-001", "PA4-100")
    put(tmp_path, *(f"video/081617_m_27/081617_m_27-{end}.mp4" for end in stimuli))
    put(tmp_path, "video/071309_w_21/071309_w_21-PA4-003/0001.jpg", "starting_point/samples.csv")
    put(tmp_path, "video/071309_w_21/other.mp4")
    clips = biovid.read(tmp_path)
    assert summary(clips) == [
        ("071309_w_21", "071309_w_21-PA4-003", 1, 1),
        ("081617_m_27", "081617_m_27-BL1-081", 0, 1),
        ("081617_m_27", "081617_m_27-PA4-100", 1, 1),
    ]
    assert biovid.read(tmp_path / "video") == clips
    assert [clip.label for clip in biovid.read(tmp_path, biovid.LEVELS)] == [4, 0, 1, 4]
    refused(lambda: biovid.read(tmp_path, {"PA9": 0}))


def test_stressid(tmp_path):
    rows = ("2ea4_Stroop,1,2", "2ea4_Math,0.0,0", "b9w0_Video1,,1", "x_Y,1,1")
    table = "\n".join(["subject/task,binary-stress,affect3-class", *rows])
    put(tmp_path, "labels.csv", text=table)
    put(tmp_path, "Videos/2ea4/2ea4_Stroop.mp4", "Videos/2ea4/2ea4_Math.mp4", "Videos/b9w0/b9w0_Video1.mp4")
    clips = stressid.read(tmp_path)
    assert summary(clips) == [("2ea4", "2ea4_Math", 0, 1), ("2ea4", "2ea4_Stroop", 1, 1)]
    assert clips[1].video == tmp_path / "Videos/2ea4/2ea4_Stroop.mp4"
    assert [clip.label for clip in stressid.read(tmp_path, stressid.THREE)] == [0, 2, 1]
    refused(lambda: stressid.read(tmp_path, "binary-joy"))
    refused(lambda: stressid.read(tmp_path / "Videos"))
    for bad in ("much", "0.5", "-1"):
        put(tmp_path, "labels.csv", text=table.replace("0.0", bad))
        refused(lambda: stressid.read(tmp_path))
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00")
    refused(lambda: stressid.read(tmp_path))


def test_bah(tmp_path):
    first = "Videos/82711/Visite_1/82711_Question_1_2024-11-18_16-07-42_Video.mp4"
    second = "Videos/82593/Visite_1/82593_Question_2_2024-10-02 16-27-50_Video.mp4"
    missing = "Videos/82593/Visite_1/82593_Question_3_Video.mp4"
    put(tmp_path, first, second)
    split = tmp_path / "test.txt"
    split.write_text(f"{first},1,Hello, there\n{second},0,\n\n{missing},1,no video", encoding="utf-8")
    clips = bah.read(tmp_path, split)
    assert summary(clips) == [
        ("82711", "Visite_1/82711_Question_1_2024-11-18_16-07-42_Video", 1, 1),
        ("82593", "Visite_1/82593_Question_2_2024-10-02 16-27-50_Video", 0, 1),
    ]
    assert clips[0].video == tmp_path / first
    refused(lambda: bah.read(tmp_path, tmp_path / "train.txt"))
    for bad in (f"{first},2,x", first, "Videos/../../x.mp4,1,x", "/etc/a/b/c.mp4,1,x", "a.mp4,0,x"):
        refused(lambda bad=bad: bah.parse(bad, tmp_path))
