"""`python -m trajectory_compiler` is `trajc`."""

from trajectory_compiler.cli import main

main()
