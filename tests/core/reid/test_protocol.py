"""Searches: who is looked for, who is dropped, and what comes out."""

import cv2
import numpy as np
import torch

from core.datasets.folders import Photo
from core.datasets.sightings import Sighting, Split
from core.reid.protocol import Pictures, Search, as_input, embed, evaluate, from_split, one_camera


def pictures(identities, cameras):
    pixels = np.stack([np.full((256, 128, 3), 10 * who, np.uint8) for who in identities])
    return Pictures(pixels, np.array(identities), np.array(cameras))


def by_colour(pixels):
    angle = pixels.mean((1, 2, 3)) * 3
    return torch.stack([angle.cos(), angle.sin()], 1)


def test_a_perfect_encoder_is_perfect_and_the_same_camera_does_not_count():
    gallery = pictures([1, 1, 9, 9], [0, 1, 0, 1])
    assert evaluate(Search(gallery, gallery), by_colour).mean_average_precision == 1
    alone = pictures([1, 9, 9], [0, 0, 1])  # whose only picture is the probe's own camera's
    found = evaluate(Search(alone, alone), by_colour)
    assert found.valid.tolist() == [False, True, True]
    everyone = evaluate(Search(alone, alone, across_cameras=False), by_colour)
    assert everyone.valid.all()


def test_input_and_batches():
    pixels = np.zeros((3, 4, 2, 3), np.uint8)
    pixels[1, 3, 1] = (255, 0, 51)
    tensor = as_input(pixels)
    assert tensor.shape == (3, 3, 4, 2)
    assert torch.allclose(tensor[1, :, 3, 1], torch.tensor([1.0, 0.0, 0.2]))
    assert torch.equal(embed(lambda x: x.flatten(1), pixels, batch=2), tensor.flatten(1))


def photo(identity, camera, level, shape=(256, 128)):
    data = cv2.imencode(".png", np.full((*shape, 3), level, np.uint8))[1].tobytes()
    return Sighting(identity, camera, Photo(str(identity), f"{identity}/{camera}/{level}", data))


def test_a_published_set_is_decoded_at_the_encoders_size():
    split = Split((), (photo(3, 1, 50, (64, 40)),), (photo(3, 2, 50), photo(0, 2, 90)))
    search = from_split(split)
    assert search.probes.pixels.shape == (1, 256, 128, 3)
    assert (search.probes.pixels == 50).all()
    assert evaluate(search, by_colour).rank1 == 1


def test_one_camera_looks_for_the_others_with_the_first():
    search = one_camera([photo(5, 2, 10), photo(7, 2, 99), photo(5, 2, 11), photo(7, 2, 100), photo(8, 4, 1)])
    assert search.probes.identities.tolist() == [5, 7, 8]
    assert search.gallery.identities.tolist() == [5, 7]
    found = evaluate(search, by_colour)
    assert found.valid.tolist() == [True, True, False]
    assert found.rank1 == 1
