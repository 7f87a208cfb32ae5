"""Plans, outcomes and problems as text and as JSON.

    document    a plan and what came of it as plain data: the JSON that `--json` prints
    plan        that data as text, for a review
    drift       the same data seen from the servers: expected and found
    problems    messages with the user's own line

Text is made from the JSON's data, so that both say the same. Nothing here prints.
"""
