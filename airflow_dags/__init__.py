"""What the scheduler reads: thin DAGs that submit the commands and import nothing of ours."""
