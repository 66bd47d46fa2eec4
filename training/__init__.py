"""Training: dataset, networks, ranks, noise model, calibration, comparison and model registry."""
