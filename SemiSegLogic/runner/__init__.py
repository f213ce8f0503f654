"""A job in its own process: its volumes, its course of training, its suggestions, its status."""
