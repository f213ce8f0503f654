"""How fast is it, against what others run and against what the device could do?

A step of training, a scan's prediction, the optimiser's update and a run on many volumes. The other side of a
comparison is written here from its published description (``plain_recipe``) and takes turns with ours on one machine,
so that whatever else the machine does falls on both; ``floor`` says what the device could do at best, and
``equal_quality`` that the faster step learns as well.
"""
