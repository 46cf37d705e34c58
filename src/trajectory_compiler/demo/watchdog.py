"""The watchdog: looks at services around the clock, follows alerts to their runbooks, restarts, pages people."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.entities import Alert, Service
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, line, refusal, side_by_side
from trajectory_compiler.demo.world import World

RULES = ("error rate", "queue depth", "instances down", "disk full", "certificate ends")
ACTIONS = ("restart the service", "scale out", "drain the queue", "renew the certificate", "page the team")


def _service(world: World, name: str) -> Service:
    """Return a service; it gets its numbers when somebody first looks."""
    if name not in world.services:
        world.services[name] = Service(
            name=name,
            host=f"{world.dice.pick(('ash', 'elm', 'fir', 'oak', 'yew'))}{world.dice.integer(1, 40):02d}.{names.OWN_DOMAIN}",
            status="healthy",
            release=f"{world.dice.integer(1, 6)}.{world.dice.integer(0, 30)}",
            team=world.dice.pick(names.TEAMS),
            error_rate=world.dice.integer(0, 9),
            queue_depth=world.dice.integer(0, 60),
            instances=world.dice.integer(2, 9),
        )
    return world.services[name]


def check_service(world: World, service: str) -> Response:
    """Tool: how a service is."""
    found = _service(world, service)
    world.meet("service", service)
    return {
        "service": found.name,
        "status": found.status,
        "release": found.release,
        "host": found.host,
        "error_rate": found.error_rate / 10,
        "queue_depth": found.queue_depth,
        "instances": found.instances,
    }


def get_host(world: World, host: str) -> Response:
    """Tool: the machine under a service."""
    return {
        "host": host,
        "cpu_percent": world.dice.integer(3, 97),
        "memory_percent": world.dice.integer(20, 96),
        "disk_percent": world.dice.integer(30, 99),
        "open_connections": world.dice.integer(10, 2_400),
    }


def read_log(world: World, service: str) -> Response:
    """Tool: the last lines of a service's log."""
    found = _service(world, service)
    rows = [f"service: {found.name}", f"release: {found.release}", f"workers: {found.instances}"]
    if found.status != "healthy":
        cause = world.dice.pick(
            ("upstream timed out", "connection refused", "certificate expired", "out of file handles", "lock wait")
        )
        rows.append(f"error: {cause} after {world.dice.integer(2, 90)} attempts")
    rows.append(f"requests: {world.dice.integer(100, 90_000)}")
    return "\n".join(rows)


def list_alerts(world: World, severity: str) -> Response:
    """Tool: what fires."""
    found = [a for a in reversed(world.alerts.values()) if a.severity == severity and a.state == "firing"][:4]
    return {"severity": severity, "alerts": [{"alert_id": a.alert_id, "service": a.service} for a in found]}


def get_alert(world: World, alert_id: str) -> Response:
    """Tool: an alert by id."""
    alert = world.alerts[alert_id]
    world.meet("alert", alert_id)
    return {
        "alert_id": alert.alert_id,
        "service": alert.service,
        "rule": alert.rule,
        "threshold": alert.threshold,
        "observed": alert.observed,
        "severity": alert.severity,
        "state": alert.state,
        "runbook": alert.runbook,
    }


def read_runbook(world: World, runbook: str) -> Response:
    """Tool: what to do, as text."""
    world.meet("runbook", runbook)
    place = sum(map(ord, runbook))
    rows = (
        f"action: {ACTIONS[place % len(ACTIONS)]}",
        f"team: {names.TEAMS[place % len(names.TEAMS)]}",
        f"wait minutes: {2 + place % 17}",
    )
    return "\n".join((f"# {runbook}", *rows))


def restart_service(world: World, service: str, change_ticket: str) -> Response:
    """Tool: restart a service, under a change ticket that is in progress."""
    ticket = world.tickets.get(change_ticket)
    if ticket is None or ticket.status != "in progress":
        return refusal("permission_denied", "a restart needs a change ticket that is in progress")
    found = _service(world, service)
    found.status, found.error_rate, found.queue_depth = "healthy", world.dice.integer(0, 5), world.dice.integer(0, 20)
    return {"service": service, "change_ticket": change_ticket, "instances": found.instances, "status": found.status}


def create_ticket(world: World, subject: str, assignee: str) -> Response:
    """Tool: open a change ticket."""
    ticket = world.new_ticket(subject=subject)
    ticket.assignee = assignee
    return {"ticket_id": ticket.ticket_id, "status": ticket.status, "assignee": ticket.assignee, "priority": ticket.priority}


def get_rota(world: World, team: str) -> Response:
    """Tool: who is on call for a team."""
    on_call = world.people[world.staff(team)]
    return {"team": team, "on_call": on_call.name, "until": world.date(world.dice.integer(1, 6)), "phone": world.phone()}


def send_page(world: World, person: str, text: str) -> Response:
    """Tool: wake somebody."""
    if world.people[person].away_until and world.dice.chance(0.8):
        return refusal("not_reachable", f"{person} is away until {world.people[person].away_until}")
    return {
        "page": world.new_id("PG", 9_100),
        "person": person,
        "subject": text,
        "acknowledged_after_minutes": world.dice.integer(1, 25),
    }


