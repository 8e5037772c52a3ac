"""What the hub costs beside plain SQL: measured with pgbench and by counting, each figure with its target."""
