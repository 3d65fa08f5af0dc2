"""Facet in a browser: ``python app.py``; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("GRADIO_TEMP_DIR", f"{tempfile.gettempdir()}/facet-{os.environ.get('USER', 'user')}")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr  # gradio reads the variables above when it is imported

from core.settings import settings, share_processors
from demos import TABS
from demos.chrome import footer, header, wire_forgetting
from demos.services import Services
from demos.sessions import Sessions
from demos.theme import STYLE, theme


def build(services: Services) -> gr.Blocks:
    """The page: a header, one tab a system, the queue that they share."""
    seconds = int(services.settings.session_minutes * 60)
    with gr.Blocks(title="Facet", delete_cache=(300, max(1800, seconds)), analytics_enabled=False) as page:
        button, answer = header()
        tabs = []
        with gr.Tabs():
            for demo in TABS:
                with gr.Tab(demo.title, id=demo.slug):
                    tabs.append(demo.build(services))
        wire_forgetting(services, button, answer, tabs)
        footer(services)
        page.unload(services.left)
    return page.queue(max_size=services.settings.queue_size, default_concurrency_limit=1)


def main() -> None:
    """Serve until interrupted; then delete every visitor's files."""
    limits = settings()
    share_processors()
    if limits.threads:
        os.environ["OMP_NUM_THREADS"] = str(limits.threads)  # read by torch, which is imported later
    root = Path(os.environ["GRADIO_TEMP_DIR"])
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    sessions = Sessions(root, limits.session_minutes)
    sessions.clear_leftovers()
    stop = sessions.keep_swept()
    try:
        build(Services(limits, sessions)).launch(
            max_file_size=max(limits.max_upload_bytes, limits.max_video_bytes), theme=theme(),
            css_paths=STYLE, show_error=False, allowed_paths=[], strict_cors=True, share=False, pwa=False,
            ssr_mode=False, run_history=False, enable_monitoring=False, mcp_server=True,
            state_session_capacity=200, footer_links=["api", "settings"],
        )  # fmt: skip
    finally:
        stop()
        sessions.close()


if __name__ == "__main__":
    main()
