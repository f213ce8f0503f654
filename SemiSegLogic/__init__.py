"""SemiSeg without a screen: the study, the jobs, the engine and the methods.

Importing this package costs nothing; every room below is imported where it is needed (see the layers in
Testing/logic/test_layers.py, which holds them).
"""

__version__ = "0.1.0"
