"""A person at the panel who does anything at any moment, and what must come of it."""

from .user import RandomUser, made_up_studies

__all__ = ["RandomUser", "made_up_studies"]
