"""The one error a person ever sees: a sentence on what is wrong and a hint on what to do."""

from enum import StrEnum


class Code(StrEnum):
    """What kind of trouble it is; stable, so that API clients can branch on it."""

    FILE_UNREADABLE = "file-unreadable"
    FILE_TYPE = "file-type"
    FILE_TOO_LARGE = "file-too-large"
    IMAGE_TOO_LARGE = "image-too-large"
    IMAGE_TOO_SMALL = "image-too-small"
    VIDEO_TOO_LARGE = "video-too-large"
    VIDEO_TOO_LONG = "video-too-long"
    NO_VIDEO = "no-video"
    NO_AUDIO = "no-audio"
    LABELS_INVALID = "labels-invalid"
    NO_FACE = "no-face"
    FACE_UNSUITABLE = "face-unsuitable"
    OPTION_RANGE = "option-range"
    PATTERN_INVALID = "pattern-invalid"
    CACHE_INVALID = "cache-invalid"
    WEIGHTS_MISSING = "weights-missing"
    WEIGHTS_CORRUPT = "weights-corrupt"
    WEIGHTS_OFFLINE = "weights-offline"
    CONSENT_MISSING = "consent-missing"
    BUSY = "busy"
    SESSION_GONE = "session-gone"


class UserError(Exception):
    """A problem that the person can understand and act on.

    Attributes:
        code: one of :class:`Code`.
        message: one sentence, without paths, stack traces or library names.
        hint: one sentence on what to do next.
    """

    def __init__(self, code: Code, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.code = code
        self.message = message
        self.hint = hint
