"""Two processes on processors, started by ``accelerate launch``, do what one does."""

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.datasets.frame_labels import Task
from core.patches import slots
from core.patches.generator import About, PatchGenerator
from core.patches.pgd import Objective
from core.settings import ROOT
from core.training import abaw
from core.training.loop import BEST, HISTORY
from core.training.patch_generator import Attack
from tests.core.patches.patch_fakes import person_victim
from tests.core.training.abaw_data import make

# Batches of odd size, and a last one that is smaller still: nothing divides by two.
TASKS = ((Task.EXPRESSION, 63, 0.05), (Task.DIMENSIONS, 51, 0.05), (Task.UNITS, 33, 0.02))
LAUNCHED = """
import sys
from pathlib import Path
from core.training import loop
from tests.core.training.test_two_processes import asked, train

train(*map(Path, sys.argv[1:]))
state = loop.PartialState()
sys.stdout.write(f"processes {state.num_processes}\\n")  # at once: the other writes there too
sys.stdout.write(f"asked {asked(state.process_index)}\\n")
loop.leave()
"""


def train(data: Path, features: Path, out: Path) -> None:
    for task, batch, rate in TASKS:
        setting = abaw.SETTINGS[task]
        options = replace(setting.options, epochs=3, batch=batch, drop_last=False, cpu=True)
        for _ in abaw.train(task, data, features, out / task, replace(setting, options=options, rate=rate)):
            pass


def asked(seed: int) -> str:
    """Which two of three victims look at each of ten batches."""
    seen = [person_victim(name, number) for number, name in enumerate("abc")]
    about = About("evasion", "persons", ("torso",), ("a", "b", "c"), 32, 32)
    places = {"torso": (slots.torso(64, 32),)}
    model = Attack(PatchGenerator(about), seen, places, Objective(), together=2).train()
    torch.manual_seed(seed)
    return " ".join("".join(model._asked()) for _ in range(10))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.timeout(300)
def test_two_processes_equal_one(tmp_path: Path) -> None:
    folders = make(tmp_path)
    train(*folders, tmp_path / "one")
    script = tmp_path / "launched.py"
    script.write_text(LAUNCHED)
    launch = [
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    port = ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(free_port())]
    hidden = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, *launch, *port, str(script), *map(str, folders), str(tmp_path / "two")],
        env=os.environ | hidden,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("processes 2") == 2
    # by lot, yet alike: what the victims say is gathered, and that of one who did not look has another shape
    first, second = re.findall("asked (.*)", done.stdout)
    assert first == second == asked(0) != asked(1)
    assert len(set(first.split())) > 1
    for task, _, _ in TASKS:
        one, both = tmp_path / "one" / task, tmp_path / "two" / task
        alone, together = (json.loads((folder / HISTORY).read_text()) for folder in (one, both))
        assert len(alone) == len(together) == 3
        for first, second in zip(alone, together, strict=True):
            assert first == pytest.approx(second, abs=1e-5), task
        weights, others = load_file(one / BEST), load_file(both / BEST)
        moved = torch.cat([(weights[name] - others[name]).abs().flatten() for name in weights])
        assert moved.max() < 1e-5, (task, float(moved.max()))
