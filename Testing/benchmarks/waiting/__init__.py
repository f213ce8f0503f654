"""How long does a person wait?

From the click to what the person waits for: the module's opening, the longest time the panel holds Slicer up, the start
of a training, its first mask, a suggestion that has learned from the slice just done, the next slice worth a look, and
the way over a server. Seconds by the clock, so these want a quiet computer.
"""
