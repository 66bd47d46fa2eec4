"""Ratios measured in one run on one machine: `python -m benchmarks [scoring] [nights] [training]`, or `make bench`.

A second says little about another machine; a ratio of two systems that do the same work there says more. The limits
that a ratio should keep are shown as met or missed, never asserted.

**scoring** holds `udfs.classify` on Spark against the best bare loop in one process, and against
`pyspark.ml.functions.predict_batch_udf` and `mlflow.pyfunc.spark_udf` with the same registered model.

* All read the same Parquet files and use the same cores: Spark as many tasks of one core as there are cores, the loop
  as many threads. Each runs in a process of its own, so that neither memory nor TensorFlow's threads are shared.
* All must agree on every listing, which is asserted. All give predicted category and confidence, those of text and
  picture, and the picture's status; all but MLflow the first twenty of each branch too. MLflow's model computes the
  fused first twenty, but its result type has no nulls in nested lists, so they are not sent.
* Every rival runs with the best batch size of several that are tried; the loop also with the best of three layouts
  (tf.data, one thread that prepares ahead, one thread a core). classify runs with its default.
* The files are one a core, so that rivals need no shuffle; classify does its own, as in a night.
* Everything is warm, repeats take turns, the median counts. MLflow loads its model anew in every task, by its design;
  so the ratios are also given without what a handful of listings costs.

**nights** runs the real commands, each in a fresh process, so start-up is part of a night's fixed cost. A first night
at three sizes gives the growth; at the middle one follow nights with nothing, a handful and 1 % changed.

**training** holds two ranks of one thread against one rank of two threads, over the same files with the same plan;
and reading the training set through Petastorm against pyarrow alone, with the same arrays as the result.

What is prepared (catalogues, warehouses, the model) is kept in the work folder, each with a mark that says from what
it was made; remove the folder after a change that they depend on.
"""
