"""Torch from here down: plan, volumes, patches, perturbations, networks, losses, trainer, prediction, quality."""
