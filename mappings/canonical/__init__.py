"""Canonical records: what a row means, whatever its source called it."""

from mappings.canonical.answer import ReferralAnswer
from mappings.canonical.referral import (
    Coded,
    Guardian,
    Referral,
    Release,
    Screening,
    SourceRow,
    Student,
)
from mappings.canonical.screening import ItemAnswer, ScaleResult, StudentScreening
from mappings.canonical.session import Attendance, Modality, Place, ServiceSession

__all__ = [
    "Attendance",
    "Coded",
    "Guardian",
    "ItemAnswer",
    "Modality",
    "Place",
    "Referral",
    "ReferralAnswer",
    "Release",
    "ScaleResult",
    "Screening",
    "ServiceSession",
    "SourceRow",
    "Student",
    "StudentScreening",
]
