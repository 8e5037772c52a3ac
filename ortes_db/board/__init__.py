"""`ortes board`: what goes on in the hub, live, on a read-only page for the control room.

reading.py asks the database, watch.py knows when to ask, world.py keeps what was read and hands each browser what it
lacks, app.py is the page, guard.py says who gets it, serve.py runs it all.
"""
