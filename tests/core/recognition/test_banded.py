import pytest
import torch

from core.recognition.banded import Banded


def band(rows: int, columns: int, width: int) -> torch.Tensor:
    """Random values about the diagonal of a rows×columns matrix."""
    away = torch.arange(rows)[:, None] * (columns / rows) - torch.arange(columns)
    return torch.rand(rows, columns, dtype=torch.float64).masked_fill(away.abs() > width, 0)


@pytest.mark.parametrize(("rows", "columns"), [(3, 9), (40, 64), (70, 50), (64, 64)])
def test_products_are_those_of_the_dense_matrix(rows: int, columns: int) -> None:
    matrix = band(rows, columns, 3)
    images = torch.rand(2, 3, columns, columns, dtype=torch.float64)
    banded = Banded(matrix)
    torch.testing.assert_close(banded.rows(images), matrix @ images)
    torch.testing.assert_close(banded.columns(images), images @ matrix.T)


def test_columns_that_are_not_used_may_be_left_out() -> None:
    matrix = band(20, 60, 2)
    matrix[:, :10] = matrix[:, 50:] = 0
    matrix[:5, 12] = matrix[15:, 40] = 1
    banded, images = Banded(matrix), torch.rand(3, 60, dtype=torch.float64)
    first, last = banded.span
    assert first >= 10 and last <= 50
    torch.testing.assert_close(banded.columns(images[:, first:last], first), images @ matrix.T)


def test_gradients_flow_through_both() -> None:
    banded = Banded(band(12, 16, 2))
    images = torch.rand(16, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: banded.columns(banded.rows(x)), (images,))
