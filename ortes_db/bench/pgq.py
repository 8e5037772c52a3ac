"""PGQ beside the hub: what a user might pick for the feed of changes."""

from ortes_db.bench.place import Bench

# Where Debian has it; without it this comparison is left out.
PACKAGE = "postgresql-15-pgq3"


def prepare_pgq(bench: Bench) -> bool:
    """A queue with two consumers beside the tables without triggers; False where PGQ is not installed."""
    with bench.admin() as admin:
        if admin.execute("SELECT FROM pg_available_extensions WHERE name = 'pgq'").fetchone() is None:
            return False
        admin.execute("CREATE EXTENSION IF NOT EXISTS pgq")
        admin.execute(f'GRANT pgq_admin TO "{bench.user_name}"'.encode())
        admin.execute("SELECT pgq.create_queue('ortes')")
        admin.execute("SELECT pgq.register_consumer('ortes', name) FROM unnest(ARRAY['store', 'app']) AS name")
    return True
