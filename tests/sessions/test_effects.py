"""Which tools change the world, by their names."""

from __future__ import annotations

import pytest

from trajectory_compiler.sessions import is_effect
from trajectory_compiler.sessions.effects import words_of

EFFECTS = """
    book_reservation cancel_reservation update_reservation_flights send_certificate
    transfer_to_human_agents Edit Write MultiEdit
    TodoWrite NotebookEdit TaskCreate iam.PutRolePolicy ec2.CreateVpc ssm.DeleteParameter s3.DeleteBucket iam.AttachRolePolicy
    ec2.ModifyInstanceAttribute ec2.AssociateRouteTable lambda.RemovePermission20150331v2 mcp__github__create_issue email_send
    search_and_replace files.upload postMessage return_delivered_order_items add_comment set-status place_order
    exchange_delivered_order_items modify_pending_order_items closeTicket
""".split()
NO_EFFECTS = """
    Bash shell execute run_query python Read Grep Glob LSP WebFetch WebSearch Task Skill think respond
    calculate get_update_status
    get_user_details search_direct_flight list_all_airports ec2.DescribeVpcs iam.ListAttachedRolePolicies sts.GetCallerIdentity
    mcp__github__list_issues mcp__update-server__get_state email_search order_status book_lookup find_post issue_read address
    dataset settings mcp__ide__getDiagnostics secretsmanager.GetResourcePolicy resolve-library-id
""".split()


@pytest.mark.parametrize("tool", EFFECTS)
def test_effects(tool: str) -> None:
    """These change the world."""
    assert is_effect(tool)


@pytest.mark.parametrize("tool", NO_EFFECTS)
def test_no_effects(tool: str) -> None:
    """These do not, or not by their names."""
    assert not is_effect(tool)


def test_overrides() -> None:
    """What the user says about a tool wins, both ways."""
    assert is_effect("Bash", {"Bash": True})
    assert not is_effect("Edit", {"Edit": False})
    assert is_effect("Edit", {"Bash": True})


def test_words() -> None:
    """Camel case, snake case, dots, dashes and digits part words; the name of an MCP server is none."""
    assert words_of("iam.PutRolePolicy") == ["iam", "put", "role", "policy"]
    assert words_of("getHTTPResponse2") == ["get", "http", "response", "2"]
    assert words_of("mcp__update-server__get-state") == ["get", "state"]
