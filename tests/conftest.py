"""Fixtures shared by all tests: real weights, and the folder of research data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core import weights
from core.errors import Code, UserError
from core.settings import ROOT

UNREACHABLE = (Code.WEIGHTS_OFFLINE, Code.WEIGHTS_MISSING)


@pytest.fixture(scope="session")
def weight() -> Callable[[str], Path]:
    """A function from a manifest name to its verified file, fetched once.

    Where the weights cannot be reached the test is skipped with the reason; on a build server (CI set)
    that is a failure, so that no test of real weights can quietly stop running. Damaged weights and
    unknown names are failures everywhere.
    """

    def get(name: str) -> Path:
        try:
            return weights.resolve(name)
        except UserError as problem:
            if problem.code not in UNREACHABLE or os.environ.get("CI"):
                raise
            pytest.skip(f"{name}: {problem.message}")

    return get


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of research data (FACET_TEST_DATA, else ../shared/data); the test is skipped without it."""
    folder = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the folder of research data is not here (set FACET_TEST_DATA)")
    return folder
