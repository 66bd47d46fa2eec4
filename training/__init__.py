"""Examples, dataset, network, workers, noise model, calibration, evaluation, registry."""
