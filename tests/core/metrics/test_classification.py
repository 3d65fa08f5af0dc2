import numpy as np
import pytest
from sklearn import metrics as oracle

from core.metrics.classification import (
    accuracy,
    confusion,
    f1_per_class,
    macro_f1,
    report,
    scores,
    unweighted_recall,
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [2, 7, 9])
def test_all_figures_agree_with_scikit_learn(seed, classes):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 60)
    predicted = np.where(rng.random(60) < 0.5, truth, rng.integers(0, classes, 60))
    labels = list(range(classes))
    np.testing.assert_array_equal(
        confusion(truth, predicted, classes), oracle.confusion_matrix(truth, predicted, labels=labels)
    )
    expected = oracle.f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
    assert macro_f1(truth, predicted, classes) == pytest.approx(expected)
    assert accuracy(truth, predicted) == pytest.approx(oracle.accuracy_score(truth, predicted))
    expected = oracle.recall_score(truth, predicted, labels=np.unique(truth), average="macro")
    assert unweighted_recall(truth, predicted, classes) == pytest.approx(expected)


def test_a_declared_class_that_never_appears_counts_as_zero():
    truth = np.array([0, 0, 1, 1])
    assert macro_f1(truth, truth, 2) == 1
    assert macro_f1(truth, truth, 4) == 0.5
    assert f1_per_class(truth, truth, 3).tolist() == [1, 1, 0]
    assert unweighted_recall(truth, truth, 4) == 1  # a recall needs a true sample


def test_rows_are_the_truth():
    assert confusion(np.array([0, 0, 0]), np.array([1, 1, 0]), 2).tolist() == [[1, 2], [0, 0]]


def test_unbalanced_classes_separate_accuracy_from_recall():
    result = scores(np.array([0] * 9 + [1]), np.zeros(10, int), 2)
    assert (result.accuracy, result.unweighted_recall, result.samples) == (0.9, 0.5, 10)


def test_per_subject_and_pooled_are_different_things():
    truth = np.array([0, 0, 0, 0, 1, 1])
    predicted = np.array([0, 0, 0, 0, 0, 0])
    result = report(truth, predicted, 2, np.array(["a", "a", "a", "a", "b", "b"]))
    assert result.pooled.accuracy == pytest.approx(4 / 6)
    assert {name: part.accuracy for name, part in result.per_subject.items()} == {"a": 1.0, "b": 0.0}
    assert result.mean.accuracy == 0.5
    assert (result.mean.samples, result.per_subject["b"].samples) == (6, 2)


@pytest.mark.parametrize(
    ("truth", "predicted"), [([], []), ([0, 1], [0]), ([0, 2], [0, 1]), ([0, 1], [-1, 1]), ([[0]], [[0]])]
)
def test_impossible_labels_are_refused(truth, predicted):
    with pytest.raises(ValueError, match=r"labels|same length"):
        confusion(np.array(truth, int), np.array(predicted, int), 2)
