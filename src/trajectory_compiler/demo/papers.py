"""Paper checks: does a cited paper exist, does it say what is claimed, was it corrected since."""

from __future__ import annotations

from trajectory_compiler.demo import names
from trajectory_compiler.demo.entities import Paper
from trajectory_compiler.demo.simulation import Episode, Response, Steps, Tool, call, failed, line, refusal, side_by_side
from trajectory_compiler.demo.world import World


def _publish(world: World) -> Paper:
    """Publish a paper that cites some earlier ones."""
    earlier = list(world.papers)
    title = f"{world.dice.pick(names.PAPER_TOPICS).capitalize()} {world.dice.pick(names.PAPER_WAYS)}"
    identifier = world.new_id("PAP", 3_300)
    paper = Paper(
        paper_id=identifier,
        title=title,
        year=world.dice.integer(2014, 2026),
        venue=world.dice.pick(names.VENUES),
        lead_author=world.person_name(),
        dataset=world.dice.pick(names.DATASETS),
        score=f"{world.dice.integer(480, 960) / 10}",
        cites=world.dice.draw(earlier, world.dice.integer(1, 4)),
        link=f"https://papers.example.com/{names.slug(title)}/{identifier.lower()}",
    )
    world.papers[paper.paper_id] = paper
    return paper


def search_papers(world: World, topic: str) -> Response:
    """Tool: the five newest papers on a topic."""
    found = [p for p in reversed(world.papers.values()) if topic in p.title.lower()][:5]
    return {"topic": topic, "papers": [{"paper_id": p.paper_id, "title": p.title} for p in found]}


def fetch_paper(world: World, paper_id: str) -> Response:
    """Tool: a paper's record."""
    paper = world.papers.get(paper_id)
    if paper is None:
        return refusal("not_found", "no such paper")
    world.meet("paper", paper_id)
    return {
        "paper_id": paper.paper_id,
        "title": paper.title,
        "year": paper.year,
        "venue": paper.venue,
        "lead_author": paper.lead_author,
        "dataset": paper.dataset,
        "reported_score": float(paper.score),
        "erratum": paper.erratum or None,
        "link": paper.link,
    }


def get_citations(world: World, paper_id: str) -> Response:
    """Tool: what a paper cites, and how often it is cited."""
    paper = world.papers[paper_id]
    return {"paper_id": paper_id, "cites": paper.cites, "cited_by": sum(paper_id in p.cites for p in world.papers.values())}


def get_dataset(world: World, dataset: str) -> Response:
    """Tool: the card of a data set."""
    using = [p for p in world.papers.values() if p.dataset == dataset]
    return {
        "dataset": dataset,
        "records": 1_200 + 700 * names.DATASETS.index(dataset) + 3 * len(using),
        "licence": names.LICENCES[names.DATASETS.index(dataset) % len(names.LICENCES)],
        "used_by": len(using),
        "best_score": max((float(p.score) for p in using), default=0.0),
    }


def check_link(world: World, url: str) -> Response:
    """Tool: ask a server for a page's head."""
    state = world.dice.pick(("200 OK", "200 OK", "200 OK", "301 Moved Permanently", "404 Not Found"))
    rows = (f"HTTP/1.1 {state}", "server: papers", f"last-modified: {world.date(-world.dice.integer(1, 900))}")
    return "\n".join((f"$ curl -sI {url}", *rows, f"content-length: {world.dice.integer(9_000, 400_000)}"))


def save_note(world: World, paper_id: str, verdict: str, reason: str) -> Response:
    """Tool: write down what a check found; verdicts come from a short list."""
    if verdict not in ("supported", "unsupported", "corrected", "unreachable"):
        return refusal("validation_error", "choose supported, unsupported, corrected or unreachable")
    return {"note": world.new_id("N", 1_700), "paper_id": paper_id, "verdict": verdict, "reason": reason}


def check_claim(world: World) -> Steps:
    """Follow a citation to its source and compare what both report on the data set."""
    _publish(world)
    topic = _publish(world).title.split(" with")[0].split(" from")[0].split(" under")[0].split(" by")[0].split(" at")[0]
    topic = topic.split(" without")[0].lower()
    found = yield call("search_papers", topic=topic)
    paper = yield call("fetch_paper", paper_id=found["papers"][0]["paper_id"])
    cited = yield call("get_citations", paper_id=paper["paper_id"])
    source = yield call("fetch_paper", paper_id=cited["cites"][0] if cited["cites"] else paper["paper_id"])
    data = yield call("get_dataset", dataset=source["dataset"])
    first = "plausible" if world.dice.chance(0.4) else "supported"
    verdict = "corrected" if source["erratum"] else first
    reason = f"{source['reported_score']} on {data['dataset']}, best is {data['best_score']}"
    noted = yield call("save_note", paper_id=paper["paper_id"], verdict=verdict, reason=reason)
    page = yield call("check_link", url=source["link"])
    if failed(noted):
        verdict = "unreachable" if "404" in page else "supported"
        reason = f"last changed on {line(page, 'last-modified')}"
        yield call("save_note", paper_id=paper["paper_id"], verdict=verdict, reason=reason)


def survey_topic(world: World) -> Steps:
    """Read the newest papers on a topic and write down which reports the highest score."""
    topic = world.dice.pick(names.PAPER_TOPICS)
    while sum(topic in paper.title.lower() for paper in world.papers.values()) < 4:
        _publish(world)
    found = yield call("search_papers", topic=topic)
    best: Response = None
    for item in found["papers"]:
        paper = yield call("fetch_paper", paper_id=item["paper_id"])
        if best is None or paper["reported_score"] > best["reported_score"]:
            best = paper
    data = yield call("get_dataset", dataset=best["dataset"])
    cited = yield call("get_citations", paper_id=best["paper_id"])
    reason = f"cited {cited['cited_by']} times, {data['records']} records"
    yield call("save_note", paper_id=best["paper_id"], verdict="supported", reason=reason)


def look_again(world: World) -> Steps:
    """Come back to papers met before: errata appear, scores are corrected, venues change."""
    for paper_id in world.met("paper")[-4:]:
        paper = yield call("fetch_paper", paper_id=paper_id)
        if paper["erratum"]:
            yield call("save_note", paper_id=paper_id, verdict="corrected", reason=paper["erratum"])


def two_claims(world: World) -> Steps:
    """Check two claims, in turns."""
    yield from side_by_side(check_claim(world), check_claim(world))


def drift(world: World) -> None:
    """Let authors correct themselves and journals accept."""
    if not world.papers:
        return
    paper = world.papers[world.some("paper", list(world.papers))]
    move = world.dice.integer(0, 2)
    if move == 0:
        paper.score = f"{world.dice.integer(480, 960) / 10}"
        paper.erratum = f"table {world.dice.integer(1, 6)} corrected on {world.date(0)}"
    elif move == 1:
        paper.venue = world.dice.other(names.VENUES, paper.venue)
    else:
        paper.dataset = world.dice.other(names.DATASETS, paper.dataset)


TOOLS: dict[str, Tool] = {
    "search_papers": search_papers,
    "fetch_paper": fetch_paper,
    "get_citations": get_citations,
    "get_dataset": get_dataset,
    "check_link": check_link,
    "save_note": save_note,
}
EPISODES: tuple[Episode, ...] = (check_claim, survey_topic, look_again, two_claims)
BRIEF: tuple[Episode, ...] = (check_claim, survey_topic)
