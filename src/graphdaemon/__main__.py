"""`python -m graphdaemon`."""

from graphdaemon.cli import main

main()
