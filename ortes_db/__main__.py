"""`python -m ortes_db` is `ortes`."""

from ortes_db.cli import main

if __name__ == "__main__":
    main(prog_name="ortes")
