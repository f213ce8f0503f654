"""The SemiSeg panel: ``panel`` and ``scene`` need a running Slicer; the controller and its rooms do not."""
