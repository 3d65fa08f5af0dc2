"""The tab's functions for programs: HTTP endpoints, ``gradio_client`` and MCP tools.

Each call brings its photos and takes its files; nothing of a call is kept for the next one, because all MCP
callers share one gradio session. The files are deleted by time.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import gradio as gr

from core import weights
from core.errors import Code, UserError
from demos.addresses import by_address
from demos.base import endpoint, path_of
from demos.models import described
from demos.patches import exports, intake, making, natural, readers, words
from demos.patches.bench import Bench, face_of, report, whole
from demos.services import HEAVY, LIGHT, Services
from demos.sessions import Session

Upload = Mapping[str, Any]
WAYS: Final = ("one pass", "iterative", "latent offset", "guided sample", "latent generator")


def bench_for(
    services: Services,
    session: Session,
    photo: Upload | None,
    kind: str,
    place: str,
    target: str,
    second: Upload | None,
    consent: bool,
) -> Bench:
    """A workbench with the photos of one call.

    Raises:
        UserError: an unknown kind, place or target; a second photo without consent; a photo that is none.
    """
    from core.patches import safety

    if kind not in readers.KINDS or place not in words.PLACES[kind] or place == "drawn":
        known = "; ".join(
            f"{one}: {', '.join(name for name in words.PLACES[one] if name != 'drawn')}"
            for one in readers.KINDS
        )
        raise UserError(Code.OPTION_RANGE, "There is no such place.", f"Choose one of {known}.")
    if second is not None:  # before anything of the photo is read
        safety.allow("photo", consent is True, "impersonation")
    if target and target not in safety.people():
        raise UserError(
            Code.OPTION_RANGE,
            "Impersonation is open towards the synthetic people only, or a second photo with consent.",
            f"Choose one of: {', '.join(safety.people())}.",
        )
    if target and second is not None:
        raise UserError(
            Code.OPTION_RANGE, "A target and a second photo were given.", "Leave one of them out."
        )
    if (target or second) and kind != "faces":
        raise UserError(Code.OPTION_RANGE, "Only faces can be aimed at somebody.", "Leave the target out.")
    bench = Bench()
    image = services.photo(session, path_of(photo))
    bench.start(face_of(image) if kind == "faces" else whole(image))
    bench.place = place
    if target or second is not None:
        bench.mode, bench.consent = "impersonation", consent is True
        aim = intake.aim_at(target) if target else intake.second(services.photo(session, path_of(second)))
        bench.aim = aim
    return bench


def lay_out_and_wire(services: Services) -> None:
    """Register the endpoints; their components are never drawn."""

    @endpoint
    def attack_with_patch(
        photo: Upload,
        kind: str = "faces",
        place: str = "glasses",
        way: str = "one pass",
        target: str = "",
        second_photo: Upload | None = None,
        consent: bool = False,
        label: str = "",
        strength: float = 0.5,
        seed: float = 0,
    ) -> tuple[str, list[str], dict[str, Any]]:
        """Make an adversarial patch for a photo and say what it does to recognisers and to a gallery search.

        Without a target the patch is to hide the person; with one it is to make them pass for somebody else.
        Targets are the synthetic people that come with the app, so that nobody is impersonated; a second
        photo is taken only where consent is true, which means that the person in it knows and agrees. In
        that mode the patch itself is not given out. Every file says in its metadata that it is adversarial.
        Simulated on the photo; it is no promise about a print, another recogniser or a human. For research,
        privacy and teaching. Takes a few seconds (one pass), half a minute (iterative) or up to a minute (the
        natural ways) on two processor cores, after the weights were fetched once.

        Args:
            photo: JPEG, PNG or WEBP; over MCP by address: an upload to this server, public http(s), or data:
            kind: "faces" (the largest face is taken) or "persons" (one upright person, cut close)
            place: faces: "glasses", "medical mask", "forehead" or "cheek"; persons: "shirt" or "torso"
            way: "one pass" (a search where no generator knows the place) or "iterative"; natural: "latent
                offset", "guided sample" or, in one pass, "latent generator"
            target: a synthetic person, "person-a" to "person-j"; empty to hide
            second_photo: instead of a target, a photo of a person who has agreed; given like photo
            consent: true when the person in the second photo knows about this and agrees
            label: of the natural ways, the kind of flower; empty for the first
            strength: of the natural ways, 0 (natural) to 1 (strong)
            seed: whole number; the same seed gives the same patch

        Returns:
            picture: the photo with the patch, PNG, marked as adversarial
            files: picture, report as JSON, and when hiding the patch alone as a small PNG
            report: cosines, thresholds and ranks by encoder, beside random squares and other baselines
        """
        from core.patches import bundled

        known = WAYS if bundled.NATURAL else WAYS[:-1]
        if way not in known or not 0 <= float(strength) <= 1:
            raise UserError(
                Code.OPTION_RANGE, "There is no such way.", f"Choose {', '.join(known)}; strength 0 to 1."
            )
        session = services.sessions.loose()
        bench = bench_for(services, session, photo, kind, place, target, second_photo, consent)
        wanted = [*readers.needed(kind, bench.mode)]
        wanted += natural.needed(natural.FLOWERS) if way not in WAYS[:2] else ()
        with suppress(UserError):  # the job says itself what it cannot do without
            for _ in weights.fetch(tuple(dict.fromkeys(wanted))):
                pass
        for _ in making.first(bench, int(seed or 0)):
            pass
        if way == "iterative" and "pgd" not in bench.tried:
            bench.try_out("pgd", words.WAYS["pgd"], making.maker(bench, "pgd"), int(seed or 0))
        if way in WAYS[2:]:
            name = label or natural.labels(natural.FLOWERS)[0]
            try:
                for _ in natural.paint(bench, natural.FLOWERS, name, way, float(strength), int(seed or 0)):
                    pass
            except UserError:
                if way not in bench.tried:
                    raise  # else only the measure of its looks is missing
        paths = exports.files(session, bench)
        return paths[0], paths, report(bench)

    @endpoint
    def list_patch_models() -> list[dict[str, Any]]:
        """List the encoders, generators and priors of the patches system.

        Returns:
            models: name, title, whether it is here, licence of the weights, training data
        """
        return described([weights.entry(name) for name in readers.listed()])

    with gr.Row(visible=False):
        photo = by_address(gr.File(label="Photo"))
        kind = gr.Radio(list(readers.KINDS), value="faces", label="Kind")
        place = gr.Textbox("glasses", label="Place")
        way = gr.Radio(list(WAYS), value=WAYS[0], label="Way")
        target = gr.Textbox("", label="Target")
        second = by_address(gr.File(label="Second photo"))
        consent = gr.Checkbox(False, label="Consent")
        label = gr.Textbox("", label="Label")
        strength = gr.Number(0.5, label="Strength")
        seed = gr.Number(0, label="Seed")
        outputs = [
            gr.Image(label="Picture"),
            gr.File(label="Files", file_count="multiple"),
            gr.JSON(label="Report"),
        ]
        listed = gr.JSON(label="Models")
        given = [photo, kind, place, way, target, second, consent, label, strength, seed]
        gr.Button().click(
            attack_with_patch, given, outputs, preprocess=False, api_name="attack_with_patch",
            api_visibility="public", **HEAVY,
        )  # fmt: skip
        gr.Button().click(  # queued, because what skips the queue reaches MCP clients in gradio's own words
            list_patch_models, None, listed, api_name="list_patch_models", **LIGHT
        )
