"""The batch verbs, one file each: ingest, train, backtest, predict, and run, which is all.

Each verb reads files of the workspace, writes files of the workspace, and is skipped when
what it depends on has not changed since it last ran. Nothing here reads configuration.
"""
