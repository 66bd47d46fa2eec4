"""Benchmarks that report ratios, measured on one machine in one run.

`python -m benchmarks [scoring] [encoding] [nights] [training]` or `make bench` runs them. Seconds depend on the
machine; the ratio of two systems that do the same work depends on it much less. Each ratio is shown with its limit as
met or missed; a missed limit does not fail the run.

**scoring** compares `udfs.classify` on Spark with the fastest loop in one process that we know ("bare loop"), and with
`pyspark.ml.functions.predict_batch_udf` and `mlflow.pyfunc.spark_udf` for the same registered model.

* All read the same Parquet files and use the same cores: Spark runs as many single-core tasks as there are cores, the
  loop as many threads. Each runs in its own process, so that memory and TensorFlow's threads are not shared.
* The benchmark asserts that all methods give the same predictions. All return the predicted category and its
  confidence, the same for text and for picture, and the picture's status. All but MLflow also return the top twenty of
  each branch. MLflow's model computes the fused top twenty, but its result type cannot have nulls in nested lists, so
  they are not returned.
* Every alternative runs with the fastest of several batch sizes, the loop also with the fastest of three layouts
  (tf.data, one thread that prepares batches ahead, one thread per core). classify runs with its default batch size.
* There is one file per core, so that the alternatives need no shuffle; classify does its own, as in a nightly run.
* All methods are warmed up, their repeats alternate, and the median counts. MLflow loads its model again in every task;
  therefore the ratios are also given without the time that a few listings take.

**encoding** compares `udfs.picture_features` on Spark, as `encode` runs it, with the fastest loop in one process, in
the same way: same files, cores, network and preparation of the pictures; the vectors are asserted to be equal. It also
compares judging listings from their kept vectors with judging them from their pictures, which is encoding and judging.

**nights** runs the real commands, each in a new process, so that start-up is part of the fixed cost of a night. The
first night at three sizes shows how time grows; at the middle size, further nights have nothing, a few listings or 1 %
changed.

**training** compares two ranks of one thread with one rank of two threads, on the same files with the same plan; and
reading the training set with Petastorm with reading it with pyarrow alone, into the same arrays. It also compares a
fit of all text members with one of scikit-learn's `LogisticRegression` on the same TF-IDF features and cores.

Prepared catalogues, warehouses and models are kept in the work folder, each with a note of what it was made from.
Delete the folder after a change that they depend on.
"""
