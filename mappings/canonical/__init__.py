"""Canonical records: what a row means, whatever its source called it."""

from mappings.canonical.referral import (
    Coded,
    Guardian,
    Referral,
    Release,
    Screening,
    SourceRow,
    Student,
)
from mappings.canonical.session import Attendance, Modality, Place, ServiceSession

__all__ = [
    "Attendance",
    "Coded",
    "Guardian",
    "Modality",
    "Place",
    "Referral",
    "Release",
    "Screening",
    "ServiceSession",
    "SourceRow",
    "Student",
]
