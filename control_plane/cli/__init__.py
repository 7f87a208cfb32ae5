"""The command line: parse, call, print, exit code. The only layer that prints or exits.

main        the command `renkei` and its exit codes
terminal    stdout for results, stderr for progress and problems
options     what several commands take
files       what a command writes because it was asked to
reconcile   validate, plan, apply, drift
lists       report, schema
can         who may do what, and why
setup       init, doctor, sandbox, completion
bootstrap   our own account, made by an administrator
"""

from control_plane.cli.main import main

__all__ = ["main"]
