"""Which engines Parley knows, which can be had here, and which a call gets."""

from .choice import Choice, Realtime, choose
from .finder import ProfileError
from .known import KNOWN, PROFILES, REALTIME, STAGES, is_hosted

__all__ = [
    "KNOWN",
    "PROFILES",
    "REALTIME",
    "STAGES",
    "Choice",
    "ProfileError",
    "Realtime",
    "choose",
    "is_hosted",
]
