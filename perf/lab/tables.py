"""Questions as Markdown, and their place in docs/performance.md: between markers, so that a rerun replaces its own tables only."""

from __future__ import annotations

import re
from pathlib import Path

from perf.lab.report import HIGHER, Figure, Goal, Question, Row


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def cell(row: Row, figure: Figure) -> str:
    if not row.samples.get(figure.name):
        return "-"
    low, high = row.quartiles(figure.name)
    text = number(row.median(figure.name), figure.digits)
    if len(row.samples[figure.name]) < 2:
        return text
    return f"{text} ({number(low, figure.digits)} - {number(high, figure.digits)})"


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(question: Question) -> str:
    keys = list(dict.fromkeys(key for row in question.rows for key in row.case))
    head = [*keys, "contender", *(f"{figure.name}, {figure.unit}" if figure.unit else figure.name for figure in question.figures)]
    if question.reference:
        head.append(f"{question.figures[0].name} / {question.reference}")
    lines = [line(head), "|" + "---|" * len(head)]
    for row in question.rows:
        cells = [*(row.case.get(key, "-") for key in keys), row.contender]
        if row.could_not_run and not row.samples:
            cells += [f"could not run: {one_line(row.could_not_run)}"] + [""] * (len(question.figures) - 1)
        else:
            cells += [cell(row, figure) for figure in question.figures]
        if question.reference:
            ratio = question.beside_reference(row)
            cells.append(number(ratio, 3) if ratio is not None else "")
        lines.append(line(cells))
    return "\n".join(lines)


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "/").strip()[:240]


def goal_line(goal: Goal) -> str:
    said = {True: "reached", False: "**not reached**", None: "not measured"}[goal.reached]
    sign = "≥" if goal.better == HIGHER else "≤"
    figure = number(goal.figure, goal.digits) if goal.figure is not None else "-"
    return line([goal.text, f"{sign} {number(goal.bound, goal.digits)}", figure, said + (f" ({goal.note})" if goal.note else "")])


def section(question: Question) -> str:
    parts = [f"### {question.title}", question.method.strip(), table(question)]
    wins = question.peers_that_win(question.figures[0])
    if wins:
        parts.append(f"Where a peer is better in *{question.figures[0].name}*: {'; '.join(wins)}.")
    for row in question.rows:
        if row.could_not_run and row.samples:
            where = ", ".join(f"{key} {value}" for key, value in row.case.items() if value != "-")
            parts.append(f"{row.contender} ({where}) failed in a round: {one_line(row.could_not_run)}")
    parts += question.notes
    if question.goals:
        parts.append("\n".join([line(["goal", "bound", "figure", ""]), "|---|---|---|---|", *map(goal_line, question.goals)]))
    return "\n\n".join(parts)


def markers(name: str) -> tuple[str, str]:
    return f"<!-- scripts/bench: {name} -->", f"<!-- scripts/bench: end of {name} -->"


def replaced(document: str, name: str, text: str) -> str:
    """The document with `text` between the markers of that name; without them they are added at the end."""
    begin, end = markers(name)
    block = f"{begin}\n{text.strip()}\n{end}"
    count = document.count(begin), document.count(end)
    if count == (0, 0):
        return document.rstrip("\n") + "\n\n" + block + "\n"
    if count != (1, 1) or document.index(begin) > document.index(end):
        raise ValueError(f"the markers of '{name}' are not one pair: {count[0]} begin, {count[1]} end")
    before, rest = document.split(begin)
    return before + block + rest.split(end)[1]


def write(document: Path, sections: dict[str, str]) -> None:
    text = document.read_text()
    for name, content in sections.items():
        text = replaced(text, name, content)
    document.write_text(text)
