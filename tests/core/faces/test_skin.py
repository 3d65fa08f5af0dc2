"""Hair, beards and lenses are told from skin by colour; shadows and spots inside the face are not."""

import cv2
import numpy as np
import pytest

from core.faces import find, regions
from core.faces.skin import bare_skin, canonical
from core.types import Face, Mask, Pixels

SIZE = 512
HAIR = (45, 32, 25)


@pytest.fixture(scope="module")
def photo(drawn: Pixels) -> Pixels:
    return np.asarray(cv2.resize(drawn, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture(scope="module")
def face(photo: Pixels) -> Face:
    return find(photo)[0]


def _parts(face: Face) -> dict[str, Mask]:
    return regions.masks(face, SIZE, SIZE)


def test_a_bare_face_keeps_its_skin(photo: Pixels, face: Face) -> None:
    before = regions.paintable(face, SIZE, SIZE)
    after = regions.paintable(face, SIZE, SIZE, pixels=photo)
    assert not (after & ~before).any()
    for name in ("forehead", "cheeks", "nose bridge", "nose tip"):
        part = _parts(face)[name] & before
        assert (after & part).sum() > 0.9 * part.sum()


def test_a_fringe_over_the_forehead_is_left_out(photo: Pixels, face: Face) -> None:
    covered = photo.copy()
    forehead = _parts(face)["forehead"]
    fringe = forehead & (np.arange(SIZE)[:, None] < np.argwhere(forehead)[:, 0].mean())
    rows = np.argwhere(fringe)[:, 0]
    covered[: rows.max(), :][:, 100:412] = HAIR
    bare = regions.paintable(face, SIZE, SIZE, pixels=covered)
    assert (bare & fringe).sum() < 0.1 * fringe.sum()
    cheeks = _parts(face)["cheeks"]
    assert (bare & cheeks).sum() > 0.8 * cheeks.sum()


def test_a_beard_is_left_out(photo: Pixels, face: Face) -> None:
    covered = photo.copy()
    chin = _parts(face)["chin"]
    covered[chin] = HAIR
    bare = regions.paintable(face, SIZE, SIZE, pixels=covered)
    assert (bare & chin).sum() < 0.15 * chin.sum()


def test_a_smooth_shadow_over_half_of_the_face_is_skin(photo: Pixels, face: Face) -> None:
    light = np.linspace(0.65, 1.0, SIZE)[None, :, None]
    shaded = (photo * light).astype(np.uint8)
    cheeks = _parts(face)["cheeks"]
    assert (bare_skin(shaded, face) & cheeks).sum() > 0.9 * cheeks.sum()


def test_a_spot_on_a_cheek_stays_because_nothing_reaches_it(photo: Pixels, face: Face) -> None:
    spotted = photo.copy()
    x, y = np.argwhere(regions.masks(face, SIZE, SIZE, sides=True)["left cheeks"]).mean(0)[::-1]
    cv2.circle(spotted, (round(x), round(y)), 14, HAIR, -1)
    assert bare_skin(spotted, face)[round(y), round(x)]


def test_a_parser_is_asked_on_the_canonical_crop(photo: Pixels, face: Face) -> None:
    seen = []

    def parser(crop: Pixels) -> Mask:
        seen.append(crop.shape)
        return np.arange(224)[None, :].repeat(224, 0) < 112

    bare = bare_skin(photo, face, parser)
    middle = int(face.five[:2, 0].mean())
    assert seen == [(224, 224, 3)]
    row = int(face.five[2, 1])
    assert bare[row, middle - 20] and not bare[row, middle + 20]


def test_below_the_nose_colour_has_a_say_because_parsers_take_beards_for_skin(
    photo: Pixels, face: Face
) -> None:
    covered = photo.copy()
    chin, forehead = _parts(face)["chin"], _parts(face)["forehead"]
    covered[chin | forehead] = HAIR
    bare = bare_skin(covered, face, lambda crop: np.ones(crop.shape[:2], bool))
    assert (bare & chin).sum() < 0.15 * chin.sum()
    assert bare[forehead].all()  # above it the parser is believed


@pytest.mark.parametrize("found", [np.zeros((224, 224), bool), np.eye(224, dtype=bool)])
def test_a_parser_that_sees_no_face_is_not_believed(photo: Pixels, face: Face, found: Mask) -> None:
    assert np.array_equal(bare_skin(photo, face, lambda crop: found), bare_skin(photo, face))


def test_a_face_outside_the_photo_leaves_nothing_to_judge(photo: Pixels, face: Face) -> None:
    away = Face(box=face.box, score=1.0, five=face.five + 4000, landmarks=face.landmarks + 4000)
    assert not regions.paintable(away, SIZE, SIZE, pixels=photo).any()


def test_the_canonical_face_lies_on_its_crop(face: Face) -> None:
    local = canonical(face)
    assert local.landmarks is not None
    assert np.allclose(np.linalg.norm(local.five[1] - local.five[0]), 56, atol=6)


def test_a_window_shows_the_same_skin_as_the_whole_photo(photo: Pixels, face: Face) -> None:
    covered = photo.copy()
    covered[_parts(face)["chin"]] = HAIR
    whole = bare_skin(covered, face)
    x0, y0, x1, y1 = 97, 121, 350, 381
    part = bare_skin(covered, face, window=(x0, y0, x1, y1))
    assert (part == whole[y0:y1, x0:x1]).mean() > 0.999  # the warp rounds differently at the rim
    assert not whole[y0:y1, x0:x1].all()
