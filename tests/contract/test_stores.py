"""What every store promises, whatever holds it: the tests of `tests/store`, which run on a file, here on a real PostgreSQL.

A test is imported by its name and finds the fixtures of this module, so a promise is written down once.
"""

# ruff: noqa: F401  # tests and a fixture are imported to be collected here

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.postgres_server import new_database
from tests.store.conftest import Places
from tests.store.samples import clock
from tests.store.test_calls import (
    test_a_call_of_a_run_that_never_began_is_refused,
    test_an_answer_comes_back_as_it_was_booked,
    test_every_way_of_adding_up_gives_the_sum_of_the_stored_calls,
    test_the_first_paid_answer_is_the_one_that_is_replayed,
)
from tests.store.test_crash import test_kill_at_any_instant_leaves_whole_sessions, test_two_writers_wait_for_each_other
from tests.store.test_journal import test_actions_come_back, test_only_begun_runs_end, test_runs_have_ids_of_their_own
from tests.store.test_lock import test_interrupted_run_shows_as_such
from tests.store.test_reviewing import (
    held,
    test_acceptance_ends_with_another_answer,
    test_decision_survives_absence,
    test_decision_survives_compiling_again,
    test_decisions_move_the_pair_and_are_kept_in_order,
    test_inapplicable_gate_does_not_stand_in_the_way,
    test_nobody_accepts_past_an_exact_gate,
    test_review_of_no_pair,
    test_same_review_twice_is_one,
    test_superseded_pair_is_not_accepted,
)
from tests.store.test_round_trip import test_trajectory_and_pair_come_back_equal
from tests.store.test_stages import (
    test_blocked_session_has_no_stage,
    test_changed_turns_supersede_a_stage,
    test_failed_stage_is_not_done,
    test_origins_narrow_a_query,
    test_sessions_are_listed_by_id,
    test_stage_replaces_its_own_pairs_only,
    test_stage_stands_beside_the_compiler,
)
from tests.store.test_store import (
    test_blocked_session_passes_nothing,
    test_current_until_rows_or_key_change,
    test_findings_are_replaced_with_their_session,
    test_findings_of_a_run_replace_those_of_the_last,
    test_packed_in_a_worker_is_the_same,
    test_pair_and_trajectory_come_back_as_given,
    test_pair_by_prefix,
    test_pairs_may_be_reviewed_while_they_are_read,
    test_pairs_no_longer_given_are_superseded,
    test_query_filters,
    test_same_content_under_two_names,
    test_seeded_order_is_fixed,
    test_snapshot_is_the_last_one_saved,
    test_unused_trajectories_are_dropped,
    test_view_does_not_change,
)
from tests.store.test_subjects import (
    test_a_policy_is_kept_under_its_hash,
    test_a_session_that_changed_knows_its_new_identities_only,
    test_a_subject_is_found_in_the_sessions_that_hold_it,
)
from trajectory_compiler.store import Store


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Return a function that names a new schema of one database each time."""
    address, numbers = new_database(), itertools.count()
    return lambda: f"{address}{'&' if '?' in address else '?'}schema=s{next(numbers)}"


@pytest.fixture
def place(places: Places, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return an address for one store; the key of a store on a server lies under the current folder."""
    monkeypatch.chdir(str(tmp_path))
    return places()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    """Give an empty store on the server."""
    with Store.open(place, clock=clock) as opened:
        yield opened
