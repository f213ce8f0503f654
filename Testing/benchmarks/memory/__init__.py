"""How much memory does it take?

A training on many volumes, a step of every method, a voxel, a label. The constants by which the product plans
(SemiSegLogic/settings/memory.py, engine/prediction/predict.py) come from here.
"""
