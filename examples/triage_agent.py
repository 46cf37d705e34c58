"""An agent that mends a repository by rule, really, on this machine, and records what it does in a ledger.

    python -m examples.triage_agent --folder triage --sessions 6
    trajc compile triage/ledger.db

It needs no model: what a call returns decides what it does next. In each session it takes the open tickets, finds out what the
policy wants, edits the file, commits, opens a review and closes the ticket. To record all that, it takes the lines that say
`recorder`.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path
from typing import Any

from examples.workshop import Workshop
from trajectory_compiler.ledger import Recorder, RecorderOptions


class Agent:
    """Works through tickets. Its tools are the workshop's, each wrapped by the recorder."""

    def __init__(self, shop: Workshop, recorder: Recorder, seed: int) -> None:
        self._chance = random.Random(seed)
        self.list_tickets, self.get_ticket = recorder.tool(shop.list_tickets), recorder.tool(shop.get_ticket)
        self.get_policy, self.get_part = recorder.tool(shop.get_policy), recorder.tool(shop.get_part)
        self.get_person, self.run_check = recorder.tool(shop.get_person), recorder.tool(shop.run_check)
        self.read_file, self.edit_file = recorder.tool(shop.read_file), recorder.tool(shop.edit_file)
        self.commit, self.show_revision = recorder.tool(shop.commit), recorder.tool(shop.show_revision)
        self.open_review, self.close_ticket = recorder.tool(shop.open_review), recorder.tool(shop.close_ticket)

    def work(self) -> int:
        """Mend everything that is open and return how many tickets were closed."""
        tickets = [self.get_ticket(each["ticket"]) for each in self._shuffled(self.list_tickets("open"))]
        broken = [ticket for ticket in self._shuffled(tickets) if not self._passes(ticket)]
        policies = {ticket["ticket"]: self.get_policy(ticket["policy"]) for ticket in self._shuffled(broken)}
        wanted = {ticket["ticket"]: self._wanted(policies[ticket["ticket"]]) for ticket in self._shuffled(broken)}
        parts = {ticket["ticket"]: self.get_part(ticket["part"]) for ticket in self._shuffled(broken)}
        revisions = {}
        for ticket in self._shuffled(broken):
            number = ticket["ticket"]
            self._edit(ticket, parts[number]["file"], wanted[number])
            if self._passes(ticket):
                revisions[number] = self._commit(ticket, parts[number])
        for number, revision in self._shuffled(list(revisions.items())):
            self.open_review(number, parts[number]["owner"], revision)
        for number, revision in self._shuffled(list(revisions.items())):
            if parts[number]["file"] in self.show_revision(revision)["files"]:
                self.close_ticket(number, revision)
        return len(revisions)

    def _passes(self, ticket: dict[str, Any]) -> bool:
        passed: bool = self.run_check(ticket["part"], ticket["setting"], ticket["policy"])["passed"]
        return passed

    def _wanted(self, policy: dict[str, Any]) -> str:
        found = re.search(r"must be (\d+)", self.read_file(policy["document"]))
        if found is None:
            raise ValueError(policy["policy"])
        return found[1]

    def _edit(self, ticket: dict[str, Any], path: str, wanted: str) -> None:
        line = re.search(rf"^{ticket['setting']} = .*$", self.read_file(path), re.MULTILINE)
        if line is not None:
            self.edit_file(path, line[0], f"{ticket['setting']} = {wanted}")

    def _commit(self, ticket: dict[str, Any], part: dict[str, Any]) -> str:
        message = f"{ticket['ticket']}: {ticket['setting']} as {ticket['policy']} wants it"
        try:
            made = self.commit(part["file"], message)
        except PermissionError:  # the hook wants an approval: find out whose
            approver = self.get_person(part["approver"])
            made = self.commit(part["file"], f"{message}\n\nApproved-by: {approver['name']}")
        revision: str = made["revision"]
        return revision

    def _shuffled(self, items: list[Any]) -> list[Any]:
        return self._chance.sample(items, len(items))


def main() -> None:
    """Make a workshop, let the agent work in it for some sessions, and say where the ledger is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("triage"), help="a new folder to work in")
    parser.add_argument("--sessions", type=int, default=6)
    parser.add_argument("--faults", type=int, default=5, help="tickets a session")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    ledger = options.folder / "ledger.db"
    shop = Workshop(options.folder, options.seed)
    with Recorder(str(ledger), agent="triage", options=RecorderOptions(spool=str(options.folder / "spool"))) as recorder:
        agent = Agent(shop, recorder, options.seed)
        closed = 0
        for number in range(1, options.sessions + 1):
            shop.plant_faults(options.faults)
            with recorder.session(f"triage-{number}"):
                closed += agent.work()
        status = recorder.flush(committed=True)
    print(f"{closed} tickets closed in {options.sessions} sessions; {status.committed} calls recorded in {ledger}")


if __name__ == "__main__":
    main()
