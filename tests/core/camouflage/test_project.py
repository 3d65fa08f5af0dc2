"""Painting: geometry on analytic meshes, light on analytic skin, and the bytes that must not change."""

import numpy as np
import pytest
import torch
from PIL import Image

from core.camouflage.pattern import Pattern, Shape
from core.camouflage.project import Surface, apply, area, moved, paint, paint_surface
from core.camouflage.render import LEFT, SIDE, TOP, render
from core.camouflage.shade import PaintOptions, light
from core.errors import Code, UserError
from core.faces import find, regions, topology
from core.faces.align import CANONICAL_SIZE, TEMPLATE
from core.faces.mesh_warp import warp
from core.settings import ROOT
from core.types import Face

SIZE = 168
FLAT = PaintOptions(shading=0, detail=0, sheen=0)
PATTERN = Pattern(
    (
        Shape("stripe", 0, 0.5, 1.8, 0.25, 20, "blue"),
        Shape("disc", -0.5, 0.8, 0.5, 0.4, 0, "red"),
        Shape("chevron", 0, -0.4, 0.8, 0.5, 180, "yellow"),
    ),
    0.9,
)
FULL = Pattern((Shape("stripe", 0, 0.2, 2.6, 2.4, 0, "white"), Shape("stripe", 0, 0.75, 2.6, 2.4, 0, "red")))


def mean_points(size=SIZE):
    return (topology.mean_face() - np.array([LEFT, TOP])) * (size / SIDE) - 0.5


def face_of(points):
    points = np.asarray(points, np.float32)
    five = topology.five_points(points)
    box = (*points.min(0).tolist(), *points.max(0).tolist())
    return Face(box, 0.9, five, points, np.zeros(len(points), np.float32))


def noise(height=SIZE, width=SIZE):
    return np.random.default_rng(0).integers(60, 200, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def everywhere(monkeypatch):
    """Every pixel under the mesh counts as skin."""
    monkeypatch.setattr(regions, "paintable", lambda face, height, width: np.ones((height, width), bool))


def surface_of(pixels=None, points=None, options=FLAT):
    pixels = noise() if pixels is None else pixels
    return Surface.photo(pixels, face_of(mean_points() if points is None else points), options)


def whole_mask(surface):
    mask = np.zeros(surface.pixels.shape[:2], np.float32)
    x0, y0, x1, y1 = surface.window
    mask[y0:y1, x0:x1] = surface.mask.numpy()
    return mask


@pytest.mark.usefixtures("everywhere")
def test_warping_onto_the_canonical_face_is_the_identity():
    surface = surface_of()
    textures = render([PATTERN], SIZE)
    painted = apply(surface, textures)[0].numpy()
    photo = surface.pixels.transpose(2, 0, 1) / 255
    texture = textures[0].numpy() * whole_mask(surface)
    expected = photo * (1 - texture[3]) + texture[:3]
    assert np.abs(painted - expected).max() < 2e-3
    assert np.abs(painted - photo).max() > 0.3


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("scale", [0.5, 1.7, 6.0])
def test_paint_follows_a_face_that_is_moved_turned_and_scaled(scale):
    turn = np.radians(25)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, [90.0 * scale, 24.0 * scale]])
    side = round(285 * scale)
    big = noise(side, side)
    face = face_of(mean_points())
    surface = Surface.photo(big, moved(face, matrix), FLAT)
    x0, y0, _, _ = surface.window
    rows, columns = np.nonzero(surface.mask.numpy() >= 1)
    pixels = np.stack([columns + x0, rows + y0], 1)
    back = (pixels - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    expected = (back + 0.5) * (2 / SIZE) - 1
    got = surface.grid[0].numpy()[rows, columns]
    assert np.abs(got - expected).max() < 2e-3
    assert surface.eye_distance == pytest.approx(scale * face.eye_distance, rel=1e-5)


def cylinder(yaw, columns=41, rows=21, half=1.2):
    """A grid on a half cylinder, seen from the front after a turn: pixels, flat points, depth, mesh."""
    across, down = np.meshgrid(np.linspace(-half, half, columns), np.linspace(0, 2, rows))
    angle = across + yaw
    points = np.stack([np.sin(angle) * 80 + 100, down * 50 + 20], -1).reshape(-1, 2)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    return points, np.stack([across, down], -1).reshape(-1, 2), -np.cos(angle).ravel(), triangles


@pytest.mark.parametrize("yaw", [0.0, 0.5, 1.0])
def test_the_far_side_of_a_turned_head_gets_no_paint(yaw):
    points, mean, depth, triangles = cylinder(yaw)
    found = warp(points, mean, triangles, depth, 140, 200)
    rows, columns = np.nonzero(found.inside)
    angle = np.arcsin(np.clip((columns - 100) / 80, -1, 1))  # the near surface at that pixel
    turned = found.position[rows, columns, 0] + yaw
    visible = np.abs(angle) < 1.4
    assert np.abs(turned - angle)[visible].max() < 0.06
    middle = found.inside[70]
    surface = np.arcsin(np.clip((np.arange(200) - 100) / 80, -1, 1))
    on_mesh = (np.abs(np.arange(200) - 100) < 80) & (surface > -1.2 + yaw) & (surface < 1.2 + yaw)
    assert middle[on_mesh & (np.abs(surface) < 1.0)].mean() > 0.97
    assert not middle[surface > 1.4].any()  # too flat to be trusted
    assert np.diff(np.flatnonzero(middle)).max() == 1


def test_a_face_seen_from_behind_gets_none():
    points, mean, depth, triangles = cylinder(0.0)
    points[:, 0] = 200 - points[:, 0]
    assert not warp(points, mean, triangles, depth, 140, 200).inside.any()


def test_a_small_triangle_turned_over_by_noise_leaves_no_hole():
    across, down = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21))
    mean = np.stack([across, down], -1).reshape(-1, 2)
    index = np.arange(441).reshape(21, 21)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    points = mean * 100
    points[index[10, 10]] += [6.0, 0.5]
    found = warp(points, mean, triangles, np.zeros(441), 101, 101)
    assert found.inside[5:-5, 5:-5].all()


