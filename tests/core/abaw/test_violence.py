"""Temporal networks, the loss and the inference over overlapping windows."""

import pytest
import torch
from torch.autograd import gradcheck

from core.abaw import skeleton, violence


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def heard(net, frames, place):
    """Frames whose features move the answer at ``place``."""
    features = random(1, frames, 6).requires_grad_()
    net(features)[0, place].sum().backward()
    return features.grad[0].abs().sum(1).nonzero().flatten().tolist()


@pytest.fixture
def tcn():
    torch.manual_seed(0)
    return violence.TemporalConvolution(6, width=32).eval()


def test_tcn_hears_31_frames_to_each_side_and_looks_forward(tcn):
    assert heard(tcn, 101, 50) == list(range(50 - 31, 50 + 31 + 1))
    assert heard(tcn, 40, 0) == list(range(32))


def test_tcn_layers_are_those_of_the_card():
    net = violence.TemporalConvolution(768)
    assert net(random(2, 20, 768)).shape == (2, 20, 2)
    kernels = [tuple(m.weight.shape) for m in net.modules() if isinstance(m, torch.nn.Conv1d)]
    assert kernels == [(256, 768, 1), *[(256, 256, 3)] * 5, (2, 256, 1)]
    assert [block.layers[0].dilation for block in net.blocks] == [(1,), (2,), (4,), (8,), (16,)]
    assert {m.p for m in net.modules() if isinstance(m, torch.nn.Dropout)} == {0.3}


def test_tcn_layers_are_residual(tcn):
    for block in tcn.blocks:
        torch.nn.init.zeros_(block.layers[1].weight)
    features = random(1, 9, 6)
    expected = tcn.classify(tcn.reduce(features.transpose(1, 2))).transpose(1, 2)
    torch.testing.assert_close(tcn(features), expected)


def test_lstm_hears_the_whole_window():
    net = violence.Recurrent(6, width=32).eval()
    assert net(random(3, 7, 6)).shape == (3, 7, 2)
    assert heard(net, 16, 8) == list(range(16))


@pytest.mark.parametrize(
    ("frames", "length", "step"), [(100, 32, 8), (45, 16, 16), (32, 32, 1), (5, 16, 4), (33, 32, 32)]
)
def test_sliding_windows_average_to_the_answer_of_a_frame_wise_network(frames, length, step):
    features = random(frames, 2)
    found = violence.sliding(lambda window: window, features, length, step)
    torch.testing.assert_close(found, features.softmax(1)[:, 1])


def test_sliding_windows_weigh_alike_and_reach_the_last_frame():
    windows = []

    def net(window):
        windows.append(window[0, :, 0].tolist())
        value = torch.full((1, window.shape[1]), float(len(windows)))
        return torch.stack([torch.zeros_like(value), value], 2)

    found = violence.sliding(net, torch.arange(10.0)[:, None], length=4, step=3)
    assert windows == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    one, two, three = torch.sigmoid(torch.tensor([1.0, 2, 3]))
    expected = [one] * 3 + [(one + two) / 2] + [two] * 2 + [(two + three) / 2] + [three] * 3
    torch.testing.assert_close(found, torch.stack(expected))


def test_two_class_probabilities_of_every_frame_sum_to_1(tcn):
    features = random(70, 6)
    other = lambda window: tcn(window).flip(2)  # noqa: E731
    for frames in (1, 15, 70):
        total = violence.sliding(tcn, features[:frames], 24, 5) + violence.sliding(
            other, features[:frames], 24, 5
        )
        torch.testing.assert_close(total, torch.ones(frames))


def test_sliding_edges():
    assert violence.sliding(lambda window: window, torch.zeros(0, 2)).shape == (0,)
    for length, step in ((8, 9), (0, 0), (8, 0)):
        with pytest.raises(ValueError, match="step"):
            violence.sliding(lambda window: window, torch.zeros(20, 2), length, step)


