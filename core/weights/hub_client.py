"""A child process that brings files from the model hub, so that it can be watched and ended.

Run as a script with the repository, the revision, the target folder and then the files. It imports
nothing of ``core``. The exit status says what went wrong: see :data:`OFFLINE` and :data:`REFUSED`.
"""

import socket
import sys
from urllib.parse import urlsplit
from urllib.request import getproxies

OFFLINE = 3
REFUSED = 4


def reachable(address: str, seconds: float) -> bool:
    """Whether a server answers, asked once: the hub's own client would try for half a minute."""
    parts = urlsplit(address)
    if {"http", "https", "all"} & getproxies().keys():  # only the client can tell what a proxy reaches
        return True
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 443), timeout=seconds):
            return True
    except OSError:
        return False


def main(repo: str, revision: str, folder: str, members: list[str]) -> int:
    """Download ``members`` into ``folder``; the hub's client takes up a lost connection by itself."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if constants.HF_HUB_OFFLINE or not reachable(constants.ENDPOINT, 5.0):
        return OFFLINE
    try:
        for member in members:
            hf_hub_download(repo, member, revision=revision, local_dir=folder)
    except (LocalEntryNotFoundError, OfflineModeIsEnabled):
        return OFFLINE
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError):
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
