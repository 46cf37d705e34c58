"""The things of the simulated business. Their facts change while agents and other people work."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Person:
    """One of our own people. `away_until` is a date, or empty."""

    name: str
    email: str
    team: str
    manager: str
    deputy: str
    free_hours: int
    away_until: str = ""


@dataclass
class Customer:
    """A firm that buys telephony from us."""

    customer_number: str
    company: str
    contact: str
    email: str
    phone: str
    city: str
    plan: str
    account_id: str


@dataclass
class Account:
    """The commercial side of a customer. Money is in pence."""

    account_id: str
    customer_number: str
    account_manager: str
    balance: int
    tier: str
    credit_limit: int
    renewal_date: str


@dataclass
class Device:
    """A telephone at a customer's."""

    serial: str
    model: str
    firmware: str
    site: str
    warranty_until: str


@dataclass
class Ticket:
    """A support ticket: open, in progress, waiting, resolved or closed."""

    ticket_id: str
    subject: str
    customer_number: str
    serial: str
    status: str
    priority: str
    assignee: str
    opened: str
    comments: list[str] = field(default_factory=list)


@dataclass
class Invoice:
    """An invoice in pence; `status` is open, overdue, disputed, part paid or paid."""

    invoice_id: str
    customer_number: str
    amount: int
    due_date: str
    status: str
    po_number: str
    paid: int = 0
    reminders: int = 0


@dataclass
class PurchaseOrder:
    """What a customer has approved."""

    po_number: str
    approved_amount: int
    cost_centre: str
    approver: str


@dataclass
class Payment:
    """Money on our bank account with the words the payer wrote."""

    payment_reference: str
    amount: int
    payer: str
    received: str
    remittance: str


@dataclass
class Mail:
    """A mail; `lines` is the body."""

    mail_id: str
    sender: str
    to: str
    subject: str
    sent: str
    lines: tuple[str, ...]
    label: str = "inbox"


@dataclass
class Todo:
    """A task of one of our people."""

    todo_id: str
    title: str
    owner: str
    due: str
    status: str
    effort_hours: int
    project: str


@dataclass
class Number:
    """A telephone number and where it rings."""

    number: str
    site: str
    status: str
    trunk_id: str
    carrier: str


@dataclass
class Trunk:
    """A SIP trunk. `credentials` is missing, requested or installed."""

    trunk_id: str
    carrier: str
    site: str
    codec: str
    channels: int
    state: str
    credentials: str
    gateway: str


@dataclass
class CarrierOrder:
    """An order at a carrier for a site's trunk."""

    order_reference: str
    carrier: str
    trunk_id: str
    status: str
    go_live: str
    contact: str


@dataclass
class Package:
    """A package on the registry; `pinned` says which version each repository has."""

    name: str
    latest: str
    licence: str
    maintainer: str
    published: str
    pinned: dict[str, str] = field(default_factory=dict)


@dataclass
class Advisory:
    """A published weakness of a package."""

    advisory_id: str
    package: str
    severity: str
    fixed_in: str
    reporter: str


@dataclass
class PullRequest:
    """A change waiting for review."""

    pull_request: str
    repository: str
    reviewer: str
    state: str
    checks_passed: int


@dataclass
class Paper:
    """A publication with what it claims."""

    paper_id: str
    title: str
    year: int
    venue: str
    lead_author: str
    dataset: str
    score: str
    cites: list[str]
    link: str
    erratum: str = ""


@dataclass
class Service:
    """A service of ours; its numbers move from check to check."""

    name: str
    host: str
    status: str
    release: str
    team: str
    error_rate: int
    queue_depth: int
    instances: int


@dataclass
class Alert:
    """A rule that fired."""

    alert_id: str
    service: str
    rule: str
    threshold: int
    observed: int
    severity: str
    runbook: str
    state: str = "firing"
