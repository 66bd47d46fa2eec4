"""What runs inside executors: text, pictures, predictor, classify, posterior, titles."""
