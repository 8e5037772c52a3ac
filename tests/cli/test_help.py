"""The command as one meets it: its table of contents, its examples, Tab, and what it says to a word that it does not know."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ortes_db.cli import CHAPTERS, main
from ortes_db.commands._options import Choice
from tests.command import ENVIRONMENT, ortes

pytestmark = pytest.mark.once
CONTEXT = click.Context(main, info_name="ortes")


def commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command there is, groups and what is in them too, with the words that call it."""
    for name in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, name)
        assert command is not None
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))


ALL = dict(commands(main))
EACH = pytest.mark.parametrize("words", ALL, ids=" ".join)


def test_the_help_is_a_table_of_contents_that_fits_a_screen() -> None:
    for told in (ortes("--help"), ortes("-h")):
        assert (told.returncode, told.stderr) == (0, "")
        lines = told.stdout.splitlines()
        # 24 lines, of which the shell's next prompt takes one.
        assert len(lines) <= 23
        assert max(map(len, lines)) <= 80
        assert not [line for line in lines if line.rstrip().endswith("...")]
        listed = [line[14:].split()[0] for line in lines[4:-4]]
        assert listed == [name for names in CHAPTERS.values() for name in names]
        assert sorted(listed) == sorted(words[0] for words in ALL if len(words) == 1), "a command needs its chapter"
        assert [line[:14].strip() for line in lines[4:-4] if line[:14].strip()] == list(CHAPTERS)


@EACH
def test_every_command_has_examples_that_it_understands(words: tuple[str, ...]) -> None:
    help_text = ALL[words].get_help(click.Context(ALL[words], info_name=words[-1], parent=CONTEXT))
    examples = re.findall(rf"^ +(?:[A-Z_]+=\S.* )?(ortes {' '.join(words)}\b.*)$", help_text, re.MULTILINE)
    assert examples, f"ortes {' '.join(words)} --help has no example"
    for example in examples:
        typed = shlex.split(re.split(r" [|>]| ;|; ", example)[0], comments=True)[1:]
        command: click.Command = main
        while isinstance(command, click.Group) and typed:
            found = command.get_command(CONTEXT, typed.pop(0))
            assert found is not None, example
            command = found
        # Parses, and calls nothing.
        command.make_context(words[-1], typed, parent=CONTEXT)


@EACH
def test_every_choice_says_what_was_probably_meant(words: tuple[str, ...]) -> None:
    for parameter in ALL[words].params:
        if isinstance(parameter.type, click.Choice):
            assert isinstance(parameter.type, Choice), f"{parameter.name}: _options.Choice says what is like it"
            for choice in parameter.type.choices:
                with pytest.raises(click.BadParameter, match=f"Did you mean '{choice}'"):
                    parameter.type.convert(f"{choice}x", parameter, CONTEXT)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["stauts"], "Did you mean 'status'?"),
        (["replay", "--format", "tabel"], "Did you mean 'table'?"),
        (["replay", "--formt", "json"], "'--format'"),
        (["bench", "--only", "save_ordr"], "Did you mean 'save_order'?"),
        (["router", "mvoe"], "Did you mean 'move'?"),
        (["rollback", "--yes", "--to", "0003.histroy"], "Did you mean '0003.history'?"),
        (["xyzzy"], "There are: "),
    ],
)
def test_a_word_that_it_does_not_know(typed: list[str], meant: str) -> None:
    told = ortes(*typed)
    assert (told.returncode, told.stdout) == (2, "")
    assert meant in told.stderr


class Bash:
    """A real bash, in a terminal, with the completion that the help tells of."""

    def __init__(self, folder: Path) -> None:
        bash = shutil.which("bash") or pytest.skip("there is no bash")
        program = folder / "ortes"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ortes_db "$@"\n')
        program.chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        environment = {**ENVIRONMENT, "PATH": path, "PS1": "ready> ", "TERM": "dumb", "INPUTRC": os.devnull}
        self.main, inside = pty.openpty()
        self.process = subprocess.Popen(
            [bash, "--norc", "--noprofile", "-i"],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=environment,
            start_new_session=True,
            cwd=folder,
        )
        os.close(inside)
        self.until("ready> ")

    def type(self, keys: str) -> None:
        os.write(self.main, keys.encode())

    def until(self, wanted: str) -> str:
        text, deadline = "", time.monotonic() + 60
        while not re.search(wanted, text, re.DOTALL):
            ready, _, _ = select.select([self.main], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {wanted!r} in {text!r}"
            text += os.read(self.main, 4096).decode(errors="replace")
        return text

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.main)


def test_tab_completes_in_a_real_bash(tmp_path: Path) -> None:
    found = re.search(r"eval .*$", ortes("--help").stdout, re.MULTILINE)
    assert found
    bash = Bash(tmp_path)
    try:
        bash.type(f"{found.group()}\necho done-$((40 + 2))\n")
        bash.until("done-42.*ready> ")
        bash.type("ortes doc\t")
        bash.until("ortes doctor ")
        bash.type("--js\t")
        bash.until("--json ")
        bash.type("\x15ortes replay --format j\t\t")
        bash.until("json.*junit")
        bash.type("\x15ortes r\t\t")
        assert {"replay", "rollback", "router"} <= set(bash.until("replay.*router").split())
    finally:
        bash.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    command = [sys.executable, "-c", "from ortes_db.cli import main; main(prog_name='ortes')"]
    environment = {**ENVIRONMENT, "_ORTES_COMPLETE": f"{shell}_source"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "_ORTES_COMPLETE" in told.stdout
