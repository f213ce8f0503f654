"""A Slicer-like place to test the module in: real MRML (slicer-core), Qt as PythonQt shows it."""
