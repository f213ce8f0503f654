"""The Python that trains, and what may be wrong with this computer."""
