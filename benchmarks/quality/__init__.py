"""How clean a catalogue comes out, ours and others, under many kinds of noise: `python -m benchmarks.quality FOLDER`.

A catalogue whose truth is known is cut and made dirty anew; a classifier of the text, out of sample, is trained on the
dirty labels; then ours and every rival decide from the very same probabilities. Truth makes the labels and measures
what is left; nothing that decides sees it.
"""