def resolve_alert(world: World, alert_id: str) -> Response:
    """Tool: mark an alert as dealt with."""
    world.alerts[alert_id].state = "resolved"
    return {"alert_id": alert_id, "state": "resolved"}


def patrol(world: World) -> Steps:
    """Look at some services; under the worst one, look at its host and its log."""
    worst: Response = None
    for name in world.dice.draw(names.SERVICES, world.dice.integer(3, 6)):
        found = yield call("check_service", service=name)
        if worst is None or found["error_rate"] > worst["error_rate"]:
            worst = found
    yield call("get_host", host=worst["host"])
    yield call("read_log", service=worst["service"])


def follow_alert(world: World) -> Steps:
    """Go from an alert to its runbook to a restart: without a change ticket it is refused, with one it works."""
    severity = world.dice.pick(("warning", "critical"))
    _fire(world, severity)
    listed = yield call("list_alerts", severity=severity)
    alert = yield call("get_alert", alert_id=listed["alerts"][0]["alert_id"])
    before = yield call("check_service", service=alert["service"])
    steps = yield call("read_runbook", runbook=alert["runbook"])
    rota = yield call("get_rota", team=line(steps, "team"))
    known = world.met("ticket")
    if known:
        yield call("restart_service", service=alert["service"], change_ticket=known[-1])
    made = yield call("create_ticket", subject=f"{alert['rule']} on {alert['service']}", assignee=rota["on_call"])
    tried = yield call("restart_service", service=alert["service"], change_ticket=made["ticket_id"])
    if failed(tried):
        yield call("update_ticket", ticket_id=made["ticket_id"], status="in progress")
        yield call("restart_service", service=alert["service"], change_ticket=made["ticket_id"])
    if before["instances"] < 5:
        yield call("read_log", service=alert["service"])
    yield call("check_service", service=alert["service"])
    yield call("resolve_alert", alert_id=alert["alert_id"])
    yield call("get_ticket", ticket_id=made["ticket_id"])


def page_somebody(world: World) -> Steps:
    """Page the person on call, or the deputy where that person is away."""
    _fire(world, "critical")
    listed = yield call("list_alerts", severity="critical")
    alert = yield call("get_alert", alert_id=listed["alerts"][0]["alert_id"])
    steps = yield call("read_runbook", runbook=alert["runbook"])
    rota = yield call("get_rota", team=line(steps, "team"))
    paged = yield call("send_page", person=rota["on_call"], text=f"{alert['rule']} on {alert['service']}")
    person = yield call("find_person", name=rota["on_call"])
    if failed(paged) and "deputy" in person:
        yield call("send_page", person=person["deputy"], text=f"{alert['rule']} on {alert['service']}")
    yield call("read_log", service=alert["service"])


def look_again(world: World) -> Steps:
    """Come back to alerts and tickets met before."""
    for alert_id in world.met("alert")[-2:]:
        alert = yield call("get_alert", alert_id=alert_id)
        yield call("check_service", service=alert["service"])
    for ticket_id in world.met("ticket")[-2:]:
        yield call("get_ticket", ticket_id=ticket_id)


def two_alerts(world: World) -> Steps:
    """Patrol and follow an alert, in turns."""
    yield from side_by_side(patrol(world), follow_alert(world))


def beat(world: World) -> Steps:
    """Look at one service: what the watchdog does while nothing happens."""
    yield call("check_service", service=world.dice.pick(names.SERVICES))


def _fire(world: World, severity: str) -> None:
    service = _service(world, world.dice.pick(names.SERVICES))
    service.status = world.dice.pick(("degraded", "failing"))
    service.error_rate = world.dice.integer(20, 400)
    threshold = world.dice.integer(5, 60)
    alert = Alert(
        alert_id=world.new_id("AL", 9_900),
        service=service.name,
        rule=world.dice.pick(RULES),
        threshold=threshold,
        observed=threshold + world.dice.integer(1, 90),
        severity=severity,
        runbook=f"runbooks/{service.name}/{world.dice.pick(('restart', 'overload', 'failover', 'certificates'))}.md",
    )
    world.alerts[alert.alert_id] = alert


def drift(world: World) -> None:
    """Let load come and go, releases roll out, instances start and stop."""
    for name in world.dice.draw(list(world.services), 3):
        service = world.services[name]
        service.queue_depth = world.dice.integer(0, 200)
        service.error_rate = max(0, service.error_rate + world.dice.integer(-12, 14))
        service.status = "healthy" if service.error_rate < 20 else world.dice.pick(("degraded", "failing"))
        if world.dice.chance(0.2):
            service.release = f"{service.release.split('.')[0]}.{int(service.release.split('.')[1]) + 1}"
        if world.dice.chance(0.15):
            service.instances = world.dice.integer(2, 9)


TOOLS: dict[str, Tool] = {
    "check_service": check_service,
    "get_host": get_host,
    "read_log": read_log,
    "list_alerts": list_alerts,
    "get_alert": get_alert,
    "read_runbook": read_runbook,
    "restart_service": restart_service,
    "create_ticket": create_ticket,
    "get_rota": get_rota,
    "send_page": send_page,
    "resolve_alert": resolve_alert,
}
EPISODES: tuple[Episode, ...] = (patrol, follow_alert, page_somebody, look_again, two_alerts)
BRIEF: tuple[Episode, ...] = (patrol, page_somebody)
