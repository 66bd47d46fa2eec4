"""Pure steps of backfills: data frames and values in, data frames and columns out."""
