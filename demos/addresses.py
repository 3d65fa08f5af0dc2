"""Photos that programs give by address, as MCP clients must: of an upload to this server, or a public one."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import gradio as gr
import httpx

_MARK = "/file="  # in the address of an uploaded file, before its path


def by_address(file: gr.File) -> gr.File:
    """Let a component also take the address which this server gave an upload.

    gradio downloads every address and refuses those of the machine it runs on, so that nobody can reach
    into its network; a photo that was uploaded to an app on one's own machine could then not be named.
    An address that cannot be had is told in a sentence.
    """
    download = file.async_move_resource_to_block_cache

    async def take(where: str | Path | None) -> str | None:
        try:
            return await download(uploaded(where, Path(file.GRADIO_CACHE)) or where)
        except (ValueError, OSError, httpx.HTTPError) as problem:
            raise gr.Error(
                "The file could not be fetched from this address. Give the address of an upload to this "
                "server, a public http(s) address or a data: address.",
                title="file-unreadable",
                print_exception=False,
            ) from problem

    # on the object, because gradio writes a stub file beside every class that is derived from a component
    file.async_move_resource_to_block_cache = take  # type: ignore[method-assign]
    return file


def uploaded(address: str | Path | None, folder: Path) -> str | None:
    """The path of an upload by its address; None for anything that is not a file of ``folder``."""
    parts = urlsplit(str(address or ""))
    if parts.scheme not in ("http", "https") or _MARK not in parts.path:
        return None
    path = Path(unquote(parts.path.partition(_MARK)[2])).resolve()
    return str(path) if path.is_relative_to(folder.resolve()) and path.is_file() else None
