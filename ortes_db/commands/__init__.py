"""One command a module, named like it; ortes_db.cli loads them."""
