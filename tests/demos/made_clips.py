"""Clips made from the synthetic example people, with a tone and with metadata; nobody is filmed."""

from pathlib import Path

import av
import numpy as np
import PIL.Image

from core.media import video
from core.settings import ROOT
from core.types import Audio, Frame, Pixels

FACES = ROOT / "demos" / "examples" / "faces"
FPS, SIDE = 25, 256
SECRET = "+48.8584+002.2945/"


def face(person: str, view: str) -> Pixels:
    picture = PIL.Image.open(FACES / f"person-{person}_{view}.jpg").convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), PIL.Image.Resampling.LANCZOS))


def people(path: Path, views: tuple[str, ...] = ("frontal", "smile", "left"), each: int = 25) -> Path:
    """Two people side by side, each view for ``each`` frames, with a tone and a place in its header."""
    rows = [np.concatenate([face("b", view), face("g", view)], axis=1) for view in views for _ in range(each)]
    frames = (Frame(n, n / FPS, pixels) for n, pixels in enumerate(rows))
    clock = np.arange(round(48000 * len(rows) / FPS)) / 48000
    tone = Audio((0.3 * np.sin(2 * np.pi * 440 * clock)).astype(np.float32), 48000, 0.0)
    plain = path.with_name(f"plain-{path.name}")
    video.encode(frames, plain, fps=FPS, audio=tone)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        target.metadata["location"] = target.metadata["title"] = SECRET
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                target.mux(packet)
    plain.unlink()
    return path
