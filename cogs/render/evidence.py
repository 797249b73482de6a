"""What a verdict rests on, in words."""

from __future__ import annotations

from collections.abc import Sequence

from cogs.locale.catalogue import Words, mark
from cogs.render import exits
from cogs.render.text import duration, escape, percent, size
from monitor.limits import LIMIT, Measure
from monitor.metrics import BY_KEY, Metric, Unit
from monitor.model import (
    Actor,
    ActorKind,
    Evidence,
    EvidenceKind,
    ExitReport,
    ExitStatus,
    Rung,
    Sample,
    Verdict,
)
from monitor.saving import Saved

QUOTE_AT_MOST = 300
NAME_AT_MOST = 80

ENDED_BY_US = (Verdict.STOPPED, Verdict.HUNG)
SENT_BY_US = ("SIGINT", "SIGTERM", "SIGKILL")

PLAIN: dict[EvidenceKind, str] = {
    EvidenceKind.NO_EXIT_CODE: mark("the system could not tell its exit code"),
    EvidenceKind.NEVER_READY: mark("it was never ready"),
    EvidenceKind.OOM_KILL: mark("the system says that memory ran out"),
    EvidenceKind.OTHER_BOOT: mark("the machine was restarted"),
    EvidenceKind.GONE_WHILE_AWAY: mark("it was gone when the bot came back"),
}
"""The kinds that need no detail to be understood."""

DETAILED: dict[EvidenceKind, dict[str, str]] = {
    EvidenceKind.FORCED: {
        "": mark("it had to be forced"),
        Rung.TERMINATE: mark("it had to be terminated"),
        Rung.KILL: mark("it had to be killed"),
    },
    EvidenceKind.NOT_SAVED: {
        "": mark("the world was not seen to be saved"),
        Saved.FAILED: mark("the game did not save the world"),
    },
    EvidenceKind.NO_ANSWER: {
        "": mark("it does not answer"),
        "admin": mark("its admin port is silent"),
        "query": mark("its query port is silent"),
    },
}
"""The kinds whose detail is one of a few words; a word that is not here is told as the empty one."""

QUOTED = (EvidenceKind.OOM_KILL, EvidenceKind.LOG_LINE)
"""The kinds whose detail is a line that others wrote."""


def cause(report: ExitReport, words: Words) -> list[str]:
    """The facts behind a verdict as phrases, the hardest first: "SIGSEGV (…)", "exit 139", "it was never ready"."""
    ending = [*_signal(report, words), *_code(report.status, words)]
    told = (EvidenceKind.SIGNAL, EvidenceKind.EXIT_CODE) if ending else ()
    reasons = phrases([item for item in report.evidence if item.kind not in told], words)
    # What ended a server that hung was the bot; why it did so says more.
    facts = [*reasons, *ending] if report.verdict is Verdict.HUNG else [*ending, *reasons]
    if report.status.core_dumped:
        facts.append(words.text("memory dumped to a core file"))
    return list(dict.fromkeys(facts))


def phrases(evidence: Sequence[Evidence], words: Words) -> list[str]:
    """Each piece of evidence as a phrase, and none twice; what is quoted instead is left out."""
    return list(dict.fromkeys(filter(None, (_phrase(item, words) for item in evidence))))


def quotes(report: ExitReport) -> list[str]:
    """The lines a verdict rests on, of the log or of the system, as Discord quotes."""
    lines = [item.detail for item in report.evidence if item.kind in QUOTED]
    return [f"> {escape(line, QUOTE_AT_MOST)}" for line in lines if line.strip()]


def _signal(report: ExitReport, words: Words) -> list[str]:
    if report.status.signal is None:
        return []
    name = exits.signal_name(report.status.signal)
    if report.verdict in ENDED_BY_US and name in SENT_BY_US:
        # "Told to end from outside" would be wrong: it was the bot.
        return [name]
    return [exits.name_signal(name, words)]


def _code(status: ExitStatus, words: Words) -> list[str]:
    if status.code is not None:
        return [words.text("exit {code}", code=exits.name_code(status.code, words))]
    if status.signal is not None:
        return [words.text("exit {code}", code=exits.SHELL_BASE + status.signal)]
    return []


def _phrase(item: Evidence, words: Words) -> str:
    match item.kind:
        case EvidenceKind.SIGNAL:
            return exits.name_signal(escape(item.detail), words)
        case EvidenceKind.EXIT_CODE:
            code = exits.parse_code(item.detail)
            shown = escape(item.detail) if code is None else exits.name_code(code, words)
            return words.text("exit {code}", code=shown)
        case EvidenceKind.ASKED:
            return words.text("asked for by {name}", name=escape(item.detail, NAME_AT_MOST))
        case EvidenceKind.PROBES_UNANSWERED:
            return _unanswered(item.detail, words)
        case EvidenceKind.LOG_SILENT:
            return _quiet(item.detail, words)
        case EvidenceKind.LOG_LINE:
            return ""
        case EvidenceKind.FORCED | EvidenceKind.NOT_SAVED | EvidenceKind.NO_ANSWER:
            texts = DETAILED[item.kind]
            return words.text(texts.get(item.detail, texts[""]))
        case _:
            return words.text(PLAIN[item.kind])


def _unanswered(detail: str, words: Words) -> str:
    if not detail.isdecimal():
        return words.text("it did not answer")
    return words.plural("{n} question unanswered in a row", "{n} questions unanswered in a row", int(detail))


def _quiet(detail: str, words: Words) -> str:
    if not (detail.isdecimal() and int(detail)):
        return ""
    return words.text("nothing new in its log for {time}", time=duration(int(detail), words))


def actor(who: Actor, words: Words) -> str:
    """Who asked, in words; a Discord user by name, so that nobody is pinged."""
    name = escape(who.name or who.id, NAME_AT_MOST)
    match who.kind:
        case ActorKind.DISCORD:
            return name
        case ActorKind.SCHEDULE:
            return words.text("the schedule {name}", name=name)
        case ActorKind.POLICY if who.id.startswith(f"{LIMIT}:"):
            return words.text("the limit {id}", id=escape(who.id.partition(":")[2]))
        case ActorKind.POLICY:
            return words.text("the restart policy")
        case ActorKind.COMMAND_LINE:
            return words.text("{name} at the command line", name=name)


def reading(metric: Metric | Measure, value: float, words: Words) -> str:
    """One measured value with its unit."""
    match metric.unit:
        case Unit.BYTES:
            return size(value)
        case Unit.BYTES_PER_SECOND:
            return f"{size(value)}/s"
        case Unit.PERCENT | Unit.PERCENT_OF_CORE:
            return percent(value)
        case Unit.PER_SECOND:
            return words.text("{value}/s", value=f"{value:.1f}")
        case Unit.COUNT:
            return f"{value:,.0f}"


def readings(sample: Sample, words: Words, keys: Sequence[str] = tuple(BY_KEY)) -> list[tuple[str, str]]:
    """Label and value of what a sample knows, of the metrics with these keys and in their order."""
    known = [(BY_KEY[key], BY_KEY[key].read(sample)) for key in keys]
    return [(words.text(m.label), reading(m, value, words)) for m, value in known if value is not None]


def after(uptime_s: float, words: Words) -> str:
    return words.text("{time} after start", time=duration(uptime_s, words))
