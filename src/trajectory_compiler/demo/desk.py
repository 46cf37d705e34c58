"""What every agent can look up: people, customers, accounts, and mail."""

from __future__ import annotations

from trajectory_compiler.demo.simulation import Response, Tool, refusal
from trajectory_compiler.demo.world import World


def pounds(pence: int) -> float:
    """Return pence as pounds."""
    return pence / 100


def find_person(world: World, name: str) -> Response:
    """Tool: one of our own people."""
    person = world.people.get(name)
    if person is None:
        return refusal("not_found", f"nobody here is called {name}")
    shown: dict[str, object] = {
        "name": person.name,
        "email": person.email,
        "team": person.team,
        "manager": person.manager,
        "free_hours": person.free_hours,
    }
    if person.away_until:
        shown |= {"away_until": person.away_until, "deputy": person.deputy}
    return shown


def get_customer(world: World, customer_number: str) -> Response:
    """Tool: a customer by number."""
    customer = world.customers.get(customer_number)
    if customer is None:
        return refusal("not_found", "no customer has this number")
    world.meet("customer", customer_number)
    return {
        "customer_number": customer.customer_number,
        "company": customer.company,
        "contact": customer.contact,
        "email": customer.email,
        "phone": customer.phone,
        "city": customer.city,
        "plan": customer.plan,
        "account_id": customer.account_id,
    }


def get_account(world: World, account_id: str) -> Response:
    """Tool: an account by id."""
    account = world.accounts.get(account_id)
    if account is None:
        return refusal("not_found", "no such account")
    world.meet("account", account_id)
    return {
        "account_id": account.account_id,
        "account_manager": account.account_manager,
        "balance": pounds(account.balance),
        "tier": account.tier,
        "credit_limit": pounds(account.credit_limit),
        "renewal_date": account.renewal_date,
    }


def search_mail(world: World, query: str) -> Response:
    """Tool: the five newest mails whose subject holds the words."""
    found = [
        mail for mail in reversed(world.mails.values()) if query.lower() in mail.subject.lower() and mail.label != "archive"
    ]
    return {
        "total": len(found),
        "mails": [{"mail_id": m.mail_id, "sender": m.sender, "subject": m.subject, "sent": m.sent} for m in found[:5]],
    }


def read_mail(world: World, mail_id: str) -> Response:
    """Tool: a mail as text."""
    mail = world.mails.get(mail_id)
    if mail is None:
        return "Error: no mail has this id"
    world.meet("mail", mail_id)
    head = (f"From: {mail.sender}", f"To: {mail.to}", f"Date: {mail.sent}", f"Subject: {mail.subject}", "")
    return "\n".join((*head, *mail.lines))


def send_mail(world: World, to: str, subject: str, body: str) -> Response:
    """Tool: send a mail. Mail to whole teams is refused: somebody in person has to get it."""
    if to.startswith(("all@", "team@", "office@")):
        return refusal("recipient_rejected", "shared mailboxes take no mail from agents; write to a person")
    mail = world.receive_mail("office", subject, (body,))
    mail.label = "archive"
    return {"mail_id": mail.mail_id, "to": to, "state": world.dice.pick(("queued", "sent", "sent"))}


def label_mail(world: World, mail_id: str, label: str) -> Response:
    """Tool: put a mail under a label."""
    mail = world.mails[mail_id]
    before, mail.label = mail.label, label
    return {"mail_id": mail_id, "label": label, "previous_label": before}


TOOLS: dict[str, Tool] = {
    "find_person": find_person,
    "get_customer": get_customer,
    "get_account": get_account,
    "search_mail": search_mail,
    "read_mail": read_mail,
    "send_mail": send_mail,
    "label_mail": label_mail,
}
