"""Todos: what is overdue, who can take it, and what became of it."""

from __future__ import annotations

from trajectory_compiler.demo.entities import Todo
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, line, refusal, side_by_side
from trajectory_compiler.demo.world import World

PROJECTS = ("number porting", "office move", "spring audit", "new price list", "handset recall", "ISO papers", "intranet")
TASKS = (
    *(
        "order the rack shelves",
        "write the release note",
        "renew the lift contract",
        "count the spare handsets",
        "update the rota",
    ),
    *(
        "check the fire doors",
        "draft the price letter",
        "return the demo units",
        "book the survey",
        "clean up the shared drive",
    ),
)


def _new_todo(world: World, status: str) -> Todo:
    todo = Todo(
        todo_id=world.new_id("TD", 3_100),
        title=world.dice.pick(TASKS),
        owner=world.staff(),
        due=world.date(-world.dice.integer(1, 15) if status == "overdue" else world.dice.integer(1, 25)),
        status=status,
        effort_hours=world.dice.integer(1, 16),
        project=world.dice.pick(PROJECTS),
    )
    world.todos[todo.todo_id] = todo
    return todo


def list_todos(world: World, project: str) -> Response:
    """Tool: the open todos of a project, the newest first."""
    found = [t for t in reversed(world.todos.values()) if t.project == project and t.status != "done"][:4]
    return {"project": project, "todos": [{"todo_id": t.todo_id, "title": t.title, "status": t.status} for t in found]}


def get_todo(world: World, todo_id: str) -> Response:
    """Tool: a todo by id."""
    todo = world.todos.get(todo_id)
    if todo is None:
        return refusal("not_found", "no such todo")
    world.meet("todo", todo_id)
    return {
        "todo_id": todo.todo_id,
        "title": todo.title,
        "owner": todo.owner,
        "due": todo.due,
        "status": todo.status,
        "effort_hours": todo.effort_hours,
        "project": todo.project,
    }


def add_todo(world: World, title: str, owner: str, due: str) -> Response:
    """Tool: note a new todo."""
    todo = _new_todo(world, "open")
    todo.title, todo.owner, todo.due = title, owner, due
    return {"todo_id": todo.todo_id, "owner": owner, "project": todo.project}


def reassign_todo(world: World, todo_id: str, owner: str) -> Response:
    """Tool: give a todo to somebody else. Who has too few hours left does not get it."""
    todo, person = world.todos[todo_id], world.people[owner]
    if person.free_hours < todo.effort_hours:
        return refusal("no_capacity", f"{owner} has {person.free_hours} hours left, {todo.effort_hours} are needed")
    person.free_hours -= todo.effort_hours
    before, todo.owner = todo.owner, owner
    return {"todo_id": todo_id, "owner": owner, "previous_owner": before}


def update_todo(world: World, todo_id: str, status: str) -> Response:
    """Tool: move a todo on."""
    world.todos[todo_id].status = status
    return {"todo_id": todo_id, "status": status}


def hand_over(world: World) -> Steps:
    """Hand an overdue todo to the owner's deputy or manager, whoever has the hours."""
    todo = _new_todo(world, "overdue")
    for _ in range(world.dice.integer(0, 3)):
        _new_todo(world, "open").project = todo.project
    listed = yield call("list_todos", project=todo.project)
    overdue = [item for item in listed["todos"] if item["status"] == "overdue"] or listed["todos"]
    shown = yield call("get_todo", todo_id=overdue[0]["todo_id"])
    owner = yield call("find_person", name=shown["owner"])
    for candidate in [owner[role] for role in ("deputy", "manager") if role in owner]:
        given = yield call("reassign_todo", todo_id=shown["todo_id"], owner=candidate)
        if not failed(given):
            person = yield call("find_person", name=given["owner"])
            subject = f"{shown['title']} is yours now"
            yield call("send_mail", to=person["email"], subject=subject, body=f"It was due on {shown['due']}.")
            return
    yield call("update_todo", todo_id=shown["todo_id"], status="blocked")


def note_from_mail(world: World) -> Steps:
    """Turn a mail that asks for something by a date into a todo of the person it names."""
    owner = world.staff()
    task = world.dice.pick(TASKS)
    world.receive_mail(
        world.people[world.staff()].email,
        f"Could we {task}?",
        (
            "Hi,",
            f"Owner: {owner}",
            f"Deadline: {world.date(world.dice.integer(2, 40))}",
            f"Budget: {world.dice.integer(2, 90) * 10}",
        ),
    )
    found = yield call("search_mail", query=task)
    text = yield call("read_mail", mail_id=found["mails"][0]["mail_id"])
    person = yield call("find_person", name=line(text, "Owner"))
    title = line(text, "Subject").removeprefix("Could we ").removesuffix("?")
    added = yield call("add_todo", title=title, owner=person["name"], due=line(text, "Deadline"))
    yield call("label_mail", mail_id=found["mails"][0]["mail_id"], label="waiting")
    yield call("get_todo", todo_id=added["todo_id"])


def look_again(world: World) -> Steps:
    """Come back to todos met before: others have moved them on."""
    for todo_id in world.met("todo")[-4:]:
        shown = yield call("get_todo", todo_id=todo_id)
        if shown["status"] == "overdue" and world.dice.chance(0.5):
            yield call("update_todo", todo_id=todo_id, status="in progress")


def weigh_project(world: World) -> Steps:
    """Read every open todo of a project, then tell the manager of the owner with the most work."""
    project = world.dice.pick(PROJECTS)
    for _ in range(4):
        _new_todo(world, "open").project = project
    listed = yield call("list_todos", project=project)
    heaviest: Response = None
    for item in listed["todos"]:
        shown = yield call("get_todo", todo_id=item["todo_id"])
        if heaviest is None or shown["effort_hours"] > heaviest["effort_hours"]:
            heaviest = shown
    owner = yield call("find_person", name=heaviest["owner"])
    manager = yield call("find_person", name=owner["manager"])
    yield call(
        "send_mail", to=manager["email"], subject=f"Work on the {project}", body=f"{owner['name']} carries the largest task."
    )


def two_at_once(world: World) -> Steps:
    """Hand over one todo and note another from mail, in turns."""
    yield from side_by_side(hand_over(world), note_from_mail(world))


def drift(world: World) -> None:
    """Let other people work: a due date moves, an owner changes, a task is done; hours come free."""
    for _ in range(2 if world.todos else 0):
        todo = world.todos[world.some("todo", list(world.todos))]
        if world.dice.chance(0.5):
            todo.due = world.date(world.dice.integer(1, 30))
        elif world.dice.chance(0.5):
            todo.owner = world.staff()
        else:
            todo.status = world.dice.pick(("open", "in progress", "blocked", "done"))
    person = world.people[world.staff()]
    person.free_hours = world.dice.integer(0, 14)
    person.away_until = world.date(world.dice.integer(3, 20)) if world.dice.chance(0.3) else ""


TOOLS: dict[str, Tool] = {
    "list_todos": list_todos,
    "get_todo": get_todo,
    "add_todo": add_todo,
    "reassign_todo": reassign_todo,
    "update_todo": update_todo,
}
EPISODES: tuple[Episode, ...] = (hand_over, note_from_mail, weigh_project, look_again, two_at_once)
BRIEF: tuple[Episode, ...] = (hand_over, note_from_mail)
