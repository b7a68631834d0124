"""Every page of the portal that the gate looks at: a new page is one line here."""

from dataclasses import dataclass

from bridge.portal.refer import STEPS


@dataclass(frozen=True)
class PageCase:
    """One page.

    Attributes:
        path: its address; ``{name}`` is filled from what the portal under test made.
        signed_in: whether a counsellor is.
        send: sent without an answer first, so that the page shows its problems.
        typed: what is written into its one text before it is sent, so that the next page shows it.
        family: whether somebody of a family has proved who they are.
        clinic: whether somebody of a provider is signed in.
        lead: whether it is somebody who leads a school's referrals, or a provider.
    """

    name: str
    path: str
    signed_in: bool = True
    send: bool = False
    typed: str = ""
    family: bool = False
    clinic: bool = False
    lead: bool = False

    @property
    def who(self) -> str:
        """Who looks: a counsellor, who leads, somebody of a family or a provider, or nobody."""
        if self.family:
            return "family"
        if self.clinic:
            return "clinic-lead" if self.lead else "clinic"
        if self.lead:
            return "lead"
        return "counselor-1" if self.signed_in else ""


PAGES = (
    PageCase("sign-in", "/portal/sign-in", signed_in=False),
    PageCase("sign-in-wrong", "/portal/sign-in", signed_in=False, send=True),
    PageCase("help", "/portal/help"),
    PageCase("help-before", "/portal/help", signed_in=False),
    PageCase("not-found", "/portal/static/none"),
    PageCase("board", "/portal/board?show=all"),
    PageCase("board-mine", "/portal/board"),
    PageCase("family-code", "/portal/family/{token}", signed_in=False),
    PageCase("family-code-wrong", "/portal/family/{token}", signed_in=False, send=True),
    PageCase("family-over", "/portal/family/none-of-ours", signed_in=False),
    PageCase("family-form", "/portal/family/form", family=True),
    PageCase("family-form-wrong", "/portal/family/form", family=True, send=True),
    PageCase("family-account", "/portal/family/account", family=True),
    PageCase("family-signed", "/portal/family/signed", family=True),
    PageCase("family-withdraw", "/portal/family/withdraw/{release}", family=True),
    PageCase("forms-find", "/portal/forms", send=True),
    PageCase("forms", "/portal/forms/{student}/harbor"),
    PageCase("forms-paper", "/portal/forms/{student}/harbor/paper", send=True),
    PageCase("forms-verbal", "/portal/forms/{student}/harbor/verbal"),
    PageCase("forms-ask", "/portal/forms/{student}/harbor/ask"),
    PageCase("forms-quiet", "/portal/forms/{student}/harbor/quiet/{contact}"),
    PageCase("forms-withdraw", "/portal/forms/{student}/harbor/withdraw/{release}"),
    PageCase("board-none", "/portal/board?show=no-show"),
    PageCase("referral", "/portal/referral/{referral}"),
    PageCase("referral-declined", "/portal/referral/{declined}"),
    PageCase("withdraw", "/portal/referral/{referral}/withdraw"),
    PageCase("withdraw-wrong", "/portal/referral/{referral}/withdraw", send=True),
    PageCase("owner", "/portal/referral/{referral}/owner"),
    PageCase("note", "/portal/referral/{referral}/note"),
    PageCase("note-internal", "/portal/referral/{referral}/note/internal"),
    PageCase("note-shared-wrong", "/portal/referral/{referral}/note/shared", send=True),
    PageCase("note-shared-check", "/portal/referral/{referral}/note/shared", typed="Ask by phone."),
    PageCase("meeting", "/portal/meeting"),
    PageCase("looked", "/portal/looked", lead=True),
    PageCase("close-out", "/portal/close-out", lead=True),
    PageCase("close-out-group", "/portal/close-out/unanswered", lead=True),
    PageCase("close-out-wrong", "/portal/close-out/unanswered", lead=True, send=True),
    PageCase("same", "/portal/same", lead=True, send=True),
    PageCase("same-two", "/portal/same/{student}/{other}", lead=True),
    PageCase("same-two-wrong", "/portal/same/{student}/{other}", lead=True, send=True),
    PageCase("import", "/portal/import", lead=True, send=True),
    PageCase("import-review", "{review}", lead=True),
    PageCase("import-brought-in", "{brought-in}", lead=True),
    PageCase("import-row", "{review}/row/5", lead=True),
    PageCase("refer", "/portal/refer"),
    *(PageCase(f"refer-{step}", f"{{draft}}/{step}") for step in STEPS),
    *(PageCase(f"refer-{step}-wrong", f"{{fresh}}/{step}", send=True) for step in STEPS),
    PageCase("refer-provider-none", "{draft}/provider?speaks=pt&late=yes"),
    PageCase("refer-check", "{draft}/check"),
    PageCase("refer-check-waiting", "{waiting}/check"),
    PageCase("refer-sent", "{sent}/sent"),
    PageCase("clinic-work", "/portal/work", clinic=True),
    PageCase("clinic-file", "/portal/work/file", clinic=True, send=True),
    PageCase("clinic-looked", "/portal/work/looked", clinic=True, lead=True),
    PageCase("clinic-referral", "/portal/work/{task}", clinic=True, send=True),
)
