"""Detectors that watch a stream item by item; one file each.

Importing this package registers them all.
"""

from anchorwatch.drift.sequential.adwin import Adwin, AdwinState
from anchorwatch.drift.sequential.ddm import Ddm, DdmState
from anchorwatch.drift.sequential.detector import DETECTORS, Detector, OfErrors, Registered, State, register
from anchorwatch.drift.sequential.eddm import Eddm, EddmState
from anchorwatch.drift.sequential.hddm_a import HddmA, HddmAState
from anchorwatch.drift.sequential.hddm_w import HddmW, HddmWState
from anchorwatch.drift.sequential.kswin import Kswin, KswinState
from anchorwatch.drift.sequential.page_hinkley import PageHinkley, PageHinkleyState
from anchorwatch.drift.sequential.risk import Risk, RiskState

__all__ = [
    "DETECTORS",
    "Adwin",
    "AdwinState",
    "Ddm",
    "DdmState",
    "Detector",
    "Eddm",
    "EddmState",
    "HddmA",
    "HddmAState",
    "HddmW",
    "HddmWState",
    "Kswin",
    "KswinState",
    "OfErrors",
    "PageHinkley",
    "PageHinkleyState",
    "Registered",
    "Risk",
    "RiskState",
    "State",
    "register",
]
