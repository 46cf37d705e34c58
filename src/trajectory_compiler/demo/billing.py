"""Billing: invoices against purchase orders, payments against invoices, reminders."""

from __future__ import annotations

from trajectory_compiler.demo.desk import pounds
from trajectory_compiler.demo.entities import Payment
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, refusal, side_by_side
from trajectory_compiler.demo.world import World


def list_invoices(world: World, status: str) -> Response:
    """Tool: the five newest invoices in a state."""
    found = [i for i in reversed(world.invoices.values()) if i.status == status][:5]
    return {"status": status, "invoices": [{"invoice_id": i.invoice_id, "due_date": i.due_date} for i in found]}


def get_invoice(world: World, invoice_id: str) -> Response:
    """Tool: an invoice by id."""
    invoice = world.invoices.get(invoice_id)
    if invoice is None:
        return refusal("not_found", "no such invoice")
    world.meet("invoice", invoice_id)
    return {
        "invoice_id": invoice.invoice_id,
        "customer_number": invoice.customer_number,
        "amount": pounds(invoice.amount),
        "paid": pounds(invoice.paid),
        "due_date": invoice.due_date,
        "status": invoice.status,
        "po_number": invoice.po_number,
        "reminders": invoice.reminders,
    }


def get_purchase_order(world: World, po_number: str) -> Response:
    """Tool: what the customer approved."""
    order = world.orders[po_number]
    return {
        "po_number": order.po_number,
        "approved_amount": pounds(order.approved_amount),
        "cost_centre": order.cost_centre,
        "approver": order.approver,
    }


def correct_invoice(world: World, invoice_id: str, amount: float, cost_centre: str) -> Response:
    """Tool: correct an amount. It must not exceed the purchase order, and the cost centre must be its own."""
    invoice = world.invoices[invoice_id]
    order = world.orders[invoice.po_number]
    if round(amount * 100) > order.approved_amount:
        return refusal("validation_error", "the amount exceeds what the purchase order approves")
    if cost_centre != order.cost_centre:
        return refusal("validation_error", "the cost centre is not the one of the purchase order")
    before, invoice.amount = invoice.amount, round(amount * 100)
    invoice.status = "open"
    return {"invoice_id": invoice_id, "amount": amount, "previous_amount": pounds(before), "revision": world.dice.integer(2, 5)}


def search_payments(world: World, remittance: str) -> Response:
    """Tool: payments whose remittance text holds the words."""
    found = [p for p in reversed(world.payments.values()) if remittance in p.remittance][:4]
    return {"payments": [{"payment_reference": p.payment_reference, "received": p.received} for p in found]}


def get_payment(world: World, payment_reference: str) -> Response:
    """Tool: a payment by its bank reference."""
    payment = world.payments[payment_reference]
    return {
        "payment_reference": payment.payment_reference,
        "amount": pounds(payment.amount),
        "payer": payment.payer,
        "received": payment.received,
        "remittance": payment.remittance,
    }


def record_payment(world: World, invoice_id: str, payment_reference: str) -> Response:
    """Tool: book a payment on an invoice."""
    invoice, payment = world.invoices[invoice_id], world.payments[payment_reference]
    if invoice.paid:
        return refusal("already_booked", "this invoice has a payment already")
    invoice.paid = payment.amount
    invoice.status = "paid" if payment.amount >= invoice.amount else "part paid"
    return {"invoice_id": invoice_id, "status": invoice.status, "still_due": pounds(max(0, invoice.amount - payment.amount))}


def send_reminder(world: World, invoice_id: str, to: str, deadline: str) -> Response:
    """Tool: remind a customer; the deadline must lie ahead."""
    if to != world.customers[world.invoices[invoice_id].customer_number].email:
        return refusal("unknown_recipient", "reminders go to the customer's own address")
    if deadline <= world.date(0):
        return refusal("validation_error", "the deadline has passed")
    invoice = world.invoices[invoice_id]
    invoice.reminders += 1
    return {"invoice_id": invoice_id, "reminders": invoice.reminders, "deadline": deadline}


def correct_amount(world: World) -> Steps:
    """Correct a disputed invoice to what its purchase order approves; the first try fails on the cost centre."""
    world.new_invoice("disputed")
    listed = yield call("list_invoices", status="disputed")
    invoice = yield call("get_invoice", invoice_id=listed["invoices"][0]["invoice_id"])
    customer = yield call("get_customer", customer_number=invoice["customer_number"])
    first = f"CC-{world.dice.integer(110, 980)}"
    tried = yield call("correct_invoice", invoice_id=invoice["invoice_id"], amount=invoice["amount"], cost_centre=first)
    order = yield call("get_purchase_order", po_number=invoice["po_number"])
    if failed(tried):
        yield call(
            "correct_invoice",
            invoice_id=invoice["invoice_id"],
            amount=order["approved_amount"],
            cost_centre=order["cost_centre"],
        )
    yield call("send_mail", to=customer["email"], subject="Corrected invoice", body=f"{order['approver']} approved the amount.")
    yield call("get_invoice", invoice_id=invoice["invoice_id"])


