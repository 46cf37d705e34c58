"""The demo log: a small simulated business whose agents leave an audit log. It shares no code with the compiler.

dice          chance from a seed, the same on any machine
names         invented names, reserved domains, numbers kept for drama
entities      the things of the business
world         their state and the clock
simulation    how a scenario calls tools and is sent their responses
desk, mail, todos, support, billing, telephony, packages, papers, watchdog
              the lines of business: tools, scenarios, and what other people do meanwhile
business      the eight agents and the plan of their sessions
log           the file
"""

from trajectory_compiler.demo.log import DemoSummary, write_demo_log

__all__ = ["DemoSummary", "write_demo_log"]
