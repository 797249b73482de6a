from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from cogs.locale import update as command
from cogs.locale.extract import template
from cogs.locale.update import update, waiting
from monitor.limits import MEASURES

LABELS = {measure.label for measure in MEASURES.values()}
SOURCE = """
from cogs.locale.catalogue import mark

TABLE = {1: mark("from a table")}


def say(words, axes, name):
    words.text("plain")
    words.text("in " "pieces {name}", name=name)
    words.plural("{n} cow", "{n} cows", 3)
    # Translators: what a tree says
    words.text("bark")
    axes.text(0.5, 0.5, "no text of ours")
    words.text(name)
    locale_str("a description")
    return f"{name}: {words.text('inside an f-string')}"
"""


def ids(catalog: Catalog) -> set[object]:
    found: set[object] = {message.id for message in catalog if message.id}
    return found - LABELS


def folder(tmp_path: Path, source: str) -> Path:
    (tmp_path / "code.py").write_text(source, encoding="utf-8")
    return tmp_path


def test_every_marked_text_is_found_and_nothing_else(tmp_path: Path) -> None:
    found = template(folder(tmp_path, SOURCE))
    assert ids(found) == {
        "from a table",
        "plain",
        "in pieces {name}",
        ("{n} cow", "{n} cows"),
        "bark",
        "a description",
        "inside an f-string",
    }


def test_a_comment_for_translators_comes_along(tmp_path: Path) -> None:
    message = template(folder(tmp_path, SOURCE)).get("bark")
    assert message is not None
    assert message.auto_comments == ["what a tree says"]


def test_the_labels_of_the_metrics_are_texts_too(tmp_path: Path) -> None:
    found = template(folder(tmp_path, ""))
    assert {message.id for message in found if message.id} == LABELS


def test_update_adds_what_is_new_drops_what_is_gone_and_keeps_the_rest(tmp_path: Path) -> None:
    po = tmp_path / "ko.po"
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "plain"\nmsgstr "평범"\n\nmsgid "gone"\nmsgstr "사라짐"\n\nmsgid "barks"\nmsgstr "짖음"\n',
        encoding="utf-8",
    )
    left = update(po, "ko", template(folder(tmp_path, SOURCE)))
    with po.open("rb") as file:
        catalog = read_po(file, locale="ko")
    plain, bark = catalog.get("plain"), catalog.get("bark")
    assert plain is not None
    assert bark is not None
    assert (plain.string, bark.string, bark.fuzzy) == ("평범", "", False)
    assert "plain" not in left
    assert {"bark", "{n} cow", "CPU"} <= set(left)
    assert catalog.get("gone") is None
    assert not catalog.obsolete


def test_update_changes_nothing_the_second_time(tmp_path: Path) -> None:
    po = tmp_path / "ko.po"
    po.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n', encoding="utf-8")
    source = template(folder(tmp_path, SOURCE))
    update(po, "ko", source)
    first = po.read_bytes()
    update(po, "ko", source)
    assert po.read_bytes() == first


def test_a_guess_and_a_half_translated_plural_still_wait() -> None:
    catalog = Catalog(locale="en")
    catalog.add("guessed", "geraten", flags=("fuzzy",))
    catalog.add(("{n} cow", "{n} cows"), ("eine Kuh", ""))
    catalog.add("done", "fertig")
    assert waiting(catalog) == ["guessed", "{n} cow"]


EMPTY = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'


@pytest.fixture
def po(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only catalogue there is, for a program whose only texts are the metrics' labels."""
    path = tmp_path / "ko.po"
    path.write_text(EMPTY, encoding="utf-8")
    monkeypatch.setattr(command, "path_of", lambda locale: path)
    monkeypatch.setattr(command, "template", lambda: template(folder(tmp_path, "")))
    return path


def test_the_command_lists_what_is_missing_and_exits_with_1(po: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main() == 1
    assert f"ko: {len(LABELS)} to translate\n  'CPU'\n" in capsys.readouterr().out


def test_the_command_exits_with_0_when_all_is_translated(po: Path, capsys: pytest.CaptureFixture[str]) -> None:
    po.write_text(EMPTY + "".join(f'\nmsgid "{label}"\nmsgstr "x"\n' for label in LABELS), encoding="utf-8")
    assert command.main() == 0
    assert capsys.readouterr().out == "ko: 0 to translate\n"
