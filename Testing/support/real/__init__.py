"""Programs that are not ours, for real: a Ray, and the DICOM SEG plugin of Slicer."""
