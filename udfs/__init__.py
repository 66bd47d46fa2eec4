"""Code that runs in Spark executors: features, pictures, prediction, posteriors, hashes."""
