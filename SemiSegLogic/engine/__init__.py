"""Torch from here down. ``planning`` says what to train at; ``data`` brings it from volumes to batches, ``training`` is
the loop, ``prediction`` goes back to volumes, ``quality`` says how good that is and ``selection`` where to look next;
``hardware`` is the computer. ``blocks`` and ``nets`` are what methods are built from.
"""
