"""The support desk: tickets, devices, credits."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.desk import pounds
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, at_once, call, failed, refusal, side_by_side
from trajectory_compiler.demo.world import World

NEXT_STATUS = {"open": "in progress", "in progress": "waiting", "waiting": "resolved", "resolved": "closed", "closed": "open"}


def search_tickets(world: World, subject: str) -> Response:
    """Tool: the five newest tickets with these words in their subject."""
    found = [t for t in reversed(world.tickets.values()) if subject in t.subject and t.status != "closed"][:5]
    return {"tickets": [{"ticket_id": t.ticket_id, "status": t.status, "opened": t.opened} for t in found]}


def get_ticket(world: World, ticket_id: str) -> Response:
    """Tool: a ticket by id."""
    ticket = world.tickets.get(ticket_id)
    if ticket is None:
        return refusal("not_found", "no such ticket")
    world.meet("ticket", ticket_id)
    return {
        "ticket_id": ticket.ticket_id,
        "subject": ticket.subject,
        "status": ticket.status,
        "priority": ticket.priority,
        "assignee": ticket.assignee,
        "customer_number": ticket.customer_number,
        "device_serial": ticket.serial,
        "comments": len(ticket.comments),
        "last_comment": ticket.comments[-1] if ticket.comments else None,
    }


def get_device(world: World, device_serial: str) -> Response:
    """Tool: a telephone by its serial number."""
    device = world.devices[device_serial]
    world.meet("device", device_serial)
    return {
        "device_serial": device.serial,
        "model": device.model,
        "firmware": device.firmware,
        "site": device.site,
        "warranty_until": device.warranty_until,
    }


def update_firmware(world: World, device_serial: str, model: str) -> Response:
    """Tool: update a telephone; the model must be the one on the label."""
    device = world.devices[device_serial]
    if device.model != model:
        return "Error: image does not fit this device\nexpected model: " + device.model
    before, device.firmware = device.firmware, f"6.{world.dice.integer(0, 4)}.{world.dice.integer(0, 9)}"
    return f"flashing {device_serial}\nprevious firmware: {before}\ninstalled firmware: {device.firmware}\nexit code: 0"


def update_ticket(world: World, ticket_id: str, status: str) -> Response:
    """Tool: move a ticket on. A ticket is not closed before it is resolved."""
    ticket = world.tickets[ticket_id]
    if status == "closed" and ticket.status != "resolved":
        return refusal("invalid_transition", f"a ticket that is {ticket.status} cannot be closed")
    before, ticket.status = ticket.status, status
    return {"ticket_id": ticket_id, "status": status, "previous_status": before}


def assign_ticket(world: World, ticket_id: str, assignee: str) -> Response:
    """Tool: give a ticket to somebody who is here."""
    if world.people[assignee].away_until:
        return refusal("assignee_away", f"{assignee} is away until {world.people[assignee].away_until}")
    before, world.tickets[ticket_id].assignee = world.tickets[ticket_id].assignee, assignee
    return {"ticket_id": ticket_id, "assignee": assignee, "previous_assignee": before}


def add_comment(world: World, ticket_id: str, text: str) -> Response:
    """Tool: write under a ticket."""
    ticket = world.tickets[ticket_id]
    ticket.comments.append(text)
    return {"ticket_id": ticket_id, "comments": len(ticket.comments)}


def issue_credit(world: World, account_id: str, amount: float) -> Response:
    """Tool: credit an account, up to the agent's limit for its tier."""
    account = world.accounts[account_id]
    limit = {"bronze": 20, "silver": 45, "gold": 80, "platinum": 150}[account.tier]
    if amount > limit:
        return refusal("permission_denied", f"credits for {account.tier} accounts end at {limit} pounds")
    account.balance += int(amount * 100)
    return {
        "credit_note": world.new_id("CN", 2_400),
        "account_id": account_id,
        "amount": amount,
        "balance": pounds(account.balance),
    }


def credit_for_outage(world: World) -> Steps:
    """Credit an account for an outage: the first amount may be above what an agent may give."""
    ticket = world.new_ticket()
    found = yield call("search_tickets", subject=ticket.subject)
    shown = yield call("get_ticket", ticket_id=found["tickets"][0]["ticket_id"])
    customer = yield call("get_customer", customer_number=shown["customer_number"])
    account = yield call("get_account", account_id=customer["account_id"])
    for amount in sorted((world.dice.integer(10, 60), world.dice.integer(40, 160)), reverse=True):
        given = yield call("issue_credit", account_id=account["account_id"], amount=amount)
        if not failed(given):
            text = f"Credited {given['amount']} pounds, credit note {given['credit_note']}."
            yield call("add_comment", ticket_id=shown["ticket_id"], text=text)
            break
    yield call("update_ticket", ticket_id=shown["ticket_id"], status=NEXT_STATUS[shown["status"]])


