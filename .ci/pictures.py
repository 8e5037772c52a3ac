"""The README's pictures, docs/board.png and docs/replay.png. Written by `make pictures`, which needs a chromium."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import sync_playwright

from ortes_db.deploy import deploy
from ortes_db.server import embedded_server

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.board.running import running

PICTURES = Path(__file__).parents[1] / "docs"
STEP = 14  # of the replay: the ERP tells the hub that it has an order, and two cells are errata
COMPANIES = [f"C{n:05}" for n in range(1, 10)]
STUCK, LAGGING = "C00004", "C00007"  # whose ERP has stopped, whose device 51 has
SECONDS = 150  # at work before the picture, so that there is something to see


def main() -> None:
    program = shutil.which("chromium") or sys.exit("there is no chromium")
    replay_picture(program)
    board_picture(program)


def replay_picture(program: str) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "replay.html"
        subprocess.run([sys.executable, "-m", "ortes_db", "replay", "--html", str(page_file)], check=True)
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        page.goto(f"{page_file.as_uri()}#step-{STEP}")
        page.locator("h1").wait_for()
        page.screenshot(path=PICTURES / "replay.png")


def board_picture(program: str) -> None:
    with embedded_server() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")
        deploy(server.dsn("hub"))
        with psycopg.connect(server.dsn("hub"), autocommit=True) as dba:
            dba.execute("CREATE ROLE board LOGIN IN ROLE ortes_monitor")
            for azi in COMPANIES:
                dba.execute("SELECT ortes_ops.create_company(%s), ortes_ops.set_audit(%s, true)", (azi, azi))
                dba.execute("SELECT ortes_ops.set_notify(%s, true)", (azi,))
            with running(server.dsn("hub", "board"), "--late", "60") as board, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program)
                page = browser.new_page(viewport={"width": 1280, "height": 860})
                page.goto(board.url)
                work(dba)
                page.get_by_label("Company").fill("C00001")
                page.get_by_label("Number or key").fill("2")
                page.get_by_role("button", name="Find").click()
                page.locator("#answer article").wait_for()
                page.wait_for_timeout(2500)  # until nothing flashes any more
                page.screenshot(path=PICTURES / "board.png")


def work(dba: psycopg.Connection[Any]) -> None:
    """Stores and devices save, ERPs acquire, everybody reads."""
    chance = random.Random(1)
    last = dict.fromkeys(COMPANIES, 0)
    end = time.monotonic() + SECONDS
    serial = 0
    while time.monotonic() < end:
        serial += 1
        azi = chance.choices(COMPANIES, weights=[12, 7, 5, 1, 4, 3, 3, 2, 1])[0]
        stopped = end - time.monotonic() < SECONDS - 20  # what stops, stops after a while
        if chance.random() < 0.3:
            dba.execute("SELECT ortes_app.save_order(%s, %s, %s, 12)", (azi, chance.choice((50, 51)), serial))
        else:
            dba.execute("SELECT ortes_store.save_order(%s, %s)", (azi, serial))
        if azi == STUCK and stopped:
            continue
        for (id_pub,) in dba.execute("SELECT id_pub FROM ortes_erp.pending(%s)", (azi,)).fetchall():
            acquired = dba.execute(
                "SELECT ortes_erp.acquire_order(%s, %s, %s)", (azi, id_pub, f"C2026{azi[-2:]}{id_pub:06}")
            )
            last[azi] = acquired.fetchall()[0][0]
        dba.execute(
            "SELECT ortes_store.confirm(%s, %s), ortes_app.confirm(%s, 50, %s)", (azi, last[azi], azi, last[azi])
        )
        if not (azi == LAGGING and stopped):
            dba.execute("SELECT ortes_app.confirm(%s, 51, %s)", (azi, last[azi]))
        time.sleep(chance.expovariate(4))  # the pace of the orders


if __name__ == "__main__":
    main()
