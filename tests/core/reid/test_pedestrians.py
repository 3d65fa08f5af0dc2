"""Drawn pedestrians: the same four numbers give the same bytes, and what differs is what should."""

import numpy as np
import pytest

from core.reid import figure, pedestrians, protocol, wardrobe
from core.reid.figure import Pose


def test_the_same_numbers_give_the_same_bytes_and_each_number_matters():
    first = pedestrians.draw(3, 5, 1, 2)
    assert first.shape == (256, 128, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, pedestrians.draw(3, 5, 1, 2))
    for other in ((4, 5, 1, 2), (3, 6, 1, 2), (3, 5, 0, 2), (3, 5, 1, 3)):
        assert not np.array_equal(first, pedestrians.draw(*other))


def test_a_batch_is_its_pictures():
    rows = np.array([[0, 0, 0], [7, 3, 1]])
    assert np.array_equal(pedestrians.batch(2, rows)[1], pedestrians.draw(2, 7, 3, 1))


def test_people_differ_and_stay_the_same():
    people = [wardrobe.person(0, number) for number in range(200)]
    assert people[3] == wardrobe.person(0, 3)
    assert len({who.top for who in people}) == 200
    for name, choices in (("cut", wardrobe.TOPS), ("pattern", wardrobe.PATTERNS), ("carries", wardrobe.BAGS)):
        assert {getattr(who, name) for who in people} == {*choices}
    assert all(0 <= level <= 255 for who in people for level in (*who.top, *who.bottom, *who.skin))


@pytest.mark.parametrize("yaw", [0.0, 1.0, 2.5, np.pi, 4.5])
def test_a_figure_stands_where_its_pose_says_and_its_colours_carry_its_coverage(yaw):
    layer = np.zeros((256, 128, 4), np.uint8)
    figure.draw(layer, wardrobe.person(0, 1), Pose(64, 240, 200, yaw, 1.0))
    cover = layer[..., 3]
    rows, columns = np.nonzero(cover)
    assert 35 <= rows.min() <= 50
    assert 230 <= rows.max() <= 248
    assert abs(columns.mean() - 64) < 10
    assert 0.1 < (cover > 0).mean() < 0.5
    assert not layer[cover == 0].any()
    assert (layer[..., :3].max(2) <= cover).all()


def test_the_back_shows_the_bag_and_the_front_the_jacket():
    who = next(
        one
        for one in (wardrobe.person(0, number) for number in range(500))
        if one.carries == "backpack" and one.cut == "jacket" and one.pattern == "plain"
    )

    def share(colour, yaw):
        layer = np.zeros((256, 128, 4), np.uint8)
        figure.draw(layer, who, Pose(64, 240, 220, yaw, 0.0))
        return (np.abs(layer[..., :3].astype(float) - colour).max(2) < 2)[layer[..., 3] == 255].mean()

    assert share(who.bag, np.pi) > share(who.bag, 0) + 0.02
    assert share(who.inner, 0) > share(who.inner, np.pi) + 0.01


def test_cameras_disagree_more_than_shots():
    """Mean colours of one person differ more between cameras than within one."""
    tint = np.array(
        [
            [pedestrians.draw(0, 4, eye, shot)[40:200, 40:88].mean((0, 1)) for shot in range(8)]
            for eye in range(8)
        ]
    )
    assert tint.mean(1).std(0).mean() > 2 * (tint.std(1).mean() / np.sqrt(8))


def test_a_drawn_search_needs_two_cameras_and_drops_its_own():
    with pytest.raises(ValueError, match="two cameras"):
        protocol.drawn(0, 3, 1)
    search = protocol.drawn(0, 3, 2, shots=2, first=4)
    assert len(search.probes) == 6
    assert len(search.gallery) == 12
    assert set(search.gallery.identities) == {4, 5, 6}
    pixels = search.probes.pixels[0]
    assert np.array_equal(pixels, pedestrians.draw(0, 4, 0, 0))
