"""The running app for tests that talk to it as programs do."""

from tests.serving import serve, server

__all__ = ["serve", "server"]
