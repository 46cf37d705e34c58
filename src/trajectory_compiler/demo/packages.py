"""Package checks: lock files against the registry, advisories, bumps that conflict, pull requests."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.dice import Dice
from trajectory_compiler.demo.entities import Advisory, Package, PullRequest
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, line, side_by_side
from trajectory_compiler.demo.world import World


def _release(dice: Dice) -> str:
    return f"{dice.integer(1, 9)}.{dice.integer(0, 14)}.{dice.integer(0, 9)}"


def _newer(release: str, dice: Dice) -> str:
    major, minor, _ = release.split(".")
    return f"{major}.{int(minor) + dice.integer(1, 3)}.{dice.integer(0, 9)}"


def _package(world: World, name: str) -> Package:
    """Return a package of the registry; it gets its facts when somebody first asks."""
    if name not in world.packages:
        latest = _release(world.dice)
        world.packages[name] = Package(
            name=name,
            latest=latest,
            licence=world.dice.pick(names.LICENCES),
            maintainer=world.person_name(),
            published=world.date(-world.dice.integer(1, 300)),
            pinned={repo: _release(world.dice) for repo in world.dice.draw(names.REPOSITORIES, 3)},
        )
        for _ in range(world.dice.integer(1, 2)):
            _warn(world, world.packages[name])
    return world.packages[name]


def _warn(world: World, package: Package) -> None:
    """Publish an advisory whose mending release is still to come."""
    advisory = Advisory(
        advisory_id=world.new_id("ADV", 1_200),
        package=package.name,
        severity=world.dice.pick(("low", "moderate", "high", "critical")),
        fixed_in=_newer(package.latest, world.dice),
        reporter=world.person_name(),
    )
    world.advisories[advisory.advisory_id] = advisory


def read_lockfile(world: World, repository: str) -> Response:
    """Tool: what a repository has pinned, as text."""
    for name in world.dice.draw(names.PACKAGES, 4):
        _package(world, name).pinned.setdefault(repository, _release(world.dice))
    rows = [
        f"{p.name}: {p.pinned[repository]}"
        for p in sorted(world.packages.values(), key=lambda p: p.name)
        if repository in p.pinned
    ]
    return "\n".join((f"# {repository}/packages.lock", *rows))


def get_package(world: World, package: str) -> Response:
    """Tool: a package on the registry."""
    found = _package(world, package)
    world.meet("package", package)
    return {
        "package": found.name,
        "latest": found.latest,
        "licence": found.licence,
        "maintainer": found.maintainer,
        "published": found.published,
        "used_by": len(found.pinned),
    }


def list_advisories(world: World, package: str) -> Response:
    """Tool: the ids of what was published about a package."""
    found = [a.advisory_id for a in world.advisories.values() if a.package == package]
    return {"package": package, "advisories": found[-3:]}


def get_advisory(world: World, advisory_id: str) -> Response:
    """Tool: an advisory by id."""
    advisory = world.advisories[advisory_id]
    world.meet("advisory", advisory_id)
    return {
        "advisory_id": advisory.advisory_id,
        "package": advisory.package,
        "severity": advisory.severity,
        "fixed_in": advisory.fixed_in,
        "reporter": advisory.reporter,
    }


def bump_package(world: World, repository: str, package: str, release: str) -> Response:
    """Tool: pin another release. One that the registry does not have cannot be installed."""
    found = _package(world, package)
    before = found.pinned.get(repository, "none")
    if tuple(map(int, release.split("."))) > tuple(map(int, found.latest.split("."))):
        return f"Error: no release {release} of {package}\nnewest release: {found.latest}\nexit code: 1"
    found.pinned[repository] = release
    return f"resolving {repository}\nprevious release: {before}\ninstalled release: {release}\nexit code: 0"


def run_tests(world: World, repository: str) -> Response:
    """Tool: the repository's tests, as their output."""
    failures = world.dice.integer(1, 9) if world.dice.chance(0.35) else 0
    passed, seconds = world.dice.integer(80, 900), world.dice.integer(9, 240)
    rows = [
        f"$ make test  # {repository}",
        f"{passed} passed, {failures} failed, {world.dice.integer(0, 12)} skipped",
        f"seconds: {seconds}",
    ]
    if failures:
        rows.append(
            f"error: {world.dice.pick(names.PACKAGES)} raised {world.dice.pick(('TypeError', 'TimeoutError', 'KeyError'))}"
        )
    return "\n".join((*rows, f"exit code: {1 if failures else 0}"))


