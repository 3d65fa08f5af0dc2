"""Every real clip: read whole, written, and read again within one frame."""

from pathlib import Path

import numpy as np
import pytest

from core.media import audio, video
from core.settings import ROOT
from tests.core.media import test_video_write as writing

FOLDER = ROOT.parent / "shared" / "data" / "video"
NAMES = sorted(path.name for path in FOLDER.glob("*")) or ["none"]
# Frames that can be read: one of the files ends early, one has an edit list that hides its first frames.
CUT = {"mead_sad.mp4": 110, "pyfeat_no_face.mp4": 95}


@pytest.mark.data
@pytest.mark.parametrize("name", NAMES)
def test_a_real_clip_goes_through(data_dir: Path, tmp_path: Path, name):
    source = data_dir / "video" / name
    with video.Reader(source, max_side=128) as reader:
        times = np.array([frame.time for batch in reader for frame in batch])
    assert len(times) == CUT.get(name, reader.clip.frames or 75)
    assert times[0] == 0 and (np.diff(times) > 0).all()
    told = {notice.code for notice in reader.notices}
    assert ("cut-off" in told) == (name == "mead_sad.mp4") and not told & {"damaged", "times-mended"}
    heard = audio.load(source)
    assert (heard is not None) == reader.clip.has_audio

    *_, result = video.write(source, tmp_path / "out.mp4", lambda frame: frame.pixels, max_side=128)
    writing.check_playable(result.path)
    again = writing.times(result.path)
    np.testing.assert_allclose(again, times, atol=1e-3)
    usual = float(np.median(np.diff(times)))
    assert video.probe(result.path).duration == pytest.approx(reader.end, abs=usual)
    assert result.sound == ("none" if heard is None else "encoded" if source.suffix == ".mpg" else "copied")
    if heard is not None:
        same_sound(heard, audio.load(result.path), usual)


def same_sound(before, after, tolerance: float) -> None:
    """The same sound at the same place: the best lag of a common stretch is less than ``tolerance``."""
    seconds = min(
        before.start + len(before.samples) / before.rate, after.start + len(after.samples) / after.rate
    )
    begin = max(before.start, after.start)
    assert begin - before.start < tolerance + 0.05
    pair = [
        audio.window(one, (begin + seconds) / 2, seconds - begin).astype(float) for one in (before, after)
    ]
    if np.abs(pair[0]).max() < 1e-3:
        return  # some of the clips carry a silent track
    count = 2 * len(pair[0])
    match = np.fft.irfft(np.fft.rfft(pair[0], count).conj() * np.fft.rfft(pair[1], count), count)
    lag = int(np.argmax(match))
    lag -= count if lag > count // 2 else 0
    assert abs(lag) / before.rate < tolerance / 2
    assert match.max() > 0.8 * np.linalg.norm(pair[0]) * np.linalg.norm(pair[1])
