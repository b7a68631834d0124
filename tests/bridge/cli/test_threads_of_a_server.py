"""What a server does beside its answers goes on, whatever goes wrong with a part of it."""

from bridge.cli.serving import do_each
from bridge.errors import SettingsError


def test_what_goes_wrong_with_one_changes_nothing_for_the_others() -> None:
    done: list[str] = []

    def fails() -> None:
        raise SettingsError("a value that stands in no log: Winterbourne")

    do_each([fails, lambda: done.append("told")], "bridge.mail", "nobody was told")

    assert done == ["told"]