def open_pull_request(world: World, repository: str, title: str) -> Response:
    """Tool: ask for a review."""
    made = PullRequest(
        pull_request=world.new_id("PR", 2_900),
        repository=repository,
        reviewer=world.staff("Platform"),
        state="open",
        checks_passed=world.dice.integer(0, 6),
    )
    world.pull_requests[made.pull_request] = made
    world.meet("pull_request", made.pull_request)
    return {"pull_request": made.pull_request, "repository": repository, "title": title, "reviewer": made.reviewer}


def get_pull_request(world: World, pull_request: str) -> Response:
    """Tool: how a review stands."""
    found = world.pull_requests[pull_request]
    world.meet("pull_request", pull_request)
    return {
        "pull_request": found.pull_request,
        "repository": found.repository,
        "reviewer": found.reviewer,
        "state": found.state,
        "checks_passed": found.checks_passed,
    }


def fix_advisory(world: World) -> Steps:
    """Mend a pinned package with a weakness: the fixing release does not exist yet, the newest one is taken instead."""
    repository = world.dice.pick(names.REPOSITORIES)
    locked = yield call("read_lockfile", repository=repository)
    name = world.dice.pick([row.partition(":")[0] for row in locked.splitlines()[1:]])
    listed = yield call("list_advisories", package=name)
    advisory = yield call("get_advisory", advisory_id=listed["advisories"][-1])
    tried = yield call("bump_package", repository=repository, package=name, release=advisory["fixed_in"])
    found = yield call("get_package", package=name)
    if failed(tried):
        yield call("bump_package", repository=repository, package=name, release=line(tried, "newest release"))
    tests = yield call("run_tests", repository=repository)
    if line(tests, "exit code") == "0":
        made = yield call("open_pull_request", repository=repository, title=f"{name}: {advisory['severity']} advisory")
        reviewer = yield call("find_person", name=made["reviewer"])
        body = f"{made['pull_request']} takes {name} to {found['latest']}."
        yield call("send_mail", to=reviewer["email"], subject=f"Review for {repository}", body=body)


def compare_licences(world: World) -> Steps:
    """Look up four packages of a lock file; whoever maintains the least recently published one is written down."""
    repository = world.dice.pick(names.REPOSITORIES)
    locked = yield call("read_lockfile", repository=repository)
    oldest: Response = None
    for name in world.dice.draw([row.partition(":")[0] for row in locked.splitlines()[1:]], 4):
        found = yield call("get_package", package=name)
        if oldest is None or found["published"] < oldest["published"]:
            oldest = found
    listed = yield call("list_advisories", package=oldest["package"])
    yield call("get_advisory", advisory_id=listed["advisories"][0])
    yield call(
        "add_todo",
        title=f"ask {oldest['maintainer']} about {oldest['package']}",
        owner=world.staff("Platform"),
        due=world.date(14),
    )


def look_again(world: World) -> Steps:
    """Come back to packages and reviews met before: releases appear, reviews move on."""
    for name in world.met("package")[-3:]:
        yield call("get_package", package=name)
    for pull_request in world.met("pull_request")[-3:]:
        found = yield call("get_pull_request", pull_request=pull_request)
        if found["state"] == "changes requested":
            yield call("run_tests", repository=found["repository"])


def two_repositories(world: World) -> Steps:
    """Handle an advisory and a licence question, in turns."""
    yield from side_by_side(fix_advisory(world), compare_licences(world))


def drift(world: World) -> None:
    """Let maintainers publish and reviewers review."""
    if world.packages:
        package = world.packages[world.some("package", list(world.packages))]
        if world.dice.chance(0.5):
            package.latest, package.published = _newer(package.latest, world.dice), world.date(0)
        elif world.dice.chance(0.4):
            package.maintainer = world.person_name()
        if world.dice.chance(0.15):
            _warn(world, package)
    if world.pull_requests:
        review = world.pull_requests[world.some("pull_request", list(world.pull_requests))]
        review.state = world.dice.pick(("open", "changes requested", "approved", "merged"))
        review.checks_passed += world.dice.integer(0, 3)


TOOLS: dict[str, Tool] = {
    "read_lockfile": read_lockfile,
    "get_package": get_package,
    "list_advisories": list_advisories,
    "get_advisory": get_advisory,
    "bump_package": bump_package,
    "run_tests": run_tests,
    "open_pull_request": open_pull_request,
    "get_pull_request": get_pull_request,
}
EPISODES: tuple[Episode, ...] = (fix_advisory, compare_licences, look_again, two_repositories)
BRIEF: tuple[Episode, ...] = (compare_licences,)
