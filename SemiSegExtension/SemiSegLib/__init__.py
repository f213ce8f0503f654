"""The SemiSeg panel: what needs a running Slicer, and the controller that does not."""
