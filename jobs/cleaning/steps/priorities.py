"""What raises an item of the work list besides the probability of an error, where settings name it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from conf.review_settings import PriorityWeights
from jobs.cleaning.steps.queue import has_any
from schemas.reasons import CATEGORY_REASONS


def weigh(items: DataFrame, weights: PriorityWeights) -> DataFrame:
    """Multiply `priority` by 1 + the sum of the weights, each times its value, which is 0 to 1.

    The values are: `exposure`, the share of the items in the same queue that are seen or sold less, 0 where it is not
    known; `price`, the share of those in the same currency that cost less; `sensitive`, 1 if a sensitive category is
    left or entered; `alike`, 1 - 1/n for n items of one seller with the same category and the same suggestion.

    Args:
        items: reasons, priority, exposure, price, currency, touches_sensitive, seller_id, category and best_category.
        weights: the weights; where all are 0, nothing changes.
    """
    if weights == PriorityWeights():
        return items
    question = Window.partitionBy("seller_id", "category", "best_category", "asks")
    values: dict[str, Column] = {
        "exposure": _share_below("exposure"),
        "price": _share_below("price", "currency"),
        "sensitive": F.coalesce(F.col("touches_sensitive"), F.lit(False)).cast("double"),
        "alike": F.when(F.col("asks"), 1 - 1 / F.count(F.lit(1)).over(question)).otherwise(0.0),
    }
    chosen = {name: weight for name in values if (weight := getattr(weights, name))}
    factor = sum((weight * values[name] for name, weight in chosen.items()), F.lit(1.0))
    asks = has_any(*CATEGORY_REASONS)
    return items.withColumn("asks", asks).withColumn("priority", F.col("priority") * factor).drop("asks")


def _share_below(column: str, *same: str) -> Column:
    """The share of the items in a queue whose value is smaller; null, NaN and infinity are smaller than all."""
    finite = F.when(F.abs(column) < float("inf"), F.col(column))  # Spark's NaN is larger than infinity
    return F.percent_rank().over(Window.partitionBy("asks", *same).orderBy(finite))
