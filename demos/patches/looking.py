"""What was attacked, and what an operator could do: activation maps and clusters, detectors and repair."""

import html
from typing import TYPE_CHECKING, Any

import gradio as gr

from core.errors import Code, UserError
from demos.base import Update, guarded
from demos.patches.bench import SLUG, Bench
from demos.patches.parts import Parts
from demos.patches.showing import labelled
from demos.pictures import inlined
from demos.services import HEAVY, Services

if TYPE_CHECKING:
    from core.patches.activation import Rule
    from core.patches.base import Victim
    from core.patches.defend import Finding
    from core.patches.session import Figure
    from core.types import Pixels


def wire(services: Services, parts: Parts) -> list[Any]:
    """Wire the two boxes; returns the events that "Forget my images" must stop."""
    results, notice = parts.results, parts.inputs.notice

    def bench_of(request: gr.Request) -> Bench:
        return services.session(request).room(SLUG, Bench)

    @guarded(notice)
    def explain_patch(name: str, request: gr.Request) -> Update:
        bench = bench_of(request)
        bench.current()
        return {results.explained: explained(bench, name)}

    @guarded(notice, lambda: {results.defence: False})
    def defend(on: bool, request: gr.Request) -> Update:
        bench = bench_of(request)
        if not on:
            return {results.defended: ""}
        bench.current()
        return {results.defended: defended(bench)}

    heavy: dict[str, Any] = {**HEAVY, "api_visibility": "private"}
    one = results.explain.click(
        explain_patch, results.eyes, [notice, results.explained], show_progress_on=results.explained, **heavy
    )
    two = results.defence.input(
        defend,
        results.defence,
        [notice, results.defence, results.defended],
        show_progress_on=results.defended,
        **heavy,
    )
    return [one, two]


def explained(bench: Bench, name: str) -> str:
    """Where one encoder looks without and with the patch, and what kind of features its places become.

    Raises:
        UserError: ``OPTION_RANGE``: no such encoder.
    """
    import torch

    from core.patches.explain import explain

    work, now = bench.work(), bench.now
    assert now is not None
    victim = _victim(bench, name)
    references = work.claimed(victim)
    face = bench.main().canonical() if work.kind == "faces" else None
    others = torch.cat([block.pictures[:2] for block in work.gallery[:12]])
    rule: Rule | None = None if work.target is None else "hirescam"  # the others were chosen by evasion
    found = explain(
        victim, work.probe, now.worn, bench.slot(), references, rule=rule, others=others, face=face
    )
    rows = "".join(_cluster(row) for row in found.table)
    even = f"On this picture an even map would have {found.area:.0%} there. Rule: {found.rule}."
    share = f"{found.share_clean:.0%} inside the patch’s outline"
    return (
        f'<figure class="facet-eyes" role="group" aria-label="What was attacked">'
        f"<div>{_picture(found.heat_clean, 'Weighted by the gradient, without', share)}"
        f"{_picture(found.heat_attacked, 'With the patch', f'{found.share_attacked:.0%} inside it')}"
        f"{_picture(found.all_clean, 'All activation, without', f'{found.plain_clean:.0%} inside it')}"
        f"{_picture(found.all_attacked, 'With the patch', f'{found.plain_attacked:.0%} inside it')}"
        f"{_picture(found.clusters_clean, 'Kinds of features, without', '')}"
        f"{_picture(found.clusters_attacked, 'With the patch', '')}</div>"
        f"<figcaption>{html.escape(f'{found.note} {even}')}</figcaption></figure>"
        '<div class="facet-scroll"><table class="facet-table facet-clusters"><thead><tr>'
        + "".join(
            f"<th scope='col'>{head}</th>"
            for head in ("Kind", "Mostly at", "All places", "In the patch’s outline", "Moved by")
        )
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
        '<div class="facet-note">Places of the encoder’s last map, sorted by k-means on clean pictures. '
        "“Moved by”: how far the attacked places lie from the kind’s centre, in spreads of clean ones.</div>"
    )


def _picture(pixels: "Pixels", title: str, told: str) -> str:
    return _figure(inlined(pixels, "webp", 85), title, told)


def _figure(address: str, title: str, told: str) -> str:
    caption = f"<b>{html.escape(title)}</b>" + (f"<small>{html.escape(told)}</small>" if told else "")
    words = html.escape(f"{title} {told}".strip())
    return f'<span><img src="{address}" alt="{words}">{caption}</span>'


