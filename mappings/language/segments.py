"""Segments of HL7 v2 messages a map may name (v2.1 to v2.8; and any Z segment)."""

from typing import Final

SEGMENTS: Final = (
    *("ABS", "ACC", "AIG", "AIL", "AIP", "AIS", "AL1", "APR", "ARQ", "ARV", "AUT", "BLG", "CON"),
    *("CTD", "CTI", "DB1", "DG1", "DRG", "DSC", "DSP", "ERR", "EVN", "FAC", "FT1", "GOL", "GP1"),
    *("GT1", "IAM", "IN1", "IN2", "IN3", "LOC", "MRG", "MSA", "MSH", "NK1", "NTE", "OBR", "OBX"),
    *("ORC", "PCR", "PD1", "PDA", "PID", "PR1", "PRB", "PRD", "PRT", "PTH", "PV1", "PV2", "QRD"),
    *("RF1", "RGS", "ROL", "RXA", "RXE", "RXO", "RXR", "SCH", "SFT", "SPM", "STF", "TQ1", "TQ2"),
    *("TXA", "UB1", "UB2", "VAR"),
)
