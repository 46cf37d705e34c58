"""Telephony set-up: what a site still lacks stands in mails, carrier orders, shell output and tickets far apart."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.entities import CarrierOrder, Number, Trunk
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, line, refusal, side_by_side
from trajectory_compiler.demo.world import World


def prepare_site(world: World) -> Trunk:
    """Order a trunk for a site: the carrier writes, a ticket is opened, numbers wait."""
    site, carrier = world.dice.pick(names.SITES), world.dice.pick(names.CARRIERS)
    trunk = Trunk(
        trunk_id=world.new_id("TRK", 300),
        carrier=carrier,
        site=site,
        codec=world.dice.pick(names.CODECS),
        channels=world.dice.integer(2, 16) * 2,
        state="unregistered",
        credentials="missing",
        gateway=f"gw{world.dice.integer(1, 30)}.{names.slug(carrier)}.test",
    )
    order = CarrierOrder(
        order_reference=world.new_id("ORD", 44_000),
        carrier=carrier,
        trunk_id=trunk.trunk_id,
        status=world.dice.pick(("accepted", "in build", "ready for test")),
        go_live=world.date(world.dice.integer(4, 40)),
        contact=world.person_name(),
    )
    world.trunks[trunk.trunk_id] = trunk
    world.carrier_orders[order.order_reference] = order
    for _ in range(world.dice.integer(1, 3)):
        number = Number(number=world.phone(), site=site, status="porting", trunk_id="", carrier=carrier)
        world.numbers[number.number] = number
    world.receive_mail(
        f"orders@{names.slug(carrier)}.test",
        f"Your order for {site}",
        (
            f"Order reference: {order.order_reference}",
            f"Channels: {trunk.channels}",
            f"Planned go-live: {order.go_live}",
            f"Credentials: sent separately to {order.contact}",
        ),
    )
    world.new_ticket(subject=f"{site}: telephony set-up")
    return trunk


def list_numbers(world: World, site: str) -> Response:
    """Tool: the numbers of a site, the newest first."""
    found = [n for n in reversed(world.numbers.values()) if n.site == site][:5]
    return {"site": site, "numbers": [{"number": n.number, "status": n.status} for n in found]}


def get_number(world: World, number: str) -> Response:
    """Tool: where a number rings."""
    entry = world.numbers[number]
    world.meet("number", number)
    return {
        "number": entry.number,
        "site": entry.site,
        "status": entry.status,
        "trunk_id": entry.trunk_id or None,
        "carrier": entry.carrier,
    }


def get_order(world: World, order_reference: str) -> Response:
    """Tool: an order at a carrier."""
    order = world.carrier_orders[order_reference]
    world.meet("order", order_reference)
    return {
        "order_reference": order.order_reference,
        "carrier": order.carrier,
        "trunk_id": order.trunk_id,
        "status": order.status,
        "go_live": order.go_live,
        "contact": order.contact,
    }


def run_shell(world: World, command: str) -> Response:
    """Tool: a shell on the switch; `sipctl show TRUNK` and `sipctl register TRUNK` are what it is used for."""
    _, action, identifier = command.split()
    trunk = world.trunks.get(identifier)
    if trunk is None:
        return f"sipctl: error: unknown trunk {identifier}\nexit code: 2"
    world.meet("trunk", identifier)
    if action == "register":
        head = f"registering {identifier} at {trunk.gateway}"
        if trunk.credentials != "installed":
            return f"{head}\nerror: 401 unauthorised, credentials {trunk.credentials}\nexit code: 1"
        trunk.state = "registered"
        return f"{head}\nstate: registered\nround trip: {world.dice.integer(8, 60)} ms\nexit code: 0"
    rows = (
        f"trunk: {trunk.trunk_id}",
        f"gateway: {trunk.gateway}",
        f"state: {trunk.state}",
        f"codec: {trunk.codec}",
        f"channels: {trunk.channels}",
        f"credentials: {trunk.credentials}",
        "exit code: 0",
    )
    return "\n".join(rows)


def request_credentials(world: World, trunk_id: str, contact: str) -> Response:
    """Tool: ask the carrier's contact for a trunk's credentials; only the order's own contact may be asked."""
    trunk = world.trunks[trunk_id]
    order = next(o for o in world.carrier_orders.values() if o.trunk_id == trunk_id)
    if contact != order.contact:
        return refusal("permission_denied", f"{contact} is not the contact of this order")
    trunk.credentials = "requested"
    world.receive_mail(
        f"security@{names.slug(trunk.carrier)}.test",
        f"Access for {trunk_id}",
        (f"Vault entry: {world.new_id('VLT', 7_700)}", f"Valid until: {world.date(world.dice.integer(60, 400))}"),
    )
    return {"trunk_id": trunk_id, "credentials": "requested", "carrier_case": world.new_id("CASE", 5_500)}


def install_credentials(world: World, trunk_id: str, vault_entry: str) -> Response:
    """Tool: install what the vault holds on the switch."""
    world.trunks[trunk_id].credentials = "installed"
    return {"trunk_id": trunk_id, "vault_entry": vault_entry, "credentials": "installed"}


def assign_number(world: World, number: str, trunk_id: str) -> Response:
    """Tool: let a number ring on a trunk, once the trunk is registered."""
    trunk, entry = world.trunks[trunk_id], world.numbers[number]
    if trunk.state != "registered":
        return refusal("trunk_not_ready", f"{trunk_id} is {trunk.state}")
    entry.trunk_id, entry.status = trunk_id, "live"
    return {"number": number, "trunk_id": trunk_id, "status": "live"}


