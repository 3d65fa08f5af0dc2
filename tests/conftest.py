"""Fixtures shared by all tests: real weights, and the folder of research data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core import weights
from core.errors import Code, UserError
from core.settings import ROOT, share_processors
from core.weights import Store
from core.weights.manifest import Bundled, Wheel

share_processors()  # a build server's cores may have other work

UNREACHABLE = (Code.WEIGHTS_OFFLINE, Code.WEIGHTS_MISSING)


def resolve_or_skip(store: Store, name: str) -> Path:
    """A verified path; where the weights cannot be reached the test is skipped with the reason.

    On a build server (CI set) that is a failure, so that no test of real weights can quietly stop running;
    only what no Python package carries (npm and hub) may be missing there. Damaged weights and unknown
    names are failures everywhere.
    """
    try:
        return store.resolve(name)
    except UserError as problem:
        expected = any(isinstance(source, Bundled | Wheel) for source in store.entry(name).sources)
        if problem.code not in UNREACHABLE or (os.environ.get("CI") and expected):
            raise
        pytest.skip(f"{name}: {problem.message}")


@pytest.fixture(scope="session")
def weight() -> Callable[[str], Path]:
    """A function from a manifest name to its verified file, fetched once; see :func:`resolve_or_skip`."""
    return lambda name: resolve_or_skip(weights.installed(), name)


@pytest.fixture
def weight_from() -> Callable[[Store, str], Path]:
    """As ``weight``, from a store of the test's own."""
    return resolve_or_skip


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of research data (FACET_TEST_DATA, else ../shared/data); the test is skipped without it."""
    folder = Path(os.environ.get("FACET_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the folder of research data is not here (set FACET_TEST_DATA)")
    return folder
