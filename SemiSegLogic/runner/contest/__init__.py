"""Which model is kept: measured on slices held out, in turn or side by side with a second runner."""
