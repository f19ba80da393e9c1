"""The definitions that Dagster loads: replace them with your own."""

import dagster


@dagster.asset
def example() -> int:
    return 1


defs = dagster.Definitions(assets=[example])