def _cluster(row: dict[str, Any]) -> str:
    red, green, blue = row["rgb"]
    moved = row["shift"]
    cells = (
        ("Kind", f'<i style="background:rgb({red},{green},{blue})"></i>{row["cluster"]} {row["colour"]}'),
        ("Mostly at", html.escape(str(row["where"]))),
        ("All places", f"{row['share clean']:.0%} → {row['share attacked']:.0%}"),
        ("In the patch’s outline", f"{row['in patch clean']:.0%} → {row['in patch attacked']:.0%}"),
        ("Moved by", "–" if moved != moved else f"{moved:.1f}"),
    )
    return "<tr>" + "".join(f'<td data-label="{name}">{value}</td>' for name, value in cells) + "</tr>"


def defended(bench: Bench) -> str:
    """What detectors say of the picture, and what encoders say once it is repaired.

    The operator is told a name: the person's own, or in impersonation the target's, and has that person's
    pictures. Recovery looks for what hides somebody, so it is left out where somebody is to be let in.
    """
    from core.patches import defend, victims
    from core.patches.countermeasures.occlusion import Occlusion, Recovery
    from core.patches.session import pixels

    work, now = bench.work(), bench.now
    assert now is not None
    everyone = [*work.seen, *work.unseen]
    aimed = work.target is not None
    claims = {one.name: work.claimed(one) for one in work.seen}
    names = [name for name in defend.able(len(work.seen), True) if not (aimed and name == Recovery.name)]
    findings = [
        defend.inspect(list(work.seen), picture, claims, names=names) for picture in (work.probe, now.worn)
    ]
    rows = "".join(_finding(*pair) for pair in zip(*findings, strict=True))
    worn = labelled(pixels(now.worn), bench.current())
    repair = defend.repaired(list(work.seen), now.worn, claims, how=Occlusion.name if aimed else None)
    vectors = victims.embed(everyone, repair.picture[None])
    after = {one.name: float((work.claimed(one) @ vectors[one.name][0]).mean()) for one in everyone}
    healed = "".join(_healed(figure, aimed, after[figure.name]) for figure in now.figures)
    whom = "the target’s pictures" if aimed else "the person’s own pictures"
    return (
        '<div class="facet-scroll"><table class="facet-table facet-findings"><thead><tr>'
        + "".join(
            f"<th scope='col'>{h}</th>"
            for h in ("Detector", "Without", "With the patch", "Alarm from", "Time")
        )
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<div class="facet-note">{html.escape(defend.provenance())}</div>'
        f'<figure class="facet-eyes repaired"><div>{_figure(worn, "With the patch", "")}'
        f"{_picture(pixels(repair.picture), 'Repaired', repair.title)}</div></figure>"
        '<div class="facet-scroll"><table class="facet-table"><thead><tr>'
        + "".join(f"<th scope='col'>{h}</th>" for h in ("Encoder", "Without", "With the patch", "Repaired"))
        + f"</tr></thead><tbody>{healed}</tbody></table></div>"
        f'<div class="facet-note">Mean cosine to {whom}. An attacker who knows the defence does better than '
        "this patch: see RESULTS.md.</div>"
    )


def _healed(figure: "Figure", aimed: bool, after: float) -> str:
    """One encoder on the picture without a patch, with it and repaired."""
    pair = figure.target if aimed else figure.own
    assert pair is not None
    accepted = after >= figure.scale.threshold
    if aimed:
        word = "taken for them" if accepted else "refused"
    else:
        word = "accepted" if accepted else "not recognised"
    return (
        f'<tr><td data-label="Encoder">{html.escape(figure.title)}</td>'
        f'<td data-label="Without">{pair[0]:.2f}</td>'
        f'<td data-label="With the patch">{pair[1]:.2f}</td>'
        f'<td data-label="Repaired">{after:.2f} · {word}</td></tr>'
    )


def _finding(clean: "Finding", worn: "Finding") -> str:
    """One detector on the picture without and with the patch."""
    limit = "none known" if worn.threshold is None else f"{worn.threshold:.2f}"
    cells = (
        ("Detector", html.escape(worn.title)),
        ("Without", _said(clean)),
        ("With the patch", _said(worn)),
        ("Alarm from", limit),
        ("Time", f"{worn.seconds:.1f} s"),
    )
    return "<tr>" + "".join(f'<td data-label="{name}">{value}</td>' for name, value in cells) + "</tr>"


def _said(one: "Finding") -> str:
    word = "" if one.alarm is None else "alarm" if one.alarm else "quiet"
    return f'{one.score:.2f} <b class="{word or "unknown"}">{word}</b>'


def _victim(bench: Bench, name: str) -> "Victim":
    for one in (*bench.work().seen, *bench.work().unseen):
        if one.name == name:
            return one
    raise UserError(Code.OPTION_RANGE, "This encoder does not judge here.", "Choose one of those listed.")
