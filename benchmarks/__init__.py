"""How long renkei takes, how much it asks of the servers and how much memory it needs, on a synthetic platform.

    synthetic   the platform, as files
    servers     the servers that it is applied to
    edits       the small changes that are measured: one grant, one user
    stages      what is measured, each stage in a process of its own
    meter       seconds, processor seconds, requests and memory of one piece of work
    bare        the same requests without renkei, to compare with
    machine     what the figures were measured on
    table       the figures as tables and as JSON

`python -m benchmarks --help` says how to run it; docs/reference/benchmarks.md says what the rows mean.
"""
