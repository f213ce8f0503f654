"""What the person sees: thin, it asks the controller and shows what it is told."""

from .panel import Panel

__all__ = ["Panel"]
