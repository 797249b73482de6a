"""The stand-in's own tests use it as everybody else does."""

from tests.standin.fixture import redirected, standin

__all__ = ["redirected", "standin"]
