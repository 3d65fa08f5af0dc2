import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.datasets.expressions import LabelledFaces
from core.expression import Card, Encoder
from core.expression.crop import Framing
from core.expression.evaluate import figures, probabilities

CLASSES = ("anger", "fear")


class Brightness(nn.Module):
    """Dark stills are fear, bright ones anger, and those between contempt."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        light = x.mean((1, 2, 3))
        scores = torch.stack([4 - 8 * light, -4 * (light - 0.5).abs() + 1, 8 * light - 4], 1)
        return scores, scores


def toy(**changes: object) -> Encoder:
    values = {
        "name": "toy", "title": "Toy", "classes": ("fear", "contempt", "anger"), "size": 4, "dim": 3,
        "framing": Framing(), "channels": "rgb", "mean": (0.0,) * 3, "std": (1.0,) * 3, "source": "made here",
        "batch": 2,
    }  # fmt: skip
    return Encoder(Card(**{**values, **changes}), Brightness())  # type: ignore[arg-type]


def stills(lights: list[int], labels: list[int], people: list[str] | None = None) -> LabelledFaces:
    pixels = np.repeat(np.array(lights, np.uint8), 16).reshape(-1, 4, 4)
    return LabelledFaces(pixels, np.array(labels), tuple(people or [""] * len(labels)))


def test_classes_are_put_in_the_order_of_the_labels_and_others_come_last() -> None:
    found = probabilities(toy(), stills([255, 0, 128], [0, 1, 0]), CLASSES)
    assert found.argmax(1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.sum(1), 1)
    assert probabilities(toy(), stills([], []), CLASSES).shape == (0, 3)


def test_a_wider_framing_or_an_unknown_class_is_refused() -> None:
    for wider in (Framing(side=1.3), Framing(down=0.1)):
        with pytest.raises(ValueError, match="stills"):
            probabilities(toy(framing=wider), stills([0], [0]), CLASSES)
    with pytest.raises(ValueError, match="joy"):
        probabilities(toy(), stills([0], [0]), ("joy",))


def test_a_still_is_taken_whole_and_resampled_like_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the encoder's own size nothing changes; a larger still is averaged and not cropped."""
    seen: list[Tensor] = []
    same, smaller = toy(size=8), toy()
    for encoder in (same, smaller):
        forward = encoder.forward
        monkeypatch.setattr(encoder, "forward", lambda crops, f=forward: (seen.append(crops), f(crops))[1])
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8), dtype=np.uint8)
    for encoder in (same, smaller):
        probabilities(encoder, LabelledFaces(picture, np.array([0]), ("",)), CLASSES)
    for channel in seen[0][0].numpy():
        np.testing.assert_array_equal(channel, picture[0])
    blocks = picture[0].reshape(4, 2, 4, 2).mean((1, 3))
    np.testing.assert_allclose(seen[1][0, 0].numpy(), blocks, atol=1)


def test_figures_by_hand() -> None:
    """Six of eight right; one answer lies outside the classes, one is the other class."""
    found = np.array([[0.8, 0.2, 0]] * 3 + [[0.1, 0.2, 0.7]] + [[0.3, 0.7, 0]] * 3 + [[0.6, 0.4, 0]])
    got = figures(found, stills([0] * 8, [0] * 4 + [1] * 4, list("aabbccdd")), CLASSES)
    assert got.confusion.tolist() == [[3, 0, 1], [1, 3, 0]]
    assert (got.samples, got.people, got.accuracy.clusters) == (8, 4, 4)
    assert got.accuracy.estimate == 0.75
    np.testing.assert_allclose(got.f1, [6 / 8, 6 / 7])
    assert got.macro_f1.estimate == pytest.approx((6 / 8 + 6 / 7) / 2)
    # bins: three of .8 all right, four of .7 of which three are, one of .6 that is wrong
    gaps = 3 * 0.2 + 4 * abs(0.75 - 0.7) + 0.6
    assert got.calibration_error.estimate == pytest.approx(gaps / 8)
    assert got.accuracy.low <= 0.75 <= got.accuracy.high


def test_a_class_that_the_set_lacks_has_no_f1_and_no_part_in_the_mean() -> None:
    found = np.array([[0.9, 0.1, 0, 0], [0.2, 0.8, 0, 0]] * 3)
    got = figures(found, stills([0] * 6, [0, 1] * 3), ("anger", "fear", "joy"))
    assert np.isnan(got.f1[2])
    assert got.macro_f1.estimate == 1.0
    assert got.people == 0
    assert got.accuracy.clusters == 6


def test_people_with_many_stills_widen_the_interval() -> None:
    """Forty stills of four people are no forty independent ones."""
    found = np.repeat([[0.9, 0.1, 0], [0.2, 0.8, 0]], 20, axis=0)
    named = figures(found, stills([0] * 40, [0] * 40, [p for p in "abcd" for _ in range(10)]), CLASSES)
    alone = figures(found, stills([0] * 40, [0] * 40), CLASSES)
    assert named.accuracy.high - named.accuracy.low > 2 * (alone.accuracy.high - alone.accuracy.low)
