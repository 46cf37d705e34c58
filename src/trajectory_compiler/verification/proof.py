"""The gates: what must hold before a question counts as proved, each decided by evaluating its program."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from random import Random
from typing import Any

from msgspec.structs import replace

from trajectory_compiler.dataflow import program as ir
from trajectory_compiler.model import GATES, Proof, Turn, escape_token, key_of, plain
from trajectory_compiler.verification.evaluate import Edit, Outcome, Part, Session, Source, View, combine, fresh

ABSTENTION, ONES, NUMBER = "The log does not say.", {"only", "first", "last"}, r"-?[0-9]+(\.[0-9]+)?"
ORDER = ("well_formed", "holds", "unleaked", "sufficient", "necessary", "unique", "unshortcut", "distant", "causal")
MAX_RUNS = 5_000  # of turns that `distant` tries; where they do not suffice, it is not shown and the gate is false
Faults = Iterable[tuple[bool, str]]  # of a gate, a method of `Case`: (is it a fault, what is wrong)


def prove(claim: ir.Claim, turns: Iterable[Turn] | Session, *, thorough: bool = False) -> Proof:
    """Try the gates on a whole session up to the first that fails (`thorough`: all). One not tried is left out: not passed."""
    case, wrong = Case(claim, turns if isinstance(turns, Session) else Session(turns)), dict[str, str]()
    for gate in ORDER:
        undefined = [(True, "the program is undefined")] if not case.answer and gate != "well_formed" else []
        wrong[gate] = next((what for is_fault, what in undefined or getattr(case, gate)() if is_fault), "")
        if wrong[gate] and not thorough:
            break
    gates: dict[str, bool | None] = {gate: not wrong[gate] for gate in GATES if gate in wrong}
    reasons = tuple(f"{gate}: {what}" for gate, what in wrong.items() if what)
    return Proof(gates=gates, read_set=case.read, supporting=case.support, guess_rate=case.guess_rate, reasons=reasons)


class Case:
    """A claim on T (`whole`), a session up to the call that `until` names. `read`: what nodes match; `support`: what counts."""

    def __init__(self, claim: ir.Claim, session: Session) -> None:
        self.claim, self.program, self.session, self.answered = claim, claim.program, session, claim.program.answer
        self.withheld, self.guess_rate, self.absent = set(claim.withheld_turns), 1.0, claim.program.family == "unanswerable"
        session.memo = session.memo if len(session.memo) < 1_000 else {}
        until, whole = self.program.until, replace(self.program, until=None)
        found = Part(session).evaluate(whole).picked.get(until.call, ()) if until else ()
        self.at, self.ending = session.at, session.at[found[0]] if len(found) == 1 else None
        self.whole = Part(session, end=math.inf if until is None else self.ending.index if self.ending else -math.inf)
        self.views = session.views[: bisect_left(session.order, self.whole.end)]
        self.nodes = {node.name: node for node in self.program.calls if until is None or node.name != until.call}
        self.base, self.walks = self.whole.evaluate(self.program), isinstance(self.answered, ir.Walk)
        self.answer, self.read, self.asked = self.base.answer or "", tuple(sorted(self.base.read)), self.base.asked
        # Where no node counts or compares its matches, hiding one that is not picked leaves all picks as they are.
        ranked = self.walks or any(node.pick in ("nth", "max", "min") for node in self.nodes.values())
        tried = self.read if ranked else sorted({turn for found in self.base.picked.values() for turn in found})
        self.support = tuple(t for t in tried if self.answer and self.on(edited={t: None}) != self.answer)
        self.exact = isinstance(self.answered, ir.Get | ir.StateAt | ir.Change)  # the answer is read, not computed
        sides = self.base.texts if isinstance(self.answered, ir.Change) else [self.answer]
        self.parts = list(zip(sides, self.asked, strict=False))
        self.bridges: list[tuple[ir.Call, ir.Condition | ir.Item, ir.Bridge, str, Source]] = []
        for node, condition, bridge in self.program.links:
            if node.name in self.nodes and self.base.picked.get(bridge.call):
                text, source = self.at[self.base.picked[bridge.call][0]].read(bridge.field)
                self.bridges += [(node, condition, bridge, text, source)] if text is not None and source is not None else []
        self.values = {bridge: text for _, _, bridge, text, _ in self.bridges}
        self.serving = self._serving() if self.answer else {}

    def near(self, value: str) -> list[View]:
        """Return all turns of T in which a value can occur."""
        return [self.at[turn] for turn in self.session.near(value) if turn < self.whole.end]

    def on(self, **part: Any) -> str | None:
        """Return the answer on a part of T."""
        return self.whole._replace(**part).evaluate(self.program).answer

    def after(self, edits: list[Edit]) -> str | None:
        """Return the answer on the edited T."""
        return self.on(edited={turn: self.at[turn].edited(edits) for turn, _, _ in edits})

    def instead(self, node: ir.Call, **changes: Any) -> Outcome:
        """Return the evaluation of the program with one of its calls described otherwise."""
        calls = tuple(replace(node, **changes) if call is node else call for call in self.program.calls)
        return self.whole.evaluate(replace(self.program, calls=calls))

    def well_formed(self) -> Faults:
        """Ask for a short, typed, readable answer and one question."""
        answer, question, kind = self.claim.answer, self.claim.question, self.claim.answer_type
        yield not answer.strip() or len(answer) > 200 or not answer.isprintable(), "the answer is empty, long or not one line"
        sentence = question[:1].isupper() or question[:1] in ('"', "'", "`", "“", "‘")
        yield not sentence or question.count("?") != 1 or len(question) > 600, "the question is not one short sentence"
        yield re.search(r"[\0-\x1f\x7f-\x9f]|#\d|(?i:\bturn \d)", question) is not None, "the question has a turn number"
        forms = {"number": NUMBER, "amount": NUMBER, "date": r"[0-9]{4}-[01][0-9]-[0-3][0-9].*", "change": ".* -> .*"}
        fitting = re.fullmatch((forms | {"list": r"\[.*\]"}).get(kind, ".*"), answer)
        yield fitting is None or not (kind == "abstention") == (answer == ABSTENTION) == self.absent, f"the answer is no {kind}"

    def holds(self) -> Faults:
        """Ask that the program gives the answer and every supporting turn that is present is quoted word for word."""
        present, until, picks = set(self.support) - self.withheld, self.program.until, {n.pick for n in self.nodes.values()}
        told = {text: turn for text, (turn, *_) in zip(self.base.texts[::-1], self.base.sources[::-1], strict=True)}.values()
        yield len(self.withheld) != self.absent or not self.withheld <= set(self.support), "not the right turns are withheld"
        yield self.claim.answer != (ABSTENTION if self.absent else self.answer), "the program gives another answer"
        yield self.absent and not (picks <= ONES and self.on(edited=dict.fromkeys(self.withheld)) is None), "the log says it"
        quotable = present.union(told) if isinstance(self.answered, ir.Distinct) else present
        yield not present <= {e.turn for e in self.claim.evidence} <= quotable, "the evidence is not of the supporting turns"
        for item in self.claim.evidence:
            view, (start, end) = self.at[item.turn], item.span or (0, 0)
            text = view.read(ir.Field(path=item.path))[0] if item.span is None else str(view.at(item.path))[start:end]
            inside = isinstance(view.at(item.path), str) and start >= 0 and end - start == len(item.quote) > 0
            yield text != item.quote or not (item.span is None or inside), f"turn {item.turn} does not hold its evidence"
        used = self.ending.read(until.field)[0] if self.ending and until and self.ending.turn.ok is not False else None
        given = any(v.has(self.answer, "/arguments", "/response") for v in self.near(self.answer) if v.kind == "exchange")
        ends = until is not None or self.program.family == "next_argument"
        yield ends and (used != self.answer or given), "no call succeeded with this value, or a message had given it"
        for node, _, _, text, source in self.bridges if self.program.family == "provenance" else ():
            first, near = min(source[0], *self.base.picked[node.name]), self.near(text)
            said = any(v.has(text, "/response") for v in near if v.index < first and v.kind == "exchange")
            yield said or any(v.has(text, "/arguments") for v in near if v.index <= first), f"given by turn {first}"

    def sufficient(self) -> Faults:
        """Ask that the read set alone gives the answer."""
        yield self.on(only=self.base.read) != self.answer, "the read set gives another answer"

    def necessary(self) -> Faults:
        """Ask that two turns or more are needed, and that with one of them hidden the answer can hardly be guessed."""
        yield len(self.support) < 2, f"{len(self.support)} supporting turns"
        known = {n: self._guess(n) for n, found in self.base.matches.items() if set(found) & set(self.support) or self.walks}
        guesses = {t: max(g for n, g in known.items() if t in self.base.matches[n] or self.walks) for t in self.support}
        mean, worst = sum(guesses.values()) / len(guesses), max(self.withheld or guesses, key=lambda t: guesses.get(t, 1.0))
        self.guess_rate, most = round(mean, 6), max(mean, guesses.get(worst, 1.0) if self.withheld else 0.0)
        yield most > 0.333334, f"guess {guesses.get(worst, 1.0):.2f} with turn {worst} hidden, {mean:.2f} on average"
        family, size, (name, field) = self.program.family, len(self.base.texts), self.asked[0]
        node, found, few = self.nodes[name], self.base.matches[name], "too few calls for the family"
        extrema = [len(self.base.matches[n.name]) for n in self.nodes.values() if n.pick in ("max", "min")]
        once = [self.at[turn].read(field)[0] for turn in found].count(self.answer) == 1
        yield family == "recall" and not (node.pick == "nth" and len(found) >= 4 and 2 <= node.k < len(found) and once), few
        counted = isinstance(self.answered, ir.Difference if family == "comparison" else ir.Sum | ir.Distinct)
        counted = counted or min(extrema, default=0) >= 4 or (isinstance(self.answered, ir.Count) and size >= 3)
        yield family in ("aggregation", "comparison") and not counted, few
        yield isinstance(self.answered, ir.Changes) and self.answer in ("0", "1"), few
        yield family == "walk" and not (self.walks and size <= 10), "no walk of 2 to 10"
        linked = extrema or self.bridges or any(n.before or n.after for n in self.nodes.values())
        yield family in ("composition", "provenance", "next_argument") and not linked, "nothing links the calls"

    def _guess(self, name: str) -> float:
        """Return the chance to guess the answer without what a node finds."""
        node, found, size = self.nodes[name], self.base.matches[name], len(self.base.texts)
        if isinstance(self.answered, ir.Walk | ir.Changes):
            return 1 / (size + 1) if isinstance(self.answered, ir.Walk) else 1 / size
        if node.pick in ("max", "min"):
            results = [self.instead(node, pick="nth", k=k + 1).answer for k in range(len(found))]
            return self._share(results) if len(results) >= 4 else 1.0
        if isinstance(self.answered, ir.Count | ir.Sum | ir.Distinct):
            return self._share_among_siblings()
        shares, own = [], name in (call for call, _ in self.asked)
        for at, (side, field) in enumerate(self.asked):
            tool, literals = self.nodes[side].tool, [text for condition in node.where if (text := condition.literal)]
            like = self.whole.fitting(ir.Call(name="", tool=tool, pick="all") if own else self.nodes[side], {})
            if not own:  # hidden is a bridge or an anchor; what stands beside its literals can still be looked up
                beside = [turn for turn in like if literals and all(self.at[turn].has(text) for text in literals)]
                like = beside if set(beside).issuperset(self.base.picked[side]) else like
            values = self.session.texts(found if node.pick == "nth" and own else like, field)
            if isinstance(self.answered, ir.Difference | ir.Change):  # with the other side as it is
                made = {v: combine(self.answered, [*self.base.texts[:at], v, *self.base.texts[at + 1 :]]) for v in set(values)}
                values = [other for value in values if (other := made[value])]
            shares += [self._share(values)] if side == name or not own else []
        return max(shares)

    def _share(self, results: Iterable[str | None]) -> float:
        defined = [result for result in results if result is not None]
        defined += [] if self.answer in defined else [self.answer]
        return max(1 / len(set(defined)), defined.count(self.answer) / len(defined))

    def _share_among_siblings(self) -> float:
        """Return the guess among the groups that differ from the calls in one condition, or in the tool where there is none."""
        (_, field), size, node = self.asked[0], len(self.base.texts), self.nodes[self.asked[0][0]]
        named = [c for c in node.where if c.op == "eq" and c.literal] or [c for c in node.where if c.op != "has"]
        where, split = tuple(c for c in node.where if c not in named[-1:]), ir.Field(path=named[-1].path if named else "/tool")
        sibling, groups = replace(node, where=where, tool=node.tool if named else None), dict[str, list[str]]()
        for view in (self.at[turn] for turn in self.whole.fitting(sibling, self.values)):
            groups.setdefault(view.read(split)[0] or "", []).append(view.read(field)[0] or "")
        results = [combine(self.answered, texts) for text, texts in groups.items() if text and all(texts)]
        few = len(results) < 3 and not isinstance(self.answered, ir.Count)
        trivial = isinstance(self.answered, ir.Distinct) and self.answer in ("1", str(size))
        return 1.0 if trivial else 1 / size if few else self._share(results)

    def distant(self) -> Faults:
        """Ask that supporting turns lie apart, and that no run of turns shorter than their span gives the answer."""
        yield all(later - earlier < 2 for earlier, later in pairwise(self.support)), "no supporting turns lie apart"
        # Runs from one turn that can match to another suffice; each must hold one that serves for all that the answer rests on.
        matching = {turn for node in self.nodes.values() for turn in self.whole.fitting(node, {})}
        linked = ir.Field(path=getattr(self.answered, "target", "\0"))
        matching |= {v.index for v in self.views if v.read(linked)[0] is not None} if self.walks else set()
        needed, places, span, tried = self.serving.values(), sorted(matching), self.support[-1] - self.support[0] + 1, 0
        for start in places:
            last = bisect_left(places, max(g[at] if (at := bisect_left(g, start)) < len(g) else math.inf for g in needed))
            while last < len(places) and places[last] - start + 1 < span and tried < MAX_RUNS:
                tried, last = tried + 1, last + 1
                yield self.on(start=start, end=places[last - 1] + 1) == self.answer, "a shorter run of turns gives the answer"
        yield tried == MAX_RUNS, "there are too many runs of turns to try"

    def _serving(self) -> dict[str, list[int]]:
        """Return, for each node that the answer rests on, the turns that it can match where the answer is given."""
        fitting = {name: self.whole.fitting(node, {}) for name, node in self.nodes.items()}
        serving = {name: fitting[name] for name, _ in self.asked}
        for text, (name, field) in self.parts if self.exact else ():
            serving[name] = [turn for turn in serving[name] if self.at[turn].read(field)[0] == text]
        for node in (node for node in reversed(self.nodes.values()) if node.name in serving):
            for name in (node.before or node.name, node.after or node.name):
                serving.setdefault(name, fitting[name])
            for bridge in (known[2] for known in self.bridges if known[0] is node):
                makers, users = serving.get(bridge.call, fitting[bridge.call]), [self.at[turn] for turn in serving[node.name]]
                texts = {turn: self.at[turn].read(bridge.field)[0] for turn in makers}
                serving[bridge.call] = [t for t in makers if texts[t] and any(u.fits(node, {bridge: texts[t]}) for u in users)]
        return serving

    def unique(self) -> Faults:
        """Ask that every reading of the description gives the answer, and that no order rests on two equal stamps."""
        named = {c for n in self.program.calls for c in n.where if c.literal and c.path.startswith("/arguments")}
        anywhere = {c: replace(c, path="/arguments", op="has") for c in named}  # a path by its end, an id deeper down
        loose = tuple(replace(n, where=tuple(anywhere.get(c, c) for c in n.where)) for n in self.program.calls)
        readings = [self.whole.evaluate(self.program, "no failures"), self.whole.evaluate(self.program, "any case")]
        readings.append(self.whole.evaluate(replace(self.program, calls=loose)))
        yield any(outcome.answer != self.answer for outcome in readings), "another reading gives another answer"
        rivals = {name: () if node.pick in ("only", "all") else self.base.matches[name] for name, node in self.nodes.items()}
        for node in self.nodes.values():
            for anchor in {node.before, node.after} & self.nodes.keys():
                rivals[anchor or ""] += tuple(self.whole.fitting(node, self.values))
        for name, _ in self.asked if isinstance(self.answered, ir.Change | ir.StateAt | ir.Changes) else ():
            rivals[name] += tuple(turn for other, _ in self.asked for turn in self.base.picked[other])
        for turn, others in ((turn, set(rivals[name]) - {turn}) for name in rivals for turn in self.base.picked[name]):
            stamp = self.at[turn].turn.created_at
            tied = stamp is not None and stamp in (self.at[other].turn.created_at for other in others)
            yield tied, f"turn {turn} has the stamp of another that it is set before or behind"

    def unleaked(self) -> Faults:
        """Ask that the question holds neither answer nor bridge, and that its literals do not name the answer."""
        question, literals = plain(self.claim.question), [c.literal for node in self.program.calls for c in node.where]
        for text, _ in self.parts:
            scattered = len(text) >= 4 and set() < set(plain(text).split()) <= set(question.split())
            yield plain(text) in question or scattered, "it holds the answer"
            yield any(len(name) >= 3 and plain(name) in plain(text) for name in literals), "a literal is part of the answer"
        yield any(plain(text) in question for _, _, _, text, _ in self.bridges), "it holds a bridge"
        yield any(form in question for form in (" whether ", " either ", " yes or no ")), "the question offers a choice of two"

    def unshortcut(self) -> Faults:
        """Ask that no turn alone, nor all others, nor the first that a search finds, nor a total give or show the answer."""
        for turn in sorted(set(self.read).intersection(*self.serving.values()) - self.withheld):  # that all nodes can rest on
            yield self.on(start=turn, end=turn + 1) == self.answer, f"turn {turn} alone gives the answer"
        yield self.on(edited=dict.fromkeys(self.support)) == self.answer, "the other turns give the answer"
        hidden = self.withheld or {turn for turn, _, _ in self.base.sources}  # no other turn may show it, no anchor either
        text, rule = self.parts[0][0], self.parts[0][1][1].extract  # a number read as 1200 may stand there as 1,200
        near = {view.index: view for value in (text, *([rule.key] if rule else ())) for view in self.near(value)}
        first = self.views[self.session.found_first(self.claim.question, len(self.views))]
        for view in (*(near[turn] for turn in sorted(near.keys() - hidden)), first):
            shown = view.index not in self.withheld and all(self._is_shown(view, *part) for part in self.parts)
            yield shown, f"turn {view.index} shows the answer"
        summed = isinstance(self.answered, ir.Count | ir.Sum | ir.Distinct | ir.Difference)
        for view in (view for view in self.near(self.answer) if summed and f"\x1f{self.answer}\x1e" in view.text):
            keys = {word for path, text, _ in view.leaves() if text == self.answer for word in plain(key_of(path)).split()}
            yield not keys.isdisjoint(("total", "count", "sum", "number", "num")), f"turn {view.index} states a total"

    def _is_shown(self, view: View, text: str, place: tuple[str, ir.Field]) -> bool:
        key = escape_token(rule.key) if (rule := place[1].extract) is not None and rule.key else key_of(place[1].path)
        there = self.exact and (f"\x1e{key}\x1f{text}\x1e" in view.text or view.read(place[1])[0] == text)
        tells = len(text) >= 4 or self.absent or (view.kind == "exchange" and not text.isdigit())
        return there or view.turn.tool == text or (tells and view.has(text, "/arguments", "/response"))

    def causal(self) -> Faults:
        """Ask that the answer follows its source and its bridges, and nothing else."""
        yield next(self.source_edits(), None) is None, "the answer does not follow an edit of where it was read"
        for node, condition, _, text, source in self.bridges:
            yield next(self.reroutes(node, condition, source), None) is None, f"no value at turn {source[0]} leads elsewhere"
            renamed = [edit for view in self.near(text) for edit in view.rename(text, fresh(text))]
            yield self.after(renamed) != self.answer, f"the bridge of turn {source[0]} cannot have another name"
        chance = Random(ir.encode(self.program))  # noqa: S311  (reproducible, no secret)
        read = [bisect_left(self.session.order, turn) - before for before, turn in enumerate(self.read)]
        for other in chance.choices(range(len(self.views) - len(read)), k=20) if len(read) < len(self.views) else ():
            view = self.views[other + bisect_right(read, other)]  # the other-th of those not read
            path, text, _ = chance.choice(list(view.leaves()))
            yield self.after([view.write(path, fresh(text))]) != self.answer, f"turn {view.index}, not read, changes the answer"

    def source_edits(self) -> Iterator[list[Edit]]:
        """Yield edits where the answer was read after which it is what the new value makes."""
        texts, answered = self.base.texts, self.answered
        for at, (text, (turn, path, span)) in enumerate(zip(texts, self.base.sources, strict=True)):
            values, view = (fresh(text), fresh(text, -1), texts[at - 1]), self.at[turn]
            tries = [([view.write(path, v, span)], combine(answered, [*texts[:at], v, *texts[at + 1 :]])) for v in values]
            if isinstance(answered, ir.Count):  # one call less fits
                where = [(c.literal, c.path) for c in self.nodes[answered.calls].where if c.literal]
                broken = [edit for name, place in where[-1:] for edit in view.rename(name, fresh(name), place)]
                tries = [(broken or tries[0][0], str(len(texts) - 1))]
            for edits, expected in tries:  # a walk may, instead, no longer reach the call
                if (new := self.after(edits)) != self.answer and (self.walks or (new is not None and new == expected)):
                    yield edits

    def reroutes(self, node: ir.Call, condition: ir.Condition | ir.Item, source: Source) -> Iterator[list[Edit]]:
        """Yield edits of a bridge's producer that lead the consumer to another call, and to the answer which that one gives."""
        if isinstance(condition, ir.Item):  # another record of the same call
            view, (_, field) = self.at[self.base.picked[node.name][0]], self.asked[0]
            for path, text in view.records(field)[:64]:
                there, edits = view.read(ir.Field(path=path))[0], [self.at[source[0]].write(source[1], text, source[2])]
                if there not in (None, self.answer) and self.after(edits) == there:
                    yield edits
            return
        others = [turn for turn in self.whole.fitting(node, {}) if turn not in self.base.picked[node.name]]
        for view in (self.at[turn] for turn in others[:64]):
            for _, text, _ in islice(view.leaves(condition.path), 64):
                where = tuple(replace(c, value=ir.Literal(text)) if c is condition else c for c in node.where)
                direct, edits = self.instead(node, where=where), [self.at[source[0]].write(source[1], text, source[2])]
                other = direct.answer not in (None, self.answer) and view.index in direct.picked[node.name]
                if other and self.after(edits) == direct.answer:
                    yield edits
