"""Speech: from 16 kHz sound to states over time, and where anybody may be speaking at all."""

from core.speech.activity import active
from core.speech.whisper import DIM, NAME, RATE, STEP_SECONDS, Speech, States, available, load

__all__ = ["DIM", "NAME", "RATE", "STEP_SECONDS", "Speech", "States", "active", "available", "load"]
