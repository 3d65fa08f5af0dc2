"""Curves, planes and bars of one person in one clip, as inline SVG and HTML."""

import base64
import html

import numpy as np

from core.abaw.classes import ACTION_UNITS, EXPRESSIONS
from core.types import FloatArray, Mask
from demos.abaw.looks import EXPRESSION_LOOKS, UNIT_NAMES, seconds
from demos.strips import COLUMNS, runs, sampled

PATH_POINTS = 400  # of the valence-arousal path
TRAIL_SECONDS = 2.0  # what came just before the cursor is drawn stronger


def curve(
    values: FloatArray, times: FloatArray, threshold: float, label: str, caption: str, limit: str
) -> str:
    """One score in 0..1 over time with its threshold.

    Args:
        values: F in 0..1; nan leaves a gap.
        times: F seconds.
        threshold: in 0..1.
        label: what stands left of it.
        caption: a sentence below.
        limit: what the threshold is called.
    """
    total = max(len(values) - 1, 1)
    pieces: list[list[str]] = [[]]
    for n in sampled(len(values), COLUMNS):
        if np.isnan(values[n]):
            pieces.append([])
        else:
            pieces[-1].append(f"{1000 * n / total:.0f},{100 * (1 - values[n]):.1f}")
    lines = "".join(f'<polyline class="line" points="{" ".join(piece)}"/>' for piece in pieces if piece)
    y = 100 * (1 - threshold)
    known = values[~np.isnan(values)]
    top = f"highest {known.max():.2f} at {seconds(float(times[np.nanargmax(values)]))}" if len(known) else ""
    words = f"{label}: {top}; {limit} {threshold:.2f}"
    return (
        f'<figure class="facet-lanes"><div class="lane curve"><span class="name">{html.escape(label)}</span>'
        f'<div class="stage" role="img" aria-label="{html.escape(words)}"><svg viewBox="0 0 1000 100" '
        f'preserveAspectRatio="none" aria-hidden="true"><line class="limit" x1="0" x2="1000" y1="{y:.1f}" '
        f'y2="{y:.1f}"/>{lines}</svg></div><span class="note">0–1</span></div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def plane(points: FloatArray, times: FloatArray, cursor: int) -> str:
    """The path through valence and arousal, with the cursor's place on it.

    Args:
        points: F×2, valence and arousal in -1..1.
        times: F seconds.
        cursor: number of the frame.
    """
    known = ~np.isnan(points).any(1)
    kept = sampled(len(points), PATH_POINTS)
    since = int(np.searchsorted(times, times[cursor] - TRAIL_SECONDS))
    trail = np.arange(since, cursor + 1)[:: max(1, (cursor + 1 - since) // 60)]
    valence, arousal = (float(value) for value in points[cursor])
    mark, words = "", f"Not read at {seconds(float(times[cursor]))}"
    if known[cursor]:
        mark = f'<circle class="here" cx="{100 * valence:.0f}" cy="{-100 * arousal:.0f}" r="6"/>'
        words = f"Valence {valence:+.2f}, arousal {arousal:+.2f} at {seconds(float(times[cursor]))}"
    return (
        '<figure class="facet-plane" role="group" aria-label="Valence and arousal">'
        f'<svg viewBox="-115 -115 230 230" role="img" aria-label="{words}"><circle class="rim" r="100"/>'
        '<line class="axis" x1="-100" x2="100" y1="0" y2="0"/>'
        '<line class="axis" x1="0" x2="0" y1="-100" y2="100"/>'
        f'<polyline class="path" points="{_places(points[kept[known[kept]]])}"/>'
        f'<polyline class="trail" points="{_places(points[trail[known[trail]]])}"/>{mark}'
        '<text x="98" y="-5" text-anchor="end">pleasant</text><text x="-98" y="-5">unpleasant</text>'
        '<text x="4" y="-101">excited</text><text x="4" y="109">calm</text></svg>'
        f"<figcaption>{words}. The whole clip is thin, the last {TRAIL_SECONDS:.0f} s thick.</figcaption>"
        "</figure>"
    )


def _places(points: FloatArray) -> str:
    return " ".join(f"{100 * x:.0f},{-100 * y:.0f}" for x, y in points)


def class_bars(probabilities: FloatArray, final: int) -> str:
    """Probability of each expression at the cursor; the decided one is marked."""
    rows = "".join(
        _row(look.word, float(probabilities[n]), look.style, n == final)
        for n, look in enumerate(EXPRESSION_LOOKS)
    )
    return f'<div class="facet-meter" role="group" aria-label="Probability of each expression">{rows}</div>'


def _row(word: str, value: float, style: str, chosen: bool) -> str:
    mark = ' class="row chosen"' if chosen else ' class="row"'
    return (
        f'<div{mark}><span class="word">{html.escape(word)}</span><div class="track" aria-hidden="true">'
        f'<i class="{style}" style="width:{100 * value:.0f}%"></i></div>'
        f'<span class="value">{value:.2f}</span></div>'
    )


def unit_bars(strengths: FloatArray, thresholds: tuple[float, ...]) -> str:
    """Strength of each action unit at the cursor against its threshold."""
    rows = ""
    for n, name in enumerate(ACTION_UNITS):
        value, limit = float(strengths[n]), thresholds[n]
        active = value > limit
        said = "–" if np.isnan(value) else f"{value:.2f}{' on' if active else ''}"
        wide = 0.0 if np.isnan(value) else 100 * value
        rows += (
            f'<div class="row{" chosen" if active else ""}"><span class="word"><b>{name}</b> '
            f'<small>{UNIT_NAMES[name]}</small></span><div class="track" aria-hidden="true">'
            f'<i class="x-unit{"" if active else " off"}" style="width:{wide:.0f}%"></i>'
            f'<i class="limit" style="left:{100 * limit:.0f}%"></i></div><span class="value">{said}</span>'
            f'<span class="sr-only">threshold {limit:.2f}</span></div>'
        )
    return f'<div class="facet-meter units" role="group" aria-label="Action units at the cursor">{rows}</div>'


def unit_strips(strengths: FloatArray, active: Mask, times: FloatArray, caption: str) -> str:
    """Twelve strips over time: the darker the stronger, with a line where the threshold is passed."""
    kept = sampled(len(times), COLUMNS)
    rows = ""
    for n, name in enumerate(ACTION_UNITS):
        on = active[kept, n]
        path = "".join(f"M{start} 0h{length}" for start, length, value in runs(on.astype(np.int64)) if value)
        share = float(active[:, n].mean())
        words = f"{name}, {UNIT_NAMES[name]}: on in {share:.0%} of the frames"
        rows += (
            f'<div class="lane heat"><span class="name" title="{UNIT_NAMES[name]}">{name}</span>'
            f'<div class="stage" role="img" aria-label="{words}"><div class="strength" style="mask-image:'
            f'url({_alpha(strengths[kept, n])});-webkit-mask-image:url({_alpha(strengths[kept, n])})"></div>'
            f'<svg class="on" viewBox="0 0 {len(kept)} 1" preserveAspectRatio="none" aria-hidden="true">'
            f'<path d="{path}"/></svg></div><span class="note">{share:.0%}</span></div>'
        )
    return (
        '<figure class="facet-lanes" role="group" aria-label="Action units over time">'
        f'<div class="rows">{rows}</div><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def _alpha(strengths: FloatArray) -> str:
    """Strengths in 0..1 as a data address of a picture one pixel high that is as opaque as they are."""
    import cv2

    pixels = np.zeros((1, len(strengths), 4), np.uint8)
    pixels[0, :, 3] = (
        np.clip(255 * np.nan_to_num(strengths), 0, 255).round() // 8 * 8
    )  # coarse steps compress well
    _, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}"


def headline(final: int, probability: float, branch: int, filled: bool, time: float) -> str:
    """What was decided at the cursor, in one line."""
    if final < 0:
        return f"<p><b>Undecided</b> at {seconds(time)}: no face was seen here.</p>"
    how = {0: "by the pretrained classes", 1: "by the trained head"}.get(branch, "")
    gap = " No face was seen: the row lies between its neighbours." if filled else ""
    return (
        f'<p><b>{EXPRESSIONS[final].capitalize()}</b> <span class="value">{probability:.2f}</span> '
        f"at {seconds(time)}, decided {how}.{gap}</p>"
    )
