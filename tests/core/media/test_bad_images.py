"""The whole folder of files that broke image libraries, in a process of its own with little memory."""

import json
import os
import subprocess
import sys

import pytest

from core.settings import ROOT

# In the child: every file is a picture or a UserError within 20 s, or the child dies with a traceback.
CHILD = """
import json, resource, signal, sys, warnings
from pathlib import Path
import core.media.images as images
from core.errors import UserError

warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 1_000_000_000,) * 2)
outcomes = {}
for path in sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()):
    signal.alarm(20)
    try:
        image = images.load(path)
        outcomes[path.name] = "picture"
        assert max(image.pixels.shape) <= 2048
    except UserError as problem:
        assert problem.message and problem.hint
        outcomes[path.name] = problem.code
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
json.dump({"outcomes": outcomes, "grown": grown}, sys.stdout)
"""


@pytest.mark.data
def test_every_file_ends_in_a_picture_or_one_sentence(data_dir):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(data_dir / "bad_images")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    result = json.loads(child.stdout)
    outcomes = result["outcomes"]
    assert len(outcomes) > 1000
    assert result["grown"] < 200e6
    assert sum(outcome == "picture" for outcome in outcomes.values()) > 600
    # PngSuite: files whose name begins with x are broken, all others must open.
    suite = {path.name for path in (data_dir / "bad_images" / "pngsuite").glob("*.png")}
    refused = {name for name in suite if outcomes[name] != "picture"}
    assert refused == {name for name in suite if name.startswith("x")}
