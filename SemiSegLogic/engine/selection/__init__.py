"""Which slice to look at next, from the saved maps alone (numpy, no torch)."""

from .maps import CaseMaps, Profile, profile, profiles
from .remarks import remarks
from .spread import drawing_axis
from .strategies import DEFAULT, STRATEGIES
from .suggest import Candidate, next_slices, seed_of

__all__ = [
    "DEFAULT", "STRATEGIES", "Candidate", "CaseMaps", "Profile", "drawing_axis", "next_slices", "profile", "profiles",
    "remarks", "seed_of",
]
