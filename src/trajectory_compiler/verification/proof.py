"""The gates: what must hold before a question counts as proved, each decided by evaluating its program.

T is the session, cut before the call that `until` names. The read set R holds every turn that a node matches, the support S
those turns of R without which the answer changes. A gate is a method of `Case` that yields faults: (is it one, what is wrong).
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import islice, pairwise
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from trajectory_compiler.dataflow import program as ir
from trajectory_compiler.model import GATES, AnswerType, Evidence, Proof, Turn, escape_token, render
from trajectory_compiler.verification.edits import Edit, apply_edits, fresh, rename, write
from trajectory_compiler.verification.evaluate import Outcome, Source, View, asked, combine, key_of, number_of, run

ABSTENTION = "The log does not say."
MAX_GUESS = 0.333334
MAX_TRIES = 5_000  # runs of turns that `distant` tries; where they do not suffice, it is not shown and the gate is false
LISTED = ir.Count | ir.Sum | ir.Distinct | ir.Changes
ORDER = ("well_formed", "holds", "unleaked", "sufficient", "necessary", "unique", "unshortcut", "distant", "causal")
Faults = Iterable[tuple[bool, str]]


class Claim(Struct, frozen=True, kw_only=True):
    """What is to be proved: that this program gives this answer to this question, on this evidence."""

    program: ir.Program
    question: str
    answer: str
    answer_type: AnswerType
    evidence: tuple[Evidence, ...]
    withheld_turns: tuple[int, ...] = ()


class Session:
    """The turns of one session in time order, with what the proofs of all its claims share."""

    def __init__(self, turns: Iterable[Turn]) -> None:
        self.views = [View(turn) for turn in sorted(turns, key=lambda turn: turn.index)]

    @cached_property
    def words(self) -> tuple[dict[str, array[int]], list[int]]:
        """For BM25: position and count, in turn, of each word of the rendered turns; and each turn's number of words."""
        index: dict[str, array[int]] = {}
        lengths = []
        for position, view in enumerate(self.views):
            try:
                counts = Counter(re.findall(r"[^\W_]+", render(view.turn).lower()))
            except (RecursionError, ValueError, OverflowError):  # JSON too deep or too big to print, or broken text
                counts = Counter(re.findall(r"[^\W_]+", view.text.lower()))
            lengths.append(counts.total())
            for word, count in counts.items():
                index.setdefault(word, array("l")).extend((position, count))
        return index, lengths


def prove(claim: Claim, turns: Iterable[Turn] | Session, *, thorough: bool = False) -> Proof:
    """Try the gates on a whole session, the cheap ones first, up to the first that fails (`thorough`: all of them).

    A gate that was not tried is left out, and so counts as failed. Cost: an evaluation per turn of R, and about fifty more.
    """
    case = Case(claim, turns if isinstance(turns, Session) else Session(turns))
    wrong: dict[str, str] = {}
    for gate in ORDER:
        defined = case.base.answer is not None or gate == "well_formed"
        faults: Faults = getattr(case, gate)() if defined else [(True, "the program is undefined")]
        wrong[gate] = next((what for is_fault, what in faults if is_fault), "")
        if wrong[gate] and not thorough:
            break
    gates: dict[str, bool | None] = {gate: not wrong[gate] for gate in GATES if gate in wrong}
    reasons = tuple(f"{gate}: {what}" for gate, what in wrong.items() if what)
    read = tuple(sorted(case.base.read))
    return Proof(gates=gates, read_set=read, supporting=case.support, guess_rate=case.guess_rate, reasons=reasons)


def context_end(program: ir.Program, session: Session) -> int | None:
    """Return the index of the one call before which a program's context ends, or None where there is none."""
    name = program.until.call if program.until else ""
    picked = run(replace(program, until=None), session.views).picked.get(name, ())
    return picked[0] if len(picked) == 1 and program.call(name).pick != "all" else None


