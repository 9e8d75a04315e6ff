"""Parameter studies: one case, axes over its keys, a run for every point, one table, and what the table says.

`studyfile` reads what is asked for, `axes` makes the points, `plan` the cases, `engine` deals them out to the workers
of `local` or `cluster`, `worker` runs one, `outputs` takes the numbers from a run, `table` puts them together;
`analysis` has what the table says of the inputs.
"""
