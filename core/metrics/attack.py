"""How often an attack changes a decision, counted only where there was a decision to change."""

from dataclasses import dataclass

import numpy as np

from core.types import FloatArray, Mask


@dataclass(frozen=True, slots=True, eq=False)
class AttackSuccess:
    """Outcome of an attack on N pairs.

    Attributes:
        eligible: N booleans, the pairs that the clean system decided rightly; only they count.
        success: N booleans, the eligible pairs whose decision the attack turned.
    """

    eligible: Mask
    success: Mask

    @property
    def eligible_pairs(self) -> int:
        """The denominator of the rate."""
        return int(self.eligible.sum())

    @property
    def successes(self) -> int:
        """The numerator of the rate."""
        return int(self.success.sum())

    @property
    def rate(self) -> float:
        """Attack success rate (ASR), 0..1; nan when no pair was eligible."""
        return self.successes / self.eligible_pairs if self.eligible_pairs else float("nan")


def evasion(clean: FloatArray, attacked: FloatArray, threshold: float | FloatArray) -> AttackSuccess:
    """Of the genuine pairs accepted clean, those that are rejected attacked.

    Args:
        clean: N scores of genuine pairs before the attack, larger is more alike.
        attacked: N scores of the same pairs after it.
        threshold: accept at this score and above; one number, or N.
    """
    accepted_clean, accepted_attacked = _decisions(clean, attacked, threshold)
    return AttackSuccess(accepted_clean, accepted_clean & ~accepted_attacked)


def impersonation(clean: FloatArray, attacked: FloatArray, threshold: float | FloatArray) -> AttackSuccess:
    """Of the attacker-target pairs rejected clean, those that are accepted attacked; arguments as evasion."""
    accepted_clean, accepted_attacked = _decisions(clean, attacked, threshold)
    return AttackSuccess(~accepted_clean, ~accepted_clean & accepted_attacked)


def _decisions(clean: FloatArray, attacked: FloatArray, threshold: float | FloatArray) -> tuple[Mask, Mask]:
    clean, attacked = np.asarray(clean), np.asarray(attacked)
    if clean.shape != attacked.shape or clean.ndim != 1:
        raise ValueError("clean and attacked are scores of the same pairs")
    if np.isnan(clean).any() or np.isnan(attacked).any():
        raise ValueError("a score is nan; a face that was not found is no rejection and is counted apart")
    return clean >= threshold, attacked >= threshold
