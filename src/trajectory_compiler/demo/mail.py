"""Mail triage: read what came in, find whom it concerns, answer, file."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.desk import pounds
from trajectory_compiler.demo.simulation import (
    Episode,
    Response,
    Steps,
    Tool,
    at_once,
    call,
    failed,
    line,
    refusal,
    side_by_side,
)
from trajectory_compiler.demo.world import World

TOPICS = (
    "change of address",
    "extra lines",
    "contract renewal",
    "cancelled order",
    "opening hours",
    "new bank details",
    "site move",
)
LABELS = ("sales", "billing", "support", "legal", "waiting", "done")
ROOMS = ("Alder room", "Beech room", "Cedar room", "Damson room")


def get_calendar(world: World, person: str) -> Response:
    """Tool: when somebody is free, and where."""
    slots = [
        {"date": world.date(days), "start": f"{hour:02d}:{world.dice.pick((0, 15, 30)):02d}", "room": world.dice.pick(ROOMS)}
        for days, hour in ((1, world.dice.integer(8, 11)), (2, world.dice.integer(9, 16)), (4, world.dice.integer(9, 16)))
    ]
    return {"person": person, "free": slots}


def book_meeting(world: World, person: str, date: str, start: str, room: str) -> Response:
    """Tool: book a room. The early bird often finds it taken."""
    if date == world.date(1) and world.dice.chance(0.7):
        return refusal("room_taken", f"{room} is taken at this time")
    return {"booking": world.new_id("BK", 3_300), "person": person, "date": date, "start": start, "room": room}


def arrive_request(world: World, topic: str) -> None:
    """Let a customer write, naming the customer number deep in the text."""
    customer = world.dice.pick(list(world.customers.values()))
    world.receive_mail(
        customer.email,
        f"{topic} - {customer.company}",
        (
            "Good morning,",
            world.dice.pick(
                ("we wrote last week and heard nothing.", "could somebody look at this soon?", "this is about our contract.")
            ),
            f"Customer number: {customer.customer_number}",
            f"Wanted by: {world.date(world.dice.integer(3, 30))}",
            f"Lines affected: {world.dice.integer(1, 24)}",
            f"Kind regards, {customer.contact}",
        ),
    )


def route_request(world: World) -> Steps:
    """Pass a request on to the account manager of the customer who wrote, or to the deputy."""
    topic = world.dice.pick(TOPICS)
    for _ in range(world.dice.integer(1, 3)):
        arrive_request(world, topic)
    found = yield call("search_mail", query=topic)
    mail_id = found["mails"][0]["mail_id"]
    text = yield call("read_mail", mail_id=mail_id)
    customer = yield call("get_customer", customer_number=line(text, "Customer number"))
    account = yield call("get_account", account_id=customer["account_id"])
    manager = yield call("find_person", name=account["account_manager"])
    to = manager["email"]
    if "deputy" in manager:
        deputy = yield call("find_person", name=manager["deputy"])
        to = deputy["email"]
    yield call(
        "send_mail", to=to, subject=f"{topic}: {customer['company']}", body=f"Please answer by {line(text, 'Wanted by')}."
    )
    yield call("label_mail", mail_id=mail_id, label=world.dice.pick(LABELS))


def compare_quotes(world: World) -> Steps:
    """Read what suppliers quote for the same goods; the lowest price gets the order."""
    goods = world.dice.pick(names.GOODS)
    asked = world.dice.integer(4, 60)
    for supplier in world.dice.draw(names.SUPPLIERS, world.dice.integer(4, 5)):
        world.receive_mail(
            f"quotes@{names.slug(supplier)}.test",
            f"Quote for {asked} {goods}",
            (
                f"{supplier} is pleased to quote as follows.",
                f"Quote reference: {world.new_id('Q', 6_600)}",
                f"Total price: {pounds(world.dice.integer(400, 3_900) * 100)}",
                f"Delivery days: {world.dice.integer(2, 28)}",
                f"In stock: {world.dice.integer(0, 90)}",
                f"Terms: {world.dice.pick(('30 days', '14 days', 'prepaid', '60 days'))}",
            ),
        )
    found = yield call("search_mail", query=f"quote for {asked} {goods}")
    offers: list[tuple[float, str, str]] = []
    for place, mail in enumerate(found["mails"]):
        read = at_once if place == 1 and world.dice.chance(0.2) else call
        text = yield read("read_mail", mail_id=mail["mail_id"])
        offers.append((float(line(text, "Total price")), line(text, "Quote reference"), mail["sender"]))
    _, reference, sender = min(offers)
    yield call("send_mail", to=sender, subject=f"Order for {asked} {goods}", body=f"We accept your quote {reference}.")
    for mail in found["mails"][:2]:
        yield call("label_mail", mail_id=mail["mail_id"], label="done")


def arrange_meeting(world: World) -> Steps:
    """Book a meeting that somebody asks for; the first room is often taken, the next one works."""
    wanted = world.staff()
    guest = world.person_name()
    topic = world.dice.pick(("site survey", "price review", "audit questions", "porting plan", "training day"))
    world.receive_mail(
        f"{names.slug(guest).split('-')[0]}@{names.slug(world.dice.pick(names.FIRM_FIRST))}.example.com",
        f"Meeting about the {topic}",
        (
            f"Dear all, could I meet somebody about the {topic}?",
            f"Person: {wanted}",
            f"Guests: {world.dice.integer(1, 6)}",
            guest,
        ),
    )
    found = yield call("search_mail", query=f"about the {topic}")
    text = yield call("read_mail", mail_id=found["mails"][0]["mail_id"])
    person = line(text, "Person")
    calendar = yield call("get_calendar", person=person)
    who = yield call("find_person", name=person)
    for slot in calendar["free"]:
        booked = yield call("book_meeting", person=person, date=slot["date"], start=slot["start"], room=slot["room"])
        if not failed(booked):
            yield call(
                "send_mail",
                to=who["email"],
                subject=f"Booked: {topic}",
                body=f"{booked['booking']} in the {booked['room']} on {booked['date']}",
            )
            break


def answer_directly(world: World) -> Steps:
    """Answer by a shared mailbox, which is refused; then to the person who wrote."""
    topic = world.dice.pick(TOPICS)
    arrive_request(world, topic)
    found = yield call("search_mail", query=topic)
    text = yield call("read_mail", mail_id=found["mails"][0]["mail_id"])
    subject = f"Re: {line(text, 'Subject')}"
    body = f"We will be with you by {line(text, 'Wanted by')}."
    tried = yield call("send_mail", to=f"team@{names.OWN_DOMAIN}", subject=subject, body=body)
    customer = yield call("get_customer", customer_number=line(text, "Customer number"))
    if failed(tried):
        yield call("send_mail", to=customer["email"], subject=subject, body=body)


def two_requests(world: World) -> Steps:
    """Handle two requests, call by call in turns."""
    yield from side_by_side(route_request(world), route_request(world))


TOOLS: dict[str, Tool] = {"get_calendar": get_calendar, "book_meeting": book_meeting}
EPISODES: tuple[Episode, ...] = (route_request, compare_quotes, arrange_meeting, answer_directly, two_requests)
BRIEF: tuple[Episode, ...] = (route_request, arrange_meeting, answer_directly)