def test_pixels_outside_the_valid_region_are_the_photos_own():
    pixels = noise()
    surface = surface_of(pixels, options=None)
    outside = whole_mask(surface) == 0
    painted = paint_surface(surface, FULL)
    assert (painted.pixels[outside] == pixels[outside]).all()
    assert (painted.pixels[~outside] != pixels[~outside]).any(1).mean() > 0.9
    batch = apply(surface, render([PATTERN, FULL], SIZE))
    clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div(255)
    assert torch.equal(batch[:, :, torch.from_numpy(outside)], clean[:, outside].expand(2, -1, -1))
    assert not painted.mask[outside].any()


def test_nothing_is_painted_on_eyes_and_background():
    painted = paint(noise(), face_of(mean_points()), FULL)
    for x, y in ((-0.5, 0.0), (0.5, 0.0), (-1.4, -0.9), (1.4, 1.8)):
        row, column = int((y - TOP) / SIDE * SIZE), int((x - LEFT) / SIDE * SIZE)
        assert painted.mask[row, column] == 0
    cheek = painted.mask[int((0.7 - TOP) / SIDE * SIZE), int((0.6 - LEFT) / SIDE * SIZE)]
    assert cheek == pytest.approx(1)


def test_paint_spares_a_beard_and_keeps_the_cheeks():
    pixels = np.full((SIZE, SIZE, 3), (205, 160, 135), np.uint8)
    face = face_of(mean_points())
    chin = regions.masks(face, SIZE, SIZE)["chin"]
    bare, bearded = surface_of(pixels), pixels.copy()
    bearded[chin] = (45, 32, 25)
    left = whole_mask(surface_of(bearded)) > 0.5
    before = whole_mask(bare) > 0.5
    assert (left & chin).sum() < 0.15 * (before & chin).sum()
    cheeks = regions.masks(face, SIZE, SIZE)["cheeks"] & before
    assert (left & cheeks).sum() > 0.9 * cheeks.sum()


def test_zero_opacity_and_an_empty_region_give_the_same_bytes(monkeypatch):
    pixels, face = noise(), face_of(mean_points())
    clear = Pattern(PATTERN.shapes, 0.0)
    painted = paint(pixels, face, clear)
    assert painted.pixels.tobytes() == pixels.tobytes()
    assert painted.area == 0 and not painted.mask.any()
    surface = Surface.photo(pixels, face)
    clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div(255)
    assert torch.equal(apply(surface, render([clear], SIZE))[0], clean)
    monkeypatch.setattr(regions, "paintable", lambda face, height, width: np.zeros((height, width), bool))
    painted = paint(pixels, face, PATTERN)
    assert painted.pixels.tobytes() == pixels.tobytes()
    assert painted.area == 0
    assert not Surface.photo(pixels, face).paintable