def flash_device(world: World) -> Steps:
    """Update old firmware, with the model from the device's own record after a wrong guess, and look again."""
    subject = world.new_ticket().subject
    found = yield call("search_tickets", subject=subject)
    shown = yield call("get_ticket", ticket_id=found["tickets"][0]["ticket_id"])
    customer = yield call("get_customer", customer_number=shown["customer_number"])
    guess = world.dice.pick(names.DEVICES)
    tried = yield call("update_firmware", device_serial=shown["device_serial"], model=guess)
    device = yield call("get_device", device_serial=shown["device_serial"])
    if failed(tried):
        yield call("update_firmware", device_serial=device["device_serial"], model=device["model"])
    yield call(
        "send_mail",
        to=customer["email"],
        subject="Your telephone",
        body=f"The {device['model']} in {device['site']} is updated.",
    )
    yield call("get_device", device_serial=shown["device_serial"])


def escalate(world: World) -> Steps:
    """Give a ticket to its assignee's manager; if the manager is away, to the deputy of the manager."""
    subject = world.dice.pick(names.SUBJECTS)
    for _ in range(world.dice.integer(1, 3)):
        world.new_ticket(subject=subject)
    found = yield call("search_tickets", subject=subject)
    shown = yield call("get_ticket", ticket_id=found["tickets"][-1]["ticket_id"])
    assignee = yield call("find_person", name=shown["assignee"])
    given = yield call("assign_ticket", ticket_id=shown["ticket_id"], assignee=assignee["manager"])
    if failed(given):
        manager = yield call("find_person", name=assignee["manager"])
        if "deputy" in manager:
            given = yield call("assign_ticket", ticket_id=shown["ticket_id"], assignee=manager["deputy"])
    closed = yield call("update_ticket", ticket_id=shown["ticket_id"], status="closed")
    if failed(closed):
        yield call("update_ticket", ticket_id=shown["ticket_id"], status="in progress")


def sweep_queue(world: World) -> Steps:
    """Read the tickets about one complaint and the devices behind them, looking for the oldest warranty."""
    subject = world.dice.pick(names.SUBJECTS)
    for _ in range(world.dice.integer(3, 5)):
        world.new_ticket(subject=subject)
    found = yield call("search_tickets", subject=subject)
    oldest: Response = None
    for place, item in enumerate(found["tickets"]):
        read = at_once if place == 2 and world.dice.chance(0.15) else call
        shown = yield read("get_ticket", ticket_id=item["ticket_id"])
        device = yield call("get_device", device_serial=shown["device_serial"])
        if oldest is None or device["warranty_until"] < oldest["warranty_until"]:
            oldest = device | {"ticket_id": shown["ticket_id"]}
    yield call("add_comment", ticket_id=oldest["ticket_id"], text=f"Oldest warranty: {oldest['model']} in {oldest['site']}.")


def look_again(world: World) -> Steps:
    """Come back to tickets met before: customers answered, colleagues took over."""
    for ticket_id in world.met("ticket")[-4:]:
        shown = yield call("get_ticket", ticket_id=ticket_id)
        if shown["status"] == "resolved":
            yield call("update_ticket", ticket_id=ticket_id, status="closed")


def two_at_once(world: World) -> Steps:
    """Handle a credit and a firmware update, in turns."""
    yield from side_by_side(credit_for_outage(world), flash_device(world))


def drift(world: World) -> None:
    """Let other people work: a ticket moves on, changes hands or priority, gets a comment."""
    if not world.tickets:
        return
    ticket = world.tickets[world.some("ticket", list(world.tickets))]
    move = world.dice.integer(0, 3)
    if move == 0:
        ticket.status = NEXT_STATUS[ticket.status]
    elif move == 1:
        ticket.assignee = world.staff()
    elif move == 2:
        ticket.priority = world.dice.other(("low", "normal", "high", "urgent"), ticket.priority)
    else:
        ticket.comments.append(
            world.dice.pick(("Customer called back.", "Sent a replacement.", "Waiting for the carrier.", "Works now."))
        )


TOOLS: dict[str, Tool] = {
    "search_tickets": search_tickets,
    "get_ticket": get_ticket,
    "get_device": get_device,
    "update_firmware": update_firmware,
    "update_ticket": update_ticket,
    "assign_ticket": assign_ticket,
    "add_comment": add_comment,
    "issue_credit": issue_credit,
}
EPISODES: tuple[Episode, ...] = (credit_for_outage, flash_device, escalate, sweep_queue, look_again, two_at_once)
BRIEF: tuple[Episode, ...] = (credit_for_outage, flash_device, escalate)
