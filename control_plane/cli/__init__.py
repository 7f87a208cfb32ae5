"""The command line: parse, call, print, exit code. The only layer that prints or exits.

main        the command `renkei` and its exit codes
terminal    stdout for results, stderr for progress and problems
options     what several commands take
reconcile   validate, plan, apply, drift
lists       report, schema
setup       init, doctor, sandbox, completion
"""

from control_plane.cli.main import main

__all__ = ["main"]
