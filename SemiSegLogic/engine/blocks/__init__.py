"""What papers are built from: losses, mixing, contrast, perturbations, optimisers. Tensors in, tensors out.

Nothing here knows volumes, devices, files or the training loop; of the engine, methods import this and ``nets`` only.
"""