def test_paint_leaves_the_photo_it_was_given_alone():
    pixels = noise()
    pixels.setflags(write=False)
    before = pixels.tobytes()
    assert paint(pixels, face_of(mean_points()), PATTERN).pixels.tobytes() != before
    assert pixels.tobytes() == before


def test_area_is_the_mean_of_the_mask_over_the_valid_region():
    pixels, face = noise(400, 400), face_of(mean_points(400))
    surface = Surface.photo(pixels, face)
    painted = paint_surface(surface, PATTERN)
    valid = whole_mask(surface)
    assert painted.area == pytest.approx(painted.mask.sum() / valid.sum(), rel=1e-5)
    assert (painted.mask <= valid + 1e-6).all()
    faint = paint_surface(surface, Pattern(PATTERN.shapes, 0.2))
    assert faint.area == pytest.approx(painted.area, rel=1e-4)
    assert paint_surface(surface, FULL).area == pytest.approx(1, abs=1e-3)
    patterns = [PATTERN, Pattern(PATTERN.shapes, 0.2), FULL]
    opacity = torch.tensor([p.opacity for p in patterns])
    areas = area(surface, render(patterns), opacity)
    assert areas.tolist() == pytest.approx([painted.area, painted.area, 1], abs=3e-3)


def test_a_population_is_painted_as_its_members_alone():
    surface = surface_of(options=None)
    textures = render([PATTERN, FULL, Pattern(PATTERN.shapes, 0.3, True)], SIZE)
    together = apply(surface, textures)
    torch.testing.assert_close(together, torch.cat([apply(surface, one[None]) for one in textures]))
    assert together.shape == (3, 3, SIZE, SIZE) and together.min() >= 0 and together.max() <= 1


def test_gradients_reach_the_textures():
    surface = surface_of(options=None)
    textures = (render([PATTERN], 64) * 0.8).requires_grad_()
    weights = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    (apply(surface, textures) * weights).sum().backward()
    assert textures.grad is not None
    direction = torch.randn(textures.shape, generator=torch.Generator().manual_seed(1)) * 1e-3
    with torch.no_grad():
        rise = (apply(surface, textures + direction) - apply(surface, textures - direction)) * weights
    assert float(rise.sum() / 2) == pytest.approx(float((textures.grad * direction).sum()), rel=0.05)


def test_the_full_photo_and_the_canonical_frame_show_the_same_paint():
    """A photo that is twice the canonical frame; painting and aligning commute but for resampling."""
    from core.faces.align import align

    scale = 2.0
    points = mean_points(SIZE)
    face = face_of(points)
    matrix = np.array([[scale, 0, 60.0], [0, scale, 40.0]])
    pixels = np.full((480, 520, 3), (190, 150, 130), np.uint8)
    large = moved(face, matrix)
    late = align(paint(pixels, large, PATTERN, FLAT).pixels, large).astype(float)
    early = apply(Surface.canonical(pixels, large, FLAT), render([PATTERN], SIZE))[0]
    assert early.shape == (3, CANONICAL_SIZE, CANONICAL_SIZE)
    paint_seen = np.abs(late - align(pixels, large)).max(2) > 4
    assert paint_seen.mean() > 0.05
    difference = np.abs(late - early.permute(1, 2, 0).numpy() * 255)
    assert difference[paint_seen].mean() < 6  # of 255, edges included
    assert difference[~paint_seen].mean() < 0.1


def test_a_moved_face_lands_on_the_template():
    pixels = noise(480, 520)
    face = moved(face_of(mean_points()), np.array([[0.0, 1.5, 100.0], [-1.5, 0.0, 400.0]]))
    surface = Surface.canonical(pixels, face)
    assert surface.pixels.shape == (CANONICAL_SIZE, CANONICAL_SIZE, 3)
    template = np.linalg.norm(TEMPLATE[1] - TEMPLATE[0])
    assert surface.eye_distance == pytest.approx(template, rel=0.25)


@pytest.mark.parametrize("shift", [(-90, 0), (90, -80), (400, 0), (0, 400), (-1000, -1000)])
def test_a_face_that_leaves_the_picture_is_painted_as_far_as_it_is_there(shift):
    pixels = noise()
    painted = paint(pixels, face_of(mean_points() + np.array(shift)), FULL)
    assert painted.pixels.shape == pixels.shape
    assert 0 <= painted.area <= 1