def match_payment(world: World) -> Steps:
    """Money came in: find the invoice that its remittance text names, book it, look at what is still due."""
    target = world.new_invoice("open")
    customer = world.customers[target.customer_number]
    payment = Payment(
        payment_reference=world.new_id("PAY", 91_000),
        amount=target.amount if world.dice.chance(0.6) else target.amount - world.dice.integer(5, 60) * 100,
        payer=customer.company,
        received=world.date(0),
        remittance=f"{world.dice.pick(('thank you', 'as agreed', 'final', 'quarterly'))} {target.invoice_id}",
    )
    world.payments[payment.payment_reference] = payment
    found = yield call("search_payments", remittance=payment.remittance.split(" INV")[0])
    money = yield call("get_payment", payment_reference=found["payments"][0]["payment_reference"])
    invoice = yield call("get_invoice", invoice_id=money["remittance"].split()[-1])
    booked = yield call("record_payment", invoice_id=invoice["invoice_id"], payment_reference=money["payment_reference"])
    if not failed(booked) and booked["still_due"]:
        payer = yield call("get_customer", customer_number=invoice["customer_number"])
        subject = f"Still due: {booked['still_due']}"
        yield call("send_mail", to=payer["email"], subject=subject, body=f"For {invoice['invoice_id']} of {payer['company']}.")


def remind(world: World) -> Steps:
    """Remind a customer of an overdue invoice, with a deadline that lies ahead after one that does not."""
    world.new_invoice("overdue")
    listed = yield call("list_invoices", status="overdue")
    item = world.dice.pick(listed["invoices"])
    invoice = yield call("get_invoice", invoice_id=item["invoice_id"])
    customer = yield call("get_customer", customer_number=invoice["customer_number"])
    account = yield call("get_account", account_id=customer["account_id"])
    to = customer["email"]
    tried = yield call("send_reminder", invoice_id=invoice["invoice_id"], to=to, deadline=invoice["due_date"])
    manager = yield call("find_person", name=account["account_manager"])
    if failed(tried):
        deadline = world.date(world.dice.integer(5, 21))
        yield call("send_reminder", invoice_id=invoice["invoice_id"], to=to, deadline=deadline)
    yield call(
        "send_mail", to=manager["email"], subject="Reminder sent", body=f"{customer['company']} owes {invoice['amount']}."
    )


def close_month(world: World) -> Steps:
    """Read what is overdue and who owes it; the largest debtor's account manager is told."""
    for _ in range(world.dice.integer(3, 5)):
        world.new_invoice("overdue")
    listed = yield call("list_invoices", status="overdue")
    largest: Response = None
    for item in listed["invoices"]:
        invoice = yield call("get_invoice", invoice_id=item["invoice_id"])
        if largest is None or invoice["amount"] > largest["amount"]:
            largest = invoice
    debtor = yield call("get_customer", customer_number=largest["customer_number"])
    account = yield call("get_account", account_id=debtor["account_id"])
    manager = yield call("find_person", name=account["account_manager"])
    yield call("send_mail", to=manager["email"], subject="Month end", body=f"{debtor['company']} has the largest open amount.")


def look_again(world: World) -> Steps:
    """Come back to invoices met before: some were paid, corrected or postponed since."""
    for invoice_id in world.met("invoice")[-4:]:
        yield call("get_invoice", invoice_id=invoice_id)


def two_at_once(world: World) -> Steps:
    """Correct one invoice and book a payment on another, in turns."""
    yield from side_by_side(correct_amount(world), match_payment(world))


def drift(world: World) -> None:
    """Let customers pay, dispute and ask for time."""
    if not world.invoices:
        return
    invoice = world.invoices[world.some("invoice", list(world.invoices))]
    move = world.dice.integer(0, 2)
    if move == 0:
        invoice.due_date = world.date(world.dice.integer(5, 45))
        invoice.status = "open"
    elif move == 1:
        invoice.status = world.dice.pick(("disputed", "overdue", "paid", "part paid"))
    else:
        invoice.amount = max(5_000, invoice.amount - world.dice.integer(3, 40) * 100)


TOOLS: dict[str, Tool] = {
    "list_invoices": list_invoices,
    "get_invoice": get_invoice,
    "get_purchase_order": get_purchase_order,
    "correct_invoice": correct_invoice,
    "search_payments": search_payments,
    "get_payment": get_payment,
    "record_payment": record_payment,
    "send_reminder": send_reminder,
}
EPISODES: tuple[Episode, ...] = (correct_amount, match_payment, remind, close_month, look_again, two_at_once)
BRIEF: tuple[Episode, ...] = (match_payment, remind, correct_amount)
