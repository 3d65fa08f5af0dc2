"""Whether likelihood ratios mean what they say. An LLR is the natural log of P(x|genuine) / P(x|impostor)."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from core.types import FloatArray


@dataclass(frozen=True, slots=True)
class LikelihoodCost:
    """Log-likelihood-ratio cost in bits; 0 is perfect, 1 is what always answering LR = 1 costs.

    Attributes:
        total: Cllr.
        minimum: Cllr_min, what is left after the best monotone recalibration: discrimination.
        genuine_pairs: how many LLRs of pairs of one person.
        impostor_pairs: how many of pairs of two people.
    """

    total: float
    minimum: float
    genuine_pairs: int
    impostor_pairs: int

    @property
    def calibration(self) -> float:
        """Cllr_cal, what poor calibration adds."""
        return self.total - self.minimum


@dataclass(frozen=True, slots=True, eq=False)
class Tippett:
    """Survival of LLRs over a grid; at 0, impostor and 1 - genuine are the rates of misleading evidence.

    Attributes:
        llr: K rising grid values.
        genuine: K shares of genuine LLRs >= the grid value.
        impostor: K shares of impostor LLRs > the grid value.
    """

    llr: FloatArray
    genuine: FloatArray
    impostor: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class CrossEntropy:
    """Empirical cross-entropy in bits over prior odds.

    Ramos and Gonzalez-Rodriguez, "Reliable support: Measuring calibration of likelihood ratios", Forensic
    Science International 230, 2013.

    Attributes:
        prior_log10_odds: K values.
        observed: K costs of the LLRs as they are.
        minimum: K costs after the best monotone recalibration.
        neutral: K costs of always answering LR = 1.
    """

    prior_log10_odds: FloatArray
    observed: FloatArray
    minimum: FloatArray
    neutral: FloatArray


def cllr(genuine: FloatArray, impostor: FloatArray) -> float:
    """Mean over both classes of log2(1 + e^-LLR) and log2(1 + e^LLR).

    Brummer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
    Language 20, 2006; computed with log-add-exp, so that large LLRs do not overflow.

    Args:
        genuine: LLRs of pairs of one person; +-inf is allowed.
        impostor: LLRs of pairs of two people.
    """
    genuine, impostor = _checked(genuine), _checked(impostor)
    return float((_bits(-genuine).mean() + _bits(impostor).mean()) / 2)


def likelihood_cost(genuine: FloatArray, impostor: FloatArray) -> LikelihoodCost:
    """Cllr and its two parts; arguments as :func:`cllr`."""
    genuine, impostor = _checked(genuine), _checked(impostor)
    best = cllr(*recalibrated(genuine, impostor))
    return LikelihoodCost(cllr(genuine, impostor), best, len(genuine), len(impostor))


def recalibrated(genuine: FloatArray, impostor: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The LLRs that the best monotone map of these very scores gives (pool adjacent violators).

    For Cllr_min and plots only: a map fitted on what it is tested on is no calibration. Works on any score
    that grows with similarity. Separated classes become +-inf.
    """
    genuine, impostor = _checked(genuine), _checked(impostor)
    scores = np.concatenate([genuine, impostor])
    truth = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=truth) / count  # equal scores must get equal LLRs
    posterior = isotonic_regression(share, weights=count).x[place]
    with np.errstate(divide="ignore"):
        llr = np.log(posterior) - np.log1p(-posterior) - np.log(len(genuine) / len(impostor))
    return llr[: len(genuine)], llr[len(genuine) :]


def tippett(genuine: FloatArray, impostor: FloatArray, llr: FloatArray) -> Tippett:
    """Both survival curves at the grid values ``llr``."""
    genuine, impostor = np.sort(_checked(genuine)), np.sort(_checked(impostor))
    return Tippett(
        llr=llr,
        genuine=1 - np.searchsorted(genuine, llr, side="left") / len(genuine),
        impostor=1 - np.searchsorted(impostor, llr, side="right") / len(impostor),
    )


def misleading(genuine: FloatArray, impostor: FloatArray) -> tuple[float, float]:
    """Share of genuine LLRs below 0 and of impostor LLRs above 0: evidence for the wrong side."""
    return float(np.mean(_checked(genuine) < 0)), float(np.mean(_checked(impostor) > 0))


def cross_entropy(genuine: FloatArray, impostor: FloatArray, prior_log10_odds: FloatArray) -> CrossEntropy:
    """Curves of an ECE plot; at prior odds of 1 (log 0) they are Cllr, Cllr_min and 1.

    Args:
        genuine: LLRs of pairs of one person.
        impostor: LLRs of pairs of two people.
        prior_log10_odds: K logarithms to base 10 of the prior odds of "same person".
    """
    genuine, impostor = _checked(genuine), _checked(impostor)
    prior_log10_odds = np.asarray(prior_log10_odds, dtype=np.float64)
    odds = prior_log10_odds * np.log(10)
    zeros = np.zeros(1)
    return CrossEntropy(
        prior_log10_odds,
        observed=_entropy(genuine, impostor, odds),
        minimum=_entropy(*recalibrated(genuine, impostor), odds),
        neutral=_entropy(zeros, zeros, odds),
    )


def _entropy(genuine: FloatArray, impostor: FloatArray, odds: FloatArray) -> FloatArray:
    prior = 1 / (1 + np.exp(-odds))
    miss = np.array([_bits(-(genuine + shift)).mean() for shift in odds])
    false_alarm = np.array([_bits(impostor + shift).mean() for shift in odds])
    entropy: FloatArray = prior * miss + (1 - prior) * false_alarm
    return entropy


def _bits(x: FloatArray) -> FloatArray:
    """log2(1 + e^x) without overflow."""
    bits: FloatArray = np.logaddexp(0, x) / np.log(2)
    return bits


def _checked(llr: FloatArray) -> FloatArray:
    llr = np.asarray(llr, dtype=np.float64).ravel()
    if not llr.size or np.isnan(llr).any():
        raise ValueError("at least one genuine and one impostor LLR, and no nan")
    return llr