def test_loss_by_hand_with_positive_weight_and_smoothing():
    logits, labels = random(1, 3, 2).double(), torch.tensor([[1, 0, -1]])
    log = torch.log_softmax(logits, 2)
    first = -(1.15 * 0.975 * log[0, 0, 1] + 0.025 * log[0, 0, 0])
    second = -(0.975 * log[0, 1, 0] + 1.15 * 0.025 * log[0, 1, 1])
    assert violence.violence_loss(logits, labels).item() == pytest.approx(((first + second) / 2).item())


def test_loss_near_a_change_weighs_more():
    labels = torch.tensor([[0, 0, 0, 1, 1, 1, -1, 0, 0]])
    assert violence.near_change(labels, 1).int().tolist() == [[0, 0, 1, 1, 0, 0, 0, 0, 0]]
    assert violence.near_change(labels, 2).int().tolist() == [[0, 1, 1, 1, 1, 0, 0, 0, 0]]
    assert not violence.near_change(labels, 0).any()
    logits = random(1, 9, 2).double()
    plain = [violence.violence_loss(logits[:, i : i + 1], labels[:, i : i + 1]).item() for i in range(9)]
    weights = [1, 1, 3, 3, 1, 1, 0, 1, 1]
    expected = sum(w * value for w, value in zip(weights, plain, strict=True)) / sum(weights)
    found = violence.violence_loss(logits, labels, boundary=2.0, reach=1)
    assert found.item() == pytest.approx(expected)


def test_loss_gradients_and_annotations_left_out():
    logits = random(2, 5, 2).double().requires_grad_()
    labels = torch.tensor([[0, 1, 1, -1, 0], [-1, -1, 0, 0, 1]])
    assert gradcheck(lambda x: violence.violence_loss(x, labels, boundary=1.0), logits)
    violence.violence_loss(logits, labels).backward()
    assert not logits.grad[labels < 0].any()
    assert violence.violence_loss(logits, torch.full((2, 5), -1)).item() == 0


def test_skeleton_features_have_the_declared_layout():
    poses = random(4, 2, 33, 3)
    found = skeleton.skeleton_features(poses)
    assert found.shape == (4, 406)
    assert found[2, 33 * 3 + 5 * 3 + 1] == poses[2, 1, 5, 1]
    torch.testing.assert_close(found[3, 198:396], (poses[3] - poses[2]).flatten())
    assert not found[0, 198:396].any()
    first, second = skeleton.PAIRS[1]
    torch.testing.assert_close(found[1, 397], (poses[1, 0, first] - poses[1, 1, second]).norm())


def test_a_person_who_is_missing_has_no_velocity_and_no_distance():
    poses = random(4, 2, 33, 3)
    poses[2, 1] = 0
    found = skeleton.skeleton_features(poses)
    assert not found[2:, 198 + 99 : 396].any()
    assert found[1, 198 + 99 : 396].all()
    assert not found[2, 396:].any()
    assert found[3, 396:].all()


@pytest.mark.parametrize("kind", ["gated", "attention"])
def test_fusion_takes_both_sources_into_the_temporal_network(kind):
    torch.manual_seed(0)
    fusion = skeleton.SkeletonFusion(6, width=32, kind=kind).eval()
    picture = random(2, 16, 6).requires_grad_()
    skeletons = skeleton.skeleton_features(random(32, 2, 33, 3)).view(2, 16, 406).requires_grad_()
    fused = fusion(picture, skeletons)
    assert fused.shape == (2, 16, 32)
    fused.square().sum().backward()
    assert picture.grad.abs().sum() > 0
    assert skeletons.grad.abs().sum() > 0
    net = violence.Recurrent(32, width=16).eval()
    assert net(fused).shape == (2, 16, 2)


def test_the_gate_is_a_convex_mix():
    torch.manual_seed(0)
    fusion = skeleton.SkeletonFusion(6, width=8).eval()
    picture, skeletons = random(1, 3, 6), random(1, 3, 406)
    ends = torch.stack([fusion.picture(picture), fusion.skeleton(skeletons)])
    fused = fusion(picture, skeletons)
    assert (fused >= ends.amin(0) - 1e-6).all()
    assert (fused <= ends.amax(0) + 1e-6).all()
