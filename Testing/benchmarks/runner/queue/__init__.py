"""Doing what is not done: one run after the other, in processes side by side, each with a row when it ends."""
