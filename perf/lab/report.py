"""What the lab measured: questions, their rows, the samples of each figure, and the goals they are held to."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

HIGHER, LOWER = "higher", "lower"


class CannotRun(Exception):
    """A contender can't take part on this machine; the reason stands in the table."""


@dataclass(frozen=True)
class Figure:
    name: str
    unit: str
    better: str = HIGHER
    digits: int = 2


@dataclass
class Row:
    case: dict[str, str]
    contender: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    could_not_run: str | None = None

    def median(self, figure: str) -> float | None:
        values = self.samples.get(figure)
        return statistics.median(values) if values else None

    def quartiles(self, figure: str) -> tuple[float, float]:
        values = self.samples[figure]
        if len(values) < 2:
            return values[0], values[0]
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        return low, high


@dataclass
class Goal:
    """`figure` is None where it could not be measured: then the goal is neither reached nor missed."""

    text: str
    figure: float | None
    bound: float
    better: str = HIGHER
    digits: int = 2
    note: str = ""

    @property
    def reached(self) -> bool | None:
        if self.figure is None:
            return None
        return self.figure >= self.bound if self.better == HIGHER else self.figure <= self.bound


@dataclass
class Question:
    """Rows are kept by case and contender; `reference` is the contender that the first figure of others is divided by."""

    name: str
    title: str
    method: str
    figures: list[Figure]
    reference: str | None = None
    ours: tuple[str, ...] = ()    # contenders that are Drywall
    floors: tuple[str, ...] = ()  # contenders that decide nothing: no peers, they can't win
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self, case: dict[str, str], contender: str) -> Row:
        found = self.find(case, contender)
        if found is None:
            found = Row(dict(case), contender)
            self.rows.append(found)
        return found

    def find(self, case: dict[str, str], contender: str) -> Row | None:
        return next((row for row in self.rows if row.case == case and row.contender == contender), None)

    def add(self, case: dict[str, str], contender: str, sample: dict[str, float]) -> None:
        row = self.row(case, contender)
        for name, value in sample.items():
            row.samples.setdefault(name, []).append(value)

    def ratio(self, figure: str, case: dict[str, str], contender: str, to: str, to_case: dict[str, str] | None = None) -> float | None:
        """Of the medians."""
        one, other = self.find(case, contender), self.find(case if to_case is None else to_case, to)
        above = one.median(figure) if one else None
        below = other.median(figure) if other else None
        return above / below if above is not None and below else None

    def beside_reference(self, row: Row) -> float | None:
        """The reference of the same case, or of the case that agrees with it in all that the reference depends on."""
        if self.reference is None or row.contender == self.reference:
            return None
        figure = self.figures[0].name
        for other in self.rows:
            if other.contender == self.reference and all(row.case.get(key) == value for key, value in other.case.items() if value != "-"):
                return self.ratio(figure, row.case, row.contender, self.reference, other.case)
        return None

    def cases(self) -> list[dict[str, str]]:
        return [dict(case) for case in dict.fromkeys(tuple(row.case.items()) for row in self.rows)]

    def peers_that_win(self, figure: Figure) -> list[str]:
        """Where a peer's median is better than that of the best of ours."""
        found = []
        for case in self.cases():
            medians = {row.contender: row.median(figure.name) for row in self.rows
                       if row.case == case and row.contender not in self.floors and row.median(figure.name) is not None}
            ours = {name: value for name, value in medians.items() if name in self.ours}
            if not ours:
                continue
            pick, better = (max, float.__gt__) if figure.better == HIGHER else (min, float.__lt__)
            best = pick(ours, key=ours.get)
            for peer, value in medians.items():
                if peer not in self.ours and better(float(value), float(ours[best])):
                    where = ", ".join(f"{key} {text}" for key, text in case.items() if text != "-")
                    found.append(f"{peer} ({where}: {value:.{figure.digits}f} beside {ours[best]:.{figure.digits}f} {figure.unit} of {best})")
        return found

    def json(self) -> dict:
        return {
            "name": self.name, "title": self.title,
            "figures": [vars(figure) for figure in self.figures], "reference": self.reference,
            "rows": [{"case": row.case, "contender": row.contender, "could_not_run": row.could_not_run,
                      "figures": {name: {"samples": values, "median": row.median(name), "quartiles": list(row.quartiles(name))}
                                  for name, values in row.samples.items()},
                      "of_reference": self.beside_reference(row)} for row in self.rows],
            "goals": [{"text": goal.text, "figure": goal.figure, "bound": goal.bound, "better": goal.better, "reached": goal.reached,
                       "note": goal.note} for goal in self.goals],
            "notes": self.notes,
        }