def test_a_face_without_landmarks_is_refused():
    bare = Face((0, 0, 9, 9), 1.0, TEMPLATE)
    for call in (Surface.photo, Surface.canonical):
        with pytest.raises(UserError) as caught:
            call(noise(), bare)
        assert caught.value.code == Code.FACE_UNSUITABLE


def test_paint_takes_the_light_that_falls_on_the_skin():
    ramp = np.linspace(0.35, 0.7, 200, dtype=np.float32)
    skin = np.broadcast_to(ramp[None, :, None], (160, 200, 3)) * np.array([1.2, 0.95, 0.85], np.float32)
    mask = np.ones((160, 200), bool)
    found = light(skin, mask, 60, PaintOptions(detail=0, sheen=0))
    assert found.gain[80, 170] / found.gain[80, 30] == pytest.approx(ramp[170] / ramp[30], rel=0.05)
    assert not found.sheen.any() and not found.grey
    flat = light(skin, mask, 60, FLAT)
    assert (flat.gain == 1).all()
    dark = light(skin * 0.4, mask, 60, PaintOptions())
    assert dark.gain.mean() < 0.75 * light(skin, mask, 60, PaintOptions()).gain.mean()


def test_light_is_read_from_the_skin_only():
    skin = np.full((120, 120, 3), 0.6, np.float32)
    mask = np.zeros((120, 120), bool)
    mask[:, :60] = True
    beside = skin.copy()
    beside[:, 60:] = 0.0
    one, two = (light(picture, mask, 40, PaintOptions()) for picture in (skin, beside))
    assert np.abs(one.gain - two.gain)[:, :60].max() < 1e-3


def test_creases_show_through_and_highlights_shine():
    skin = np.full((100, 100, 3), 0.5, np.float32)
    skin[50] = 0.35
    skin[20:23, 20:23] = 0.9
    found = light(skin, np.ones((100, 100), bool), 40, PaintOptions())
    assert found.gain[50, 70] < 0.9 * found.gain[70, 70]
    assert found.sheen[21, 21] > found.sheen[70, 70] + 0.05
    smooth = light(skin, np.ones((100, 100), bool), 40, PaintOptions(detail=0, sheen=0))
    assert smooth.gain[50, 70] > 0.9 * smooth.gain[70, 70]


def test_paint_on_a_black_and_white_photo_is_grey():
    grey = np.repeat(noise()[..., :1], 3, 2)
    result = paint(grey, face_of(mean_points()), PATTERN).pixels.astype(int)
    assert (np.ptp(result, axis=2) <= 1).all()
    colour = paint(noise() // np.array([1, 2, 3], np.uint8), face_of(mean_points()), PATTERN).pixels
    assert np.ptp(colour.astype(int), axis=2).max() > 60


@pytest.mark.parametrize("change", [{"shading": -0.1}, {"detail": 1.1}, {"sheen": float("nan")}])
def test_options_out_of_range_are_refused(change):
    with pytest.raises(UserError) as caught:
        PaintOptions(**change)
    assert caught.value.code == Code.OPTION_RANGE


def test_the_mean_face_is_its_own_surface():
    surface = Surface.mean_face(120)
    assert surface.pixels.shape == (120, 120, 3)
    assert surface.eye_distance == pytest.approx(40)
    textures = render([PATTERN], 120)
    sampled = (apply(surface, textures)[0] - apply(surface, textures * 0)[0]).abs().sum(0)
    assert sampled[textures[0, 3] == 0].max() < 1e-4 < sampled.max()
    half = area(surface, render([Pattern((Shape("stripe", -1.3, 0.45, 2.6, 2.6, 0, "red"),), 1.0)]), 1.0)
    assert float(half) == pytest.approx(0.5, abs=0.02)


def test_a_real_face_is_painted_on_its_skin_only():
    """The bundled detector and landmarks on a synthetic portrait; nobody's photo."""
    picture = ROOT / "demos" / "examples" / "faces" / "person-c_frontal.jpg"
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    face = find(pixels)[0]
    painted = paint(pixels, face, FULL)
    assert face.landmarks is not None
    changed = (painted.pixels != pixels).any(2)
    assert (changed <= (painted.mask > 0)).all()
    for name in ("eyes", "lips", "brows"):
        mask = regions.masks(face, *pixels.shape[:2])[name]
        assert (painted.mask[mask] > 0.5).mean() < 0.02, name
    cheeks = regions.masks(face, *pixels.shape[:2])["cheeks"]
    assert (painted.mask[cheeks] > 0.5).mean() > 0.8
    again = find(painted.pixels)
    assert len(again) <= 1  # the painting adds no face
