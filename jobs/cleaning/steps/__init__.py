"""Pure steps: functions from data frames to data frames, without actions, reading, writing or the clock."""
