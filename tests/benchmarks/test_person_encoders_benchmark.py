import torch

from benchmarks import person_encoders
from core.reid import protocol


def test_mean_colours_forget_brightness_and_see_where_a_colour_is() -> None:
    picture = torch.zeros(1, 3, 256, 128)
    picture[:, 0, :128] = 0.5
    brighter, turned = picture + 0.25, picture.flip(2)
    same = person_encoders.stripes(torch.cat([picture, brighter, turned]))
    torch.testing.assert_close(same[0], same[1])
    assert same[0] @ same[2] < 0.5


def test_a_row_has_map_interval_and_rank1_of_each_search() -> None:
    search = protocol.drawn(0, 3, 2)
    cells = person_encoders.row("x", person_encoders.stripes, {"one": search, "two": search})
    assert cells[0] == "x"
    assert cells[1] == cells[2]
    found = protocol.evaluate(search, person_encoders.stripes)
    assert cells[1].startswith(f"{found.mean_average_precision:.3f} [")
    assert cells[1].endswith(f"/ {found.rank1:.3f}")
    assert person_encoders.described(search) == "6 probes of 3 people, 6 in the gallery"
