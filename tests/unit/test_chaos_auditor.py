"""Who audits the auditor: planted faults, all of which it must find, and clean runs without a finding (L1, L2, L3)."""

from dataclasses import replace

import pytest

from baycast.chaos.auditor import Scope, audit
from baycast.chaos.finding import Kind
from baycast.chaos.stream import StreamPlan
from tests.support.chaos_derived_faults import DERIVED_FAULTS
from tests.support.chaos_evidence import PLAN, clean_run
from tests.support.chaos_log_faults import LOG_FAULTS, lose_refused, lose_without_trace, never_written

PLANTED = {**LOG_FAULTS, **DERIVED_FAULTS}


def test_there_are_enough_planted_faults() -> None:
    assert len(PLANTED) >= 50
    assert {kind for _, kind in PLANTED.values()} == set(Kind)


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_clean_run_has_no_findings(seed: int) -> None:
    ledger, evidence = clean_run(replace(PLAN, seed=seed))
    found = audit(ledger, evidence)

    assert found.findings == []
    figures = found.figures
    assert figures["sent"] == figures["acked"] == figures["stored"] + figures["quarantined"]
    assert figures["stored"] > 600
    assert figures["quarantined"] > 30


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    plant, kind = PLANTED[name]
    ledger, evidence = clean_run()
    plant(ledger, evidence)
    found = audit(ledger, evidence)

    assert kind in {finding.kind for finding in found.findings}
    assert found.figures[kind] > 0


def test_a_message_without_its_acknowledgement_may_be_stored_or_not() -> None:
    ledger, evidence = clean_run()
    key = next(iter(ledger.acked))
    ledger.acked.pop(key)

    assert audit(ledger, evidence).findings == []


def test_beyond_the_cap_a_count_is_enough() -> None:
    ledger, evidence = clean_run()
    kept = [one for one in evidence.quarantine if one.reason != "not_json"]
    gone = sum(one.times for one in evidence.quarantine) - sum(one.times for one in kept)
    evidence.quarantine = kept
    evidence.overflow = {"not_json": gone}
    clean = audit(ledger, evidence)
    evidence.overflow = {"not_json": gone - 1}

    assert clean.findings == []
    assert [finding.kind for finding in audit(ledger, evidence).findings] == [Kind.LOST]


def test_a_loss_that_shows_as_a_gap_is_allowed_only_where_the_broker_may_lose() -> None:
    ledger, evidence = clean_run()
    lose_without_trace(ledger, evidence)
    strict, lenient = audit(ledger, evidence), audit(ledger, evidence, Scope(may_lose=True))

    assert strict.figures["lost"] == 1
    assert (lenient.figures["lost"], lenient.figures["lost_and_reported"]) == (0, 1)


@pytest.mark.parametrize("reason", ["not_json", "conflicting"])
def test_what_has_no_number_to_miss_is_allowed_only_where_the_broker_may_lose(reason: str) -> None:
    ledger, evidence = clean_run()
    lose_refused(reason)(ledger, evidence)
    strict, lenient = audit(ledger, evidence), audit(ledger, evidence, Scope(may_lose=True))

    assert strict.figures["lost"] == lenient.figures["lost_without_number"] > 0
    assert (strict.figures["lost_without_number"], lenient.figures["lost"]) == (0, 0)


@pytest.mark.parametrize("newest", [False, True])
def test_last_words_are_allowed_to_be_lost_only_before_a_restart(newest: bool) -> None:
    ledger, evidence = clean_run(replace(PLAN, events=2000, devices=20))
    last = {(row.device, row.boot): row for row in sorted(evidence.rows, key=lambda row: row.seq)}
    never_written(
        evidence,
        next(
            row
            for (device, boot), row in sorted(last.items())
            if device.startswith("chaos-0") and ((device, boot + 1) not in last) == newest
        ),
    )
    found = audit(ledger, evidence, Scope(may_lose=True)).figures

    assert (found["lost"], found["lost_without_number"]) == ((1, 0) if newest else (0, 1))


def test_a_stream_without_events_is_clean() -> None:
    empty = StreamPlan(seed=1, events=1, devices=2, started_ms=PLAN.started_ms, poison_share=0.0)

    assert audit(*clean_run(empty)).findings == []