def set_codec(world: World, trunk_id: str, codec: str) -> Response:
    """Tool: choose how a trunk encodes speech."""
    before, world.trunks[trunk_id].codec = world.trunks[trunk_id].codec, codec
    return {"trunk_id": trunk_id, "codec": codec, "previous_codec": before}


def start_test_call(world: World, number: str) -> Response:
    """Tool: ring a number and measure."""
    entry = world.numbers[number]
    if entry.status != "live":
        return f"Error: {number} is {entry.status}, no route"
    quality = world.dice.integer(28, 45) / 10
    return {"number": number, "answered": True, "speech_quality": quality, "carrier": entry.carrier, "trunk_id": entry.trunk_id}


def bring_site_live(world: World) -> Steps:
    """Go from the carrier's mail to a ringing number: order, trunk, credentials, registration, assignment, test."""
    site = prepare_site(world).site
    found = yield call("search_mail", query=f"order for {site}")
    text = yield call("read_mail", mail_id=found["mails"][0]["mail_id"])
    order = yield call("get_order", order_reference=line(text, "Order reference"))
    trunk = order["trunk_id"]
    shown = yield call("run_shell", command=f"sipctl show {trunk}")
    tickets = yield call("search_tickets", subject=f"{site}: telephony set-up")
    ticket = yield call("get_ticket", ticket_id=tickets["tickets"][0]["ticket_id"])
    tried = yield call("run_shell", command=f"sipctl register {trunk}")
    if line(tried, "exit code") != "0" and line(shown, "credentials") == "missing":
        asked = yield call("request_credentials", trunk_id=trunk, contact=ticket["assignee"])
        if failed(asked):
            asked = yield call("request_credentials", trunk_id=trunk, contact=order["contact"])
        access = yield call("search_mail", query=f"access for {trunk}")
        secret = yield call("read_mail", mail_id=access["mails"][0]["mail_id"])
        yield call("install_credentials", trunk_id=trunk, vault_entry=line(secret, "Vault entry"))
        yield call("run_shell", command=f"sipctl register {trunk}")
    listed = yield call("list_numbers", site=site)
    number = listed["numbers"][0]["number"]
    yield call("get_number", number=number)
    yield call("assign_number", number=number, trunk_id=trunk)
    call_made = yield call("start_test_call", number=number)
    if not failed(call_made) and call_made["speech_quality"] < 3.6:
        yield call("set_codec", trunk_id=trunk, codec=world.dice.other(names.CODECS, line(shown, "codec")))
        yield call("start_test_call", number=number)
    yield call("update_ticket", ticket_id=ticket["ticket_id"], status="resolved")


def ask_for_status(world: World) -> Steps:
    """Look at one site: the carrier's mail, the order, the switch; note it in the ticket."""
    site = prepare_site(world).site
    found = yield call("search_mail", query=f"order for {site}")
    text = yield call("read_mail", mail_id=found["mails"][0]["mail_id"])
    order = yield call("get_order", order_reference=line(text, "Order reference"))
    tickets = yield call("search_tickets", subject=f"{site}: telephony set-up")
    shown = yield call("run_shell", command=f"sipctl show {order['trunk_id']}")
    comment = f"Credentials {line(shown, 'credentials')}, go-live {order['go_live']}."
    yield call("add_comment", ticket_id=tickets["tickets"][0]["ticket_id"], text=comment)


def move_number(world: World) -> Steps:
    """Let a number ring somewhere else: the first trunk may not be ready, another one is."""
    if not world.met("trunk") or not world.met("number"):
        return
    number = world.dice.pick(world.met("number"))
    before = yield call("get_number", number=number)
    for trunk in world.dice.draw(world.met("trunk"), 3):
        moved = yield call("assign_number", number=before["number"], trunk_id=trunk)
        if not failed(moved):
            break
    yield call("run_shell", command=f"sipctl show {trunk}")
    yield call("get_number", number=number)


def look_again(world: World) -> Steps:
    """Come back to orders, trunks and numbers met before."""
    for reference in world.met("order")[-2:]:
        order = yield call("get_order", order_reference=reference)
        yield call("run_shell", command=f"sipctl show {order['trunk_id']}")
    for number in world.met("number")[-3:]:
        yield call("get_number", number=number)


def two_sites(world: World) -> Steps:
    """Work on two sites, in turns."""
    yield from side_by_side(bring_site_live(world), ask_for_status(world))


def drift(world: World) -> None:
    """Let carriers move their orders, trunks lose registration, numbers move to other sites."""
    if not world.trunks:
        return
    order = world.carrier_orders[world.some("order", list(world.carrier_orders))]
    order.status = world.dice.pick(("in build", "ready for test", "delayed", "live"))
    if world.dice.chance(0.4):
        order.go_live = world.date(world.dice.integer(2, 50))
    trunk = world.trunks[world.some("trunk", list(world.trunks))]
    if trunk.state == "registered" and world.dice.chance(0.3):
        trunk.state = "unreachable"
    elif world.dice.chance(0.4):
        trunk.channels += 2
    number = world.numbers[world.some("number", list(world.numbers))]
    if world.dice.chance(0.3):
        number.site = world.dice.other(names.SITES, number.site)


TOOLS: dict[str, Tool] = {
    "list_numbers": list_numbers,
    "get_number": get_number,
    "get_order": get_order,
    "run_shell": run_shell,
    "request_credentials": request_credentials,
    "install_credentials": install_credentials,
    "assign_number": assign_number,
    "set_codec": set_codec,
    "start_test_call": start_test_call,
}
EPISODES: tuple[Episode, ...] = (bring_site_live, ask_for_status, move_number, look_again, two_sites)
BRIEF: tuple[Episode, ...] = (ask_for_status,)
