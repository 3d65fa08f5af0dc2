"""The tab's functions for programs: HTTP endpoints, ``gradio_client`` and MCP tools.

Each call brings its clip and takes its files; nothing of a call is kept for the next one, because all MCP
callers share one gradio session. Scores come back as a file, which a later call may bring again.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from core import weights
from core.errors import Code, UserError
from demos.abaw import analysing, exports, score_file
from demos.abaw.desk import Desk
from demos.abaw.readers import needed
from demos.addresses import by_address
from demos.base import endpoint, path_of
from demos.models import described, missing
from demos.services import HEAVY, LIGHT, Services
from demos.sessions import Session, discard

if TYPE_CHECKING:
    from core.abaw.analyse import Analysis

Upload = Mapping[str, Any]


def packed(session: Session, desk: Desk, extra: Mapping[str, bytes]) -> tuple[list[str], dict[str, Any]]:
    """All files of a call, and its report."""
    paths = exports.files(session, desk)
    paths += [session.write(name, content) for name, content in extra.items()]
    return paths, exports.report(desk)


def result_of(events: Any) -> "Analysis":
    """The last event of an analysis."""
    *_, last = events
    return last  # type: ignore[no-any-return]


def lay_out_and_wire(services: Services, models: list[str]) -> None:
    """Register the endpoints; their components are never drawn."""

    @endpoint
    def analyse_video(
        video: Upload, options: str = "{}", person: float = -1
    ) -> tuple[list[str], dict[str, Any]]:
        """Read expression, valence-arousal and action units of a face from a video, frame by frame.

        Finds and follows the faces, reads each one with an expression encoder and the heads that are here,
        smooths over time and decides each frame. Takes about as long as the clip lasts, or some times
        longer. Sound is heard if the optional speech encoder is here, and counts from {"visual_weight": 0.8}
        or so. The report names heads that are only stand-ins, and heads that are not here. Contempt is not
        among the classes. An expression is what a face looks like, not what a person feels; it must not be
        used to judge, hire, grade or watch people.

        Args:
            video: a video file; over MCP by address: an upload to this server, public http(s), or data:
            options: JSON object with steps to change, for instance {"window": 10, "confidence": 0.7}
            person: number of a person of the clip; -1 for the main one, who is seen longest and largest

        Returns:
            files: table as CSV, ABAW submission files, report as JSON, scores.npz for decide_video
            report: shares of the expressions, heads, stand-ins, options, versions and weight hashes
        """
        from core.abaw.tuned_file import options_from

        session = services.sessions.loose()
        chosen = options_from(options)
        desk = Desk(options=chosen)
        desk.start(*services.clip(session, path_of(video)), "clip")
        with suppress(UserError):  # the analysis says itself what it cannot do without
            for _ in weights.fetch(missing(needed())):
                pass
        desk.found(result_of(analysing.job(desk.source())))
        if person >= 0:
            desk.look(int(person))
        assert desk.analysis is not None
        return packed(session, desk, {"scores.npz": score_file.pack(desk.analysis.scores)})

    @endpoint
    def decide_video(scores: Upload, options: str = "{}", person: float = -1) -> tuple[str, dict[str, Any]]:
        """Decide the frames of a video anew with other options, from the scores that analyse_video returned.

        No network runs: averaging, choice of the branch, biases and thresholds are applied again, within a
        second.

        Args:
            scores: the file scores.npz that analyse_video returned, given like a video
            options: JSON object with steps to change, for instance {"window": 0, "confidence": 1}
            person: number of a person of the clip; -1 for the main one, who is seen longest and largest

        Returns:
            table: CSV, one line a frame
            report: shares of the expressions, options, encoder and stand-ins
        """
        from core.abaw.tuned_file import options_from

        path = path_of(scores)
        if not path:
            raise UserError(Code.FILE_UNREADABLE, "There is no file of scores.", "Give scores.npz.")
        session = services.sessions.loose()
        try:
            people = score_file.unpack(Path(path))
        finally:
            discard(Path(path))
        desk = Desk(options=options_from(options), name="clip")
        desk.take(people)
        if person >= 0:
            desk.look(int(person))
        table = session.write("clip.csv", exports.csv_of(desk).encode())
        return table, exports.decisions(desk)

    @endpoint
    def list_video_models() -> list[dict[str, Any]]:
        """List the networks of the video system: detector, encoders and heads.

        Returns:
            models: name, title, whether it is here, licence of the weights, training data
        """
        return described([weights.entry(name) for name in models])

    with gr.Row(visible=False):
        video = by_address(gr.File(label="Video"))
        scores = by_address(gr.File(label="Scores"))
        options = gr.Textbox("{}", label="Options as JSON")
        person = gr.Number(-1, label="Person")
        files, table = gr.File(label="Files", file_count="multiple"), gr.File(label="Table")
        report, listed = gr.JSON(label="Report"), gr.JSON(label="Models")
        shared: dict[str, Any] = {"preprocess": False, "api_visibility": "public"}
        gr.Button().click(
            analyse_video, [video, options, person], [files, report], api_name="analyse_video",
            **HEAVY, **shared,
        )  # fmt: skip
        gr.Button().click(
            decide_video, [scores, options, person], [table, report], api_name="decide_video",
            **LIGHT, **shared,
        )  # fmt: skip
        gr.Button().click(  # queued, because what skips the queue reaches MCP clients in gradio's own words
            list_video_models, None, listed, api_name="list_video_models", **LIGHT
        )
