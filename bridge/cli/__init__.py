"""The command line. Exit codes: 0 ok, 1 findings or an error, 2 usage.

Heavy parts are imported inside the commands, so that ``--help`` is quick.
"""

import sys

import typer

from bridge.cli import (
    accounts,
    clients,
    database,
    deployment,
    edfi,
    evidence,
    forms,
    guardians,
    held,
    importing,
    jobs,
    ledgers,
    maps,
    mous,
    notifications,
    recalls,
    referrals,
    register,
    reviews,
    serving,
    sources,
    staff,
    state_hub,
    students,
    work_lists,
)
from bridge.cli.demo import demo
from bridge.cli.running import told_errors

app = typer.Typer(
    name="schoolbridge",
    help="FHIR interoperability bridge between schools and mental-health providers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(demo)
app.command()(deployment.init)
app.command()(serving.serve)
app.command()(deployment.doctor)
app.command()(accounts.why)
app.command()(accounts.account)
app.command()(work_lists.work_list)
app.add_typer(maps.app, name="map", help="Maps: from a district's columns to FHIR.")
app.add_typer(mous.app, name="mou", help="Memoranda of understanding.")
app.add_typer(importing.app, name="import", help="Bring records in.")
app.add_typer(held.app, name="held", help="Rows that wait for a person.")
app.add_typer(importing.export_app, name="export", help="Give a school its follow-up.")
app.add_typer(edfi.app, name="edfi", help="Tell a district's Ed-Fi ODS who is in services.")
app.add_typer(jobs.app, name="jobs", help="Exports that partners have begun.")
app.add_typer(notifications.app, name="notifications", help="What subscribers are sent.")
app.add_typer(clients.party_app, name="party", help="Agreements and their parties.")
app.add_typer(clients.client_app, name="client", help="Partner systems that may connect.")
app.add_typer(staff.staff_app, name="staff", help="People who sign in.")
register.release_app.command("form")(forms.form)
register.release_app.command("check")(forms.check)
app.add_typer(register.release_app, name="release", help="Signed forms of families.")
app.add_typer(referrals.app, name="referral", help="What a school does about a referral.")
app.add_typer(guardians.app, name="guardian", help="Who may sign for a student.")
app.add_typer(students.app, name="student", help="A student's records: one child, orders, erasing.")
app.add_typer(register.emergency_app, name="emergency", help="Emergencies and their reviews.")
app.add_typer(reviews.app, name="review", help="What waits for a person.")
app.add_typer(sources.app, name="source", help="Whether who supplies a fact can say.")
app.add_typer(recalls.app, name="recall", help="Notices to stop using what went out.")
app.add_typer(database.app, name="db", help="The database: tables, copies.")
for _evidence in (
    evidence.key,
    evidence.extend,
    evidence.receipt,
    evidence.countersign,
    evidence.export,
):
    ledgers.app.command()(_evidence)
app.add_typer(ledgers.app, name="ledger", help="The disclosure ledger.")
app.add_typer(state_hub.app, name="hub", help="The state hub.")


def main() -> None:
    """Run the command line; an expected error is one clear line and exit code 1."""
    # Not ``app()``: typer would put its own hook for unexpected errors in place of ours.
    sys.exit(told_errors(typer.main.get_command(app)))