class Case:
    """A claim on its session: `views` is T, `base` the evaluation on it, `answer` what that gives (also if a turn is withheld).

    `pool` holds the turns that satisfy some node but for its bridges and its place. No other turn can be matched on any part
    of T, so evaluating on a part is evaluating on its turns of the pool.
    """

    def __init__(self, claim: Claim, session: Session) -> None:
        self.claim, self.program, self.session, self.expression = claim, claim.program, session, claim.program.answer
        until, end = self.program.until, context_end(self.program, session)
        self.views = [view for view in session.views if until is None or (end is not None and view.index < end)]
        self.ending = next((view for view in session.views if view.index == end), None)
        self.nodes = {node.name: node for node in self.program.calls if until is None or node.name != until.call}
        self.asked, walks = asked(self.expression), isinstance(self.expression, ir.Walk)
        self.pool = [view for view in self.views if walks or any(view.fits(node, {}) for node in self.nodes.values())]
        self.at = {view.index: view for view in self.views}
        self.base = run(self.program, self.pool)
        self.answer, self.withheld, self.guess_rate = self.base.answer or "", set(claim.withheld_turns), 1.0
        read = sorted(self.base.read) if self.base.answer is not None else ()
        self.support = tuple(turn for turn in read if self.on(lambda other, turn=turn: other != turn) != self.answer)
        self.bridges: list[tuple[ir.Call, ir.Condition, ir.Bridge, str, Source]] = []
        for node, condition in ((n, condition) for n in self.nodes.values() for condition in n.where):
            if isinstance(bridge := condition.value, ir.Bridge) and self.base.picked.get(bridge.call):
                text, source = self.at[self.base.picked[bridge.call][0]].read(bridge.field)
                self.bridges += [(node, condition, bridge, text, source)] if text is not None and source is not None else []

    def on(self, keep: Callable[..., bool]) -> str | None:
        """Return the answer on the part of T that `keep` accepts."""
        return run(self.program, [view for view in self.pool if keep(view.index)]).answer

    def after(self, edits: list[Edit]) -> Outcome:
        """Return the evaluation of the edited T."""
        touched = {edit.turn: self.at[edit.turn].turn for edit in edits}
        edited = [View(turn) for turn in apply_edits(touched.values(), edits)]
        views = [view for view in self.pool if view.index not in touched] + edited
        return run(self.program, sorted(views, key=lambda view: view.index))

    def forced(self, name: str, views: Iterable[View]) -> list[str | None]:
        """Return the answer for each call that a node might have picked."""
        return [run(self.program, self.pool, forced={name: view}).answer for view in views]

    def well_formed(self) -> Faults:
        """Ask for a short, typed, readable answer and one question."""
        answer, question, kind = self.claim.answer, self.claim.question, self.claim.answer_type
        yield not answer.strip() or len(answer) > 200 or not answer.isprintable(), "the answer is empty, long or not one line"
        starts = question[:1].isupper() or question[:1] in ('"', "'", "`", "“", "‘")
        yield not starts or question.count("?") != 1, "the question does not start like a sentence, or is not one question"
        odd = re.search(r"[\0-\x1f\x7f-\x9f]|#\d|\bturn \d", question, re.IGNORECASE) is not None
        yield odd or len(question) > 600, "the question is too long, or has control characters or a turn number"
        number, day = number_of(answer) is not None, re.match(r"\d{4}-\d\d-\d\d", answer) is not None
        forms = {"number": number, "amount": number, "date": day, "change": " -> " in answer}
        forms |= {"list": isinstance(self.expression, ir.Walk), "abstention": self.program.family == "unanswerable"}
        yield not forms.get(kind, True) or (kind == "abstention") != (answer == ABSTENTION), f"the answer is no {kind}"

    def holds(self) -> Faults:
        """Ask that the program gives the answer and every supporting turn that is present is quoted word for word."""
        present, absent = set(self.support) - self.withheld, self.program.family == "unanswerable"
        yield len(self.withheld) != absent or not self.withheld <= set(self.support), "not the right turns are withheld"
        yield self.claim.answer != (ABSTENTION if absent else self.answer), "the program gives another answer"
        yield absent and self.on(lambda turn: turn not in self.withheld) is not None, "the log still says something"
        yield (
            present != {item.turn for item in self.claim.evidence},
            "the evidence is not from all supporting turns and no other",
        )
        for item in self.claim.evidence:
            view, (start, end) = self.at[item.turn], item.span or (0, 0)
            whole, text = view.read(ir.Field(path=item.path))[0], view.at(item.path)
            inside = isinstance(text, str) and 0 <= start < end <= len(text) and text[start:end] == item.quote
            yield not (inside if item.span else whole == item.quote), f"turn {item.turn} does not hold its evidence"
        if self.program.until is not None or self.program.family == "next_argument":
            target = self.ending.read(self.program.until.field)[0] if self.ending and self.program.until else None
            failed = self.ending is None or self.ending.turn.ok is False
            told = any(view.turn.kind == "exchange" and view.has(self.answer, "/arguments", "/response") for view in self.views)
            yield failed or target != self.answer or told, "no call succeeded with this value, or a message had given it"
        for node, _, _, text, source in self.bridges if self.program.family == "provenance" else ():
            first = min(source[0], *self.base.picked[node.name])
            for view in (view for view in self.views if view.index <= first):
                told = view.turn.kind == "exchange" and view.index < first and view.has(text, "/response")
                yield told or view.has(text, "/arguments"), f"turn {view.index} had the value before it was produced"

    def sufficient(self) -> Faults:
        """Ask that the read set alone gives the answer."""
        yield self.on(lambda turn: turn in self.base.read) != self.answer, "the read set gives another answer"

    def necessary(self) -> Faults:
        """Ask that two turns or more are needed, and that with one of them hidden the answer can hardly be guessed."""
        yield len(self.support) < 2, f"{len(self.support)} supporting turns"
        names = {turn: [name for name, found in self.base.matches.items() if turn in found] for turn in self.support}
        known = {name: self._guess(name) for name in {"", *(name for found in names.values() for name in found)}}
        guesses = {turn: max(known[name] for name in found or [""]) for turn, found in names.items()}
        self.guess_rate = round(sum(guesses.values()) / len(guesses), 6) if guesses else 1.0
        for turn in self.withheld or [max(guesses, key=lambda turn: guesses[turn])]:
            much = self.guess_rate > MAX_GUESS or (turn in self.withheld and guesses.get(turn, 1.0) > MAX_GUESS)
            yield much, f"guess {guesses.get(turn, 1.0):.2f} with turn {turn} hidden, {self.guess_rate:.2f} on average"
        yield not self._is_of_family(), f"the program has not the form of its family, {self.program.family}"

    def _guess(self, name: str) -> float:
        """Return the chance to guess the answer without what a node finds (no name: without a turn that a walk reaches)."""
        if isinstance(self.expression, ir.Walk) or not name:
            return 1 / (len(self.base.texts) + 1)
        node, found = self.nodes[name], [self.at[turn] for turn in self.base.matches[name]]
        if node.pick in ("max", "min"):
            return self._share(self.forced(name, found)) if len(found) >= 4 else 1.0
        if isinstance(self.expression, LISTED):
            return self._share_among_siblings()
        sides, shares, made_from = [side for side, _ in self.asked], [], self.base.texts
        for at, (side, field) in ((at, asked) for at, asked in enumerate(self.asked) if name not in sides or asked[0] == name):
            like = [view for view in self.views if view.turn.kind == "tool" and self.nodes[side].tool in (None, view.turn.tool)]
            if name not in sides:  # hidden is a bridge or an anchor; what stands beside its literals can still be looked up
                like = [view for view in like if view.fits(self.nodes[side], {})]
                texts = [text for condition in node.where if (text := literal(condition))]
                beside = [view for view in like if texts and all(view.has(text) for text in texts)]
                like = beside if {view.index for view in beside}.issuperset(self.base.picked[side]) else like
            like = found if node.pick == "nth" and name == side else like
            values = [value for view in like if (value := view.read(field)[0]) is not None]
            if isinstance(self.expression, ir.Difference | ir.Change):  # with the other side as it is
                values = [combine(self.expression, [*made_from[:at], v, *made_from[at + 1 :]]) or "" for v in values]
            shares.append(self._share(value for value in values if value))
        return max(shares)

    def _share(self, results: Iterable[str | None]) -> float:
        """Return the larger of one in so many different results and the answer's share of all of them."""
        defined = [result for result in results if result is not None]
        defined += [] if self.answer in defined else [self.answer]
        return max(1 / len(set(defined)), defined.count(self.answer) / len(defined))

    def _share_among_siblings(self) -> float:
        """Return the guess among the groups that differ from the calls in one condition, or in the tool where there is none."""
        (name, field), size = self.asked[0], len(self.base.texts)
        node, values = self.nodes[name], {bridge: text for _, _, bridge, text, _ in self.bridges}
        named = [c for c in node.where if c.op == "eq" and literal(c)] or [c for c in node.where if c.op != "has"]
        rest = tuple(condition for condition in node.where if condition not in named[-1:])
        sibling, split = replace(node, where=rest, tool=node.tool if named else None), named[-1].path if named else "/tool"
        groups: dict[str | None, list[str]] = {}
        for view in (view for view in self.views if view.fits(sibling, values)):
            groups.setdefault(view.read(ir.Field(path=split))[0], []).append(view.read(field)[0] or "")
        results = [combine(self.expression, texts) for text, texts in groups.items() if text is not None and all(texts)]
        if isinstance(self.expression, ir.Distinct) and self.answer in ("1", str(size)):
            return 1.0
        few = len(results) < 3 and not isinstance(self.expression, ir.Count)
        return 1 / size if few or isinstance(self.expression, ir.Changes) else self._share(results)

    def _is_of_family(self) -> bool:
        size, (name, field) = len(self.base.texts), self.asked[0]
        node, found = self.nodes[name], self.base.matches[name]
        extremum = min((len(self.base.matches[n.name]) for n in self.nodes.values() if n.pick in ("max", "min")), default=0)
        linked = bool(extremum or self.bridges or any(n.before or n.after for n in self.nodes.values()))
        once = [self.at[turn].read(field)[0] for turn in found].count(self.answer) == 1
        counted = {ir.Count: size >= 3 and set(found) <= set(self.support), ir.Sum: True, ir.Distinct: True}
        forms = {
            "recall": node.pick == "nth" and len(found) >= 4 and 2 <= node.k < len(found) and once,
            "aggregation": counted.get(type(self.expression), extremum >= 4),
            "comparison": isinstance(self.expression, ir.Difference) or extremum >= 4,
            "state_change": not isinstance(self.expression, ir.Changes) or self.answer not in ("0", "1"),
            "walk": isinstance(self.expression, ir.Walk) and 2 <= size <= 10,
        }
        return (forms | dict.fromkeys(("composition", "provenance", "next_argument"), linked)).get(self.program.family, True)

    def distant(self) -> Faults:
        """Ask that supporting turns lie apart, and that no run of turns shorter than their span gives the answer."""
        yield all(later - earlier < 2 for earlier, later in pairwise(self.support)), "no supporting turns lie apart"
        # What a run of turns evaluates to depends on its turns of the pool alone, so it suffices to try runs from one turn of
        # the pool to another. For each node that the answer rests on, such a run must hold a turn that serves: without one
        # the answer is undefined or read from another value.
        places = [view.index for view in self.pool]
        needed = [[view.index for view in views] for views in self._serving().values()]
        tried, span = 0, self.support[-1] - self.support[0] + 1 if self.support else 0
        for first, start in enumerate(places):
            nexts = [group[at] if (at := bisect_left(group, start)) < len(group) else math.inf for group in needed]
            last = bisect_left(places, max(nexts))
            while last < len(places) and places[last] - start + 1 < span and tried < MAX_TRIES:
                tried, last = tried + 1, last + 1
                yield run(self.program, self.pool[first:last]).answer == self.answer, "a shorter run of turns gives the answer"
        yield tried == MAX_TRIES, "there are too many runs of turns to try"

    def _serving(self) -> dict[str, list[View]]:
        """Return, for each node that the answer rests on, the turns that it can match where the answer is given."""
        fitting = {name: [view for view in self.pool if view.fits(node, {})] for name, node in self.nodes.items()}
        serving: dict[str, list[View]] = {}
        for side, (call, field) in enumerate(self.asked):
            text = self.answer if isinstance(self.expression, ir.StateAt) else self.base.texts[side]
            exact = isinstance(self.expression, ir.Get | ir.Change | ir.StateAt)
            serving[call] = [view for view in fitting[call] if not exact or view.read(field)[0] == text]
        for node in (node for node in reversed(self.nodes.values()) if node.name in serving):
            for name in (node.before, node.after):
                serving.setdefault(name or node.name, fitting[name or node.name])
            for _, condition, bridge, _, _ in (known for known in self.bridges if known[0] is node):
                leads = {value for view in fitting[bridge.call] if (value := view.read(bridge.field)[0]) is not None}
                leads = {value for value in leads if any(user.satisfies(condition, value) for user in serving[node.name])}
                known_before = serving.get(bridge.call, fitting[bridge.call])
                serving[bridge.call] = [view for view in known_before if view.read(bridge.field)[0] in leads]
        return serving

    def unique(self) -> Faults:
        """Ask that every reading of the description gives the answer, and that no order rests on two equal stamps."""
        paths = {c: replace(c, op="ends") for n in self.program.calls for c in n.where if c.op == "eq" and "/" in literal(c)}
        calls = tuple(replace(n, where=tuple(paths.get(c, c) for c in n.where)) for n in self.program.calls)
        readings = [run(self.program, self.pool, "no failures"), run(self.program, self.views, "any case")]
        readings += [run(replace(self.program, calls=calls), self.views)] if paths else []
        yield any(outcome.answer != self.answer for outcome in readings), "another reading gives another answer"
        values = {bridge: text for _, _, bridge, text, _ in self.bridges}
        rivals: dict[str, set[int]] = {}  # for a node, the turns that those which it picks are set before or behind
        for name, node in self.nodes.items():
            rivals[name] = set(self.base.matches[name]) if node.pick not in ("only", "all") else set()
            for anchor in {node.before, node.after} & set(rivals):
                rivals[anchor or ""] |= {view.index for view in self.pool if view.fits(node, values)}
        if isinstance(self.expression, ir.Change | ir.StateAt | ir.Changes):
            for name, _ in self.asked:
                rivals[name] |= {turn for other, _ in self.asked for turn in self.base.picked[other]}
        for turn, others in ((turn, others - {turn}) for name, others in rivals.items() for turn in self.base.picked[name]):
            stamp = self.at[turn].turn.created_at
            tied = stamp is not None and stamp in [self.at[other].turn.created_at for other in others]
            yield tied, f"turn {turn} has the stamp of another that it is set before or behind"

    def unleaked(self) -> Faults:
        """Ask that the question holds neither answer nor bridge, and that its literals do not name the answer."""
        question = tokens(self.claim.question)
        literals = [literal(condition) for node in self.program.calls for condition in node.where]
        for side in self.base.texts if isinstance(self.expression, ir.Change) else (self.answer,):
            words, long = tokens(side), {word for word in tokens(side) if len(word) >= 3}
            held = contains(question, words) or (len(side) >= 4 and long and long <= set(question))
            yield bool(held), "the question holds the answer"
            yield any(len(t) >= 3 and contains(words, tokens(t)) for t in literals), "a literal is part of the answer"
        yield any(contains(question, tokens(text)) for _, _, _, text, _ in self.bridges), "the question holds a bridge"
        two = {"whether", "either"} & set(question) or contains(question, ["yes", "or", "no"])
        yield bool(two), "the question offers a choice of two"

    def unshortcut(self) -> Faults:
        """Ask that no turn alone, nor all others, nor the first that a search finds, nor a total give or show the answer."""
        for turn in sorted(self.base.read - self.withheld):
            yield self.on(lambda other, turn=turn: other == turn) == self.answer, f"turn {turn} alone gives the answer"
        yield self.on(lambda turn: turn not in self.support) == self.answer, "the other turns give the answer"
        hidden = self.withheld or set(self.support)  # where a turn is withheld, nothing that is left may show the answer
        for view in (*(view for view in self.views if view.index not in hidden), self._found_first()):
            shown = view.index not in self.withheld and self._is_shown(view)
            yield shown, f"turn {view.index} shows the answer, and it is not needed or a search finds it first"
        summed = isinstance(self.expression, ir.Count | ir.Sum | ir.Distinct | ir.Difference)
        for view in self.views if summed else ():
            paths = [path for path, text, _ in view.leaves() if text == self.answer] if self.answer in view.text else []
            total = any({"total", "count", "sum", "number", "num"} & set(tokens(key_of(path))) for path in paths)
            yield total, f"turn {view.index} states a total"

    def _is_shown(self, view: View) -> bool:
        """Say whether a turn shows the answer (both sides of a change): in the asked field or, if it is long, anywhere."""
        fields = [] if isinstance(self.expression, LISTED | ir.Difference | ir.Walk) else [field for _, field in self.asked]
        parts = self.base.texts if isinstance(self.expression, ir.Change) else (self.answer,)
        for part, text in enumerate(parts):
            shown = view.turn.tool == text or (len(text) >= 4 and view.has(text, "/arguments", "/response"))
            for field in fields[part : part + 1]:
                key = escape_token(field.extract.key) if field.extract and field.extract.key else key_of(field.path)
                shown |= f"\x1e{key}\x1f{text}\x1e" in view.text or view.read(field)[0] == text
            if not shown:
                return False
        return True

    def _found_first(self) -> View:
        """Return the turn that BM25 (k1 = 1.2, b = 0.75) ranks first for the question."""
        (index, lengths), size = self.session.words, len(self.views)
        scores, mean = [0.0] * size, max(1, sum(lengths[:size])) / size
        for word in dict.fromkeys(re.findall(r"[^\W_]+", self.claim.question.lower())):
            found = index.get(word, array("l"))
            pairs = [(at, count) for at, count in zip(found[::2], found[1::2], strict=True) if at < size]
            rarity = math.log(1 + (size - len(pairs) + 0.5) / (len(pairs) + 0.5))
            for at, count in pairs:
                scores[at] += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[at] / mean))
        return self.views[scores.index(max(scores))]

    def causal(self) -> Faults:
        """Ask that the answer follows its source and its bridges, and nothing else."""
        yield next(self.source_edits(), None) is None, "the answer does not follow an edit of where it was read"
        for node, condition, _, text, source in self.bridges:
            led = next(self.reroutes(node, condition, source), None)
            yield led is None, f"no other value at turn {source[0]} leads to another answer"
            renamed = [edit for view in self.views if text in view.text for edit in rename(view, text, fresh(text))]
            yield self.after(renamed).answer != self.answer, f"the bridge of turn {source[0]} cannot have another name"
        chance = Random(ir.encode(self.program))  # noqa: S311  (reproducible, no secret)
        others = [view for view in self.views if view.index not in self.base.read]
        for view in chance.choices(others, k=20) if others else ():
            path, text, _ = chance.choice(list(view.leaves()))
            changed = self.after([write(view, path, fresh(text))]).answer != self.answer
            yield changed, f"an edit of turn {view.index}, which is not read, changes the answer"

    def source_edits(self) -> Iterator[tuple[list[Edit], str]]:
        """Yield edits where the answer was read, each with the answer that must and does follow."""
        texts = self.base.texts
        for at, (text, (turn, path, span)) in enumerate(zip(texts, self.base.sources, strict=True)):
            view = self.at[turn]
            values = [fresh(text), fresh(text, -1), texts[at - 1]]
            tries = [
                ([write(view, path, v, span)], combine(self.expression, [*texts[:at], v, *texts[at + 1 :]])) for v in values
            ]
            if isinstance(self.expression, ir.Count):  # one call less fits
                named = [c for c in self.nodes[self.expression.calls].where if literal(c)][-1:]
                edits = [edit for c in named for edit in rename(view, literal(c), fresh(literal(c)), c.path)]
                tries = [(edits or tries[0][0], str(len(texts) - 1))]
            for edits, expected in tries:
                new = self.after(edits).answer
                follows = new == expected or isinstance(self.expression, ir.Walk)  # a walk may no longer reach the call
                if follows and new != self.answer and (new is not None or isinstance(self.expression, ir.Walk)):
                    yield edits, new or ""

    def reroutes(self, node: ir.Call, condition: ir.Condition, source: Source) -> Iterator[tuple[list[Edit], str]]:
        """Yield edits of a bridge's producer that lead the consumer to another call, each with the answer to that call's."""
        picked = self.base.picked[node.name]
        others = [view for view in self.pool if view.index not in picked and view.fits(node, {})]
        for view in islice(others, 64):
            forced = None if node.pick == "all" else self.forced(node.name, [view])[0]
            for _, text, _ in islice(view.leaves(condition.path), 64) if forced != self.answer else ():
                edits = [write(self.at[source[0]], source[1], text, source[2])]
                outcome = self.after(edits)
                led = node.pick == "all" or (outcome.answer == forced and outcome.picked[node.name] == (view.index,))
                if led and outcome.answer not in (None, self.answer):
                    yield edits, outcome.answer or ""


def literal(condition: ir.Condition) -> str:
    """Return the text that a condition names, empty where it has a bridge."""
    return condition.value.value if isinstance(condition.value, ir.Literal) else ""


def tokens(text: str) -> list[str]:
    """Split a text, case folded, at everything that is no letter or digit and where a capital follows a small letter."""
    spaced = (
        " " + c if c.isupper() and p.islower() else c if c.isalnum() else " " for p, c in zip(" " + text, text, strict=False)
    )
    return "".join(spaced).casefold().split()


def contains(words: list[str], part: list[str]) -> bool:
    """Say whether `part` occurs in `words` in one piece."""
    return bool(part) and any(words[at : at + len(part)] == part for at in range(len(words)))
