"""The state of the business: everything that exists, the clock, and the numbers that new things get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from trajectory_compiler.demo import names
from trajectory_compiler.demo.dice import Dice
from trajectory_compiler.demo.entities import (
    Account,
    Advisory,
    Alert,
    CarrierOrder,
    Customer,
    Device,
    Invoice,
    Mail,
    Number,
    Package,
    Paper,
    Payment,
    Person,
    PullRequest,
    PurchaseOrder,
    Service,
    Ticket,
    Todo,
    Trunk,
)

START = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
CUSTOMERS = 48


class World:
    """One simulated business. `copy` moves every numbered identifier, so that no two copies share one."""

    def __init__(self, seed: int, copy: int = 0) -> None:
        self.dice = Dice(seed * 1_000_003 + copy)
        self.now = START + timedelta(days=90 * copy)
        self._copy = copy
        self._counters: dict[str, int] = {}
        self._seen: dict[str, list[str]] = {}
        self.people: dict[str, Person] = {}
        self.customers: dict[str, Customer] = {}
        self.accounts: dict[str, Account] = {}
        self.devices: dict[str, Device] = {}
        self.tickets: dict[str, Ticket] = {}
        self.invoices: dict[str, Invoice] = {}
        self.orders: dict[str, PurchaseOrder] = {}
        self.payments: dict[str, Payment] = {}
        self.mails: dict[str, Mail] = {}
        self.todos: dict[str, Todo] = {}
        self.numbers: dict[str, Number] = {}
        self.trunks: dict[str, Trunk] = {}
        self.carrier_orders: dict[str, CarrierOrder] = {}
        self.packages: dict[str, Package] = {}
        self.advisories: dict[str, Advisory] = {}
        self.pull_requests: dict[str, PullRequest] = {}
        self.papers: dict[str, Paper] = {}
        self.services: dict[str, Service] = {}
        self.alerts: dict[str, Alert] = {}
        self._settle()

    # --- names, numbers and dates --------------------------------------------------------------------------------

    def new_id(self, prefix: str, first: int) -> str:
        """Return the next identifier of a kind: they grow by uneven steps, as in any busy system."""
        last = self._counters.get(prefix, first + self._copy * 40_000)
        self._counters[prefix] = last + self.dice.integer(1, 7)
        return f"{prefix}-{self._counters[prefix]}"

    def date(self, days_from_now: int) -> str:
        """Return a date, so many days from the present one."""
        return (self.now + timedelta(days=days_from_now)).date().isoformat()

    def person_name(self) -> str:
        """Return the name of somebody outside our own firm."""
        return f"{self.dice.pick(names.FIRST_NAMES)} {self.dice.pick(names.LAST_NAMES)}"

    def staff(self, team: str | None = None) -> str:
        """Return one of our people, of one team if named."""
        return self.dice.pick([p.name for p in self.people.values() if team in (None, p.team)])

    def phone(self) -> str:
        """Return a number that Ofcom keeps free for drama."""
        if self.dice.chance(0.3):
            return f"07700 900{self.dice.integer(0, 999):03d}"
        return f"01632 960{self.dice.integer(0, 999):03d}"

    # --- what the agent of this session has met ------------------------------------------------------------------

    def begin_session(self) -> None:
        """Forget what the agent of the session before had met."""
        self._seen.clear()
        self.now += timedelta(minutes=self.dice.integer(3, 220), milliseconds=self.dice.integer(0, 999))

    def meet(self, kind: str, identifier: str) -> None:
        """Note that the agent has seen a thing by its identifier: it may come back to it later."""
        met = self._seen.setdefault(kind, [])
        if identifier not in met:
            met.append(identifier)

    def met(self, kind: str) -> Sequence[str]:
        """Return the things of a kind that this session's agent has seen, oldest first."""
        return self._seen.get(kind, ())

    def some(self, kind: str, everything: Sequence[str]) -> str:
        """Return a thing that other people work on: mostly one that the agent met lately, so that it finds it changed."""
        met = self.met(kind)[-6:]
        return self.dice.pick(met if met and self.dice.chance(0.75) else everything)

    # --- making things -------------------------------------------------------------------------------------------

    def receive_mail(self, sender: str, subject: str, lines: Sequence[str]) -> Mail:
        """Let a mail arrive."""
        mail = Mail(
            mail_id=self.new_id("M", 50_100),
            sender=sender,
            to=f"office@{names.OWN_DOMAIN}",
            subject=subject,
            sent=self.date(0),
            lines=tuple(lines),
        )
        self.mails[mail.mail_id] = mail
        return mail

    def new_ticket(self, customer: Customer | None = None, subject: str | None = None) -> Ticket:
        """Open a ticket for one of a customer's devices."""
        customer = customer or self.dice.pick(list(self.customers.values()))
        device = Device(
            serial=self.new_id("SN", 880_000),
            model=self.dice.pick(names.DEVICES),
            firmware=f"{self.dice.integer(2, 5)}.{self.dice.integer(0, 9)}.{self.dice.integer(0, 19)}",
            site=customer.city,
            warranty_until=self.date(self.dice.integer(-200, 700)),
        )
        self.devices[device.serial] = device
        ticket = Ticket(
            ticket_id=self.new_id("T", 10_400),
            subject=subject or self.dice.pick(names.SUBJECTS),
            customer_number=customer.customer_number,
            serial=device.serial,
            status="open",
            priority=self.dice.pick(("low", "normal", "high", "urgent")),
            assignee=self.staff("Support"),
            opened=self.date(-self.dice.integer(0, 20)),
        )
        self.tickets[ticket.ticket_id] = ticket
        return ticket

    def new_invoice(self, status: str, customer: Customer | None = None) -> Invoice:
        """Issue an invoice against a purchase order that may approve less or more than it asks for."""
        customer = customer or self.dice.pick(list(self.customers.values()))
        amount = self.dice.integer(80, 4_900) * 100 + self.dice.pick((0, 0, 25, 50, 60, 99))
        order = PurchaseOrder(
            po_number=self.new_id("PO", 8_800),
            approved_amount=amount if self.dice.chance(0.5) else amount - self.dice.integer(2, 30) * 100,
            cost_centre=f"CC-{self.dice.integer(110, 980)}",
            approver=self.person_name(),
        )
        self.orders[order.po_number] = order
        days = -self.dice.integer(3, 60) if status == "overdue" else self.dice.integer(2, 40)
        invoice = Invoice(
            invoice_id=self.new_id("INV", 20_800),
            customer_number=customer.customer_number,
            amount=amount,
            due_date=self.date(days),
            status=status,
            po_number=order.po_number,
        )
        self.invoices[invoice.invoice_id] = invoice
        return invoice

    def _settle(self) -> None:
        for place, name in enumerate(names.STAFF):
            self.people[name] = Person(
                name=name,
                email=names.work_address(name),
                team=names.TEAMS[place % len(names.TEAMS)],
                manager=names.STAFF[(place * 5 + 3) % len(names.STAFF)],
                deputy=names.STAFF[(place + 6) % len(names.STAFF)],
                free_hours=self.dice.integer(0, 14),
                away_until=self.date(self.dice.integer(3, 20)) if self.dice.chance(0.3) else "",
            )
        for _ in range(CUSTOMERS):
            self._new_customer()

    def _new_customer(self) -> None:
        company = f"{self.dice.pick(names.FIRM_FIRST)} {self.dice.pick(names.FIRM_SECOND)}"
        contact = self.person_name()
        customer = Customer(
            customer_number=self.new_id("C", 4_100),
            company=company,
            contact=contact,
            email=f"{names.slug(contact).split('-')[0]}@{names.slug(company)}.example.com",
            phone=self.phone(),
            city=self.dice.pick(names.CITIES),
            plan=self.dice.pick(names.PLANS),
            account_id=self.new_id("ACC", 70_200),
        )
        self.customers[customer.customer_number] = customer
        self.accounts[customer.account_id] = Account(
            account_id=customer.account_id,
            customer_number=customer.customer_number,
            account_manager=self.staff(),
            balance=self.dice.integer(-900, 3_000) * 100,
            tier=self.dice.pick(names.TIERS),
            credit_limit=self.dice.integer(2, 40) * 5_000,
            renewal_date=self.date(self.dice.integer(10, 420)),
        )
