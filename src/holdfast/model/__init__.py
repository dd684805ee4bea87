"""What things are: resources, observations, verdicts, steps, errors. Imports nothing of ours."""
