"""Measures how clean our method and cleanlab leave a catalogue, for many kinds of label noise.

`python -m benchmarks.quality FOLDER` takes samples of a catalogue with known truth, gives them noisy labels, and trains
a text classifier on these labels. Our method and all of cleanlab's filters then decide from the same out-of-sample
probabilities. The truth makes the labels and measures the remaining errors; no method sees it.

`python -m benchmarks.quality.world_regret FOLDER` measures rules for how far to trust the classifier, on more
and smaller catalogues.
"""
