import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from core.errors import UserError
from core.patches import clusters
from tests.core.patches import defence_fakes as fakes


def quarters(count: int = 6, channels: int = 10, seed: int = 0):
    """Maps of 8×8 places whose four quarters have four means; and those quarters' numbers."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(4, channels, generator=torch.Generator().manual_seed(99))
    truth = torch.zeros(count, 8, 8, dtype=torch.long)
    truth[:, :4, 4:], truth[:, 5:, :4], truth[:, 4:, 4:] = 1, 2, 3  # row 4 left is of the first quarter
    maps = means[truth].movedim(-1, 1) + 0.1 * torch.randn(count, channels, 8, 8, generator=generator)
    return maps, truth.numpy()


class Plain:
    name, height, width = "plain", 16, 16


def test_clusters_are_found_and_ordered_by_size():
    maps, truth = quarters()
    found = clusters.fit("plain", maps, clusters.Options(clusters=4))
    labels = found.assign(maps)
    assert adjusted_rand_score(truth.ravel(), labels.ravel()) == 1
    sizes = np.bincount(labels.ravel())
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert found.explained > 0.95
    fresh, again = quarters(seed=5)
    assert adjusted_rand_score(again.ravel(), found.assign(fresh).ravel()) == 1


def test_the_same_seed_gives_the_same_clusters():
    maps = torch.randn(4, 12, 6, 6, generator=torch.Generator().manual_seed(1))
    first, second = (clusters.fit("plain", maps) for _ in range(2))
    assert np.array_equal(first.centroids, second.centroids)
    other = clusters.fit("plain", maps, clusters.Options(seed=1))
    assert not np.array_equal(first.centroids, other.centroids)


def test_the_table_says_which_cluster_grows_in_the_patch():
    maps, truth = quarters()
    found = clusters.fit("plain", maps, clusters.Options(clusters=4))
    label_of = {kind: found.assign(maps)[truth == kind][0] for kind in range(4)}
    attacked = maps.clone()
    attacked[:, :, :4, 4:] = maps[:, :, 4:, 4:]  # the patch makes the upper right look like the lower right
    patch = torch.zeros(1, 1, 16, 16)
    patch[:, :, :8, 8:] = 1
    rows = clusters.table(found, Plain(), maps, attacked, patch, {"right": _right(), "none": patch * 0})
    growth = {row.cluster: row.growth for row in rows}
    assert growth[label_of[3]] == pytest.approx(1)
    assert growth[label_of[1]] == pytest.approx(-1)
    assert growth[label_of[0]] == growth[label_of[2]] == 0
    for column in ("clean", "attacked", "patch_clean", "patch_attacked"):
        assert sum(getattr(row, column) for row in rows) == pytest.approx(1)
    assert rows[label_of[1]].regions["right"] == pytest.approx(1)
    assert rows[label_of[2]].regions["right"] == pytest.approx(0)
    assert rows[label_of[1]].regions["none"] == 0
    assert np.isnan(rows[label_of[1]].shift)  # nobody is left in it
    assert rows[label_of[0]].shift < 0.2


def _right():
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 8:] = 1
    return mask


@pytest.mark.parametrize("change", [{"clusters": 1}, {"clusters": 9}, {"components": 0}])
def test_options_out_of_range_are_refused(change):
    with pytest.raises(UserError):
        clusters.Options(**change)


def test_too_few_places_are_refused():
    with pytest.raises(ValueError, match="2 places"):
        clusters.fit("plain", torch.randn(1, 3, 1, 2))


def test_a_real_patch_fills_with_clusters_of_its_own():
    """A trained encoder: what grows inside the patch was rarer there before."""
    victim = fakes.victim(0)
    people = torch.arange(16) % 8
    clean, other = fakes.patterns(people, 1), fakes.patterns(people, 2)
    attacked = fakes.attack([victim], clean, {victim.name: victim.embed(other)}, fakes.square())
    maps = [clusters.read_maps(victim, each) for each in (clean, attacked)]
    found = clusters.fit(victim.name, clusters.read_maps(victim, other))
    rows = clusters.table(found, victim, *maps, fakes.square())
    grown = max(rows, key=lambda row: row.growth)
    assert grown.growth > 0.1
    assert sum(row.growth for row in rows) == pytest.approx(0, abs=1e-9)
