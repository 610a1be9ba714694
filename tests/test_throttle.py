from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import throttle
from app.errors import TooManyRequests
from app.extensions import db
from app.models.throttle_bucket import ThrottleBucket
from tests.moved_clock import Clock
from tests.parallel import at_once

THREE = throttle.Policy("three", 3, timedelta(minutes=3))
TEN = throttle.Policy("ten", 10, timedelta(minutes=10))


def tries(app: Flask, *charges: throttle.Charge) -> int:
    """How many tries there are at once."""
    count = 0
    with app.app_context():
        while count < 100:
            try:
                throttle.pay(*charges)
            except TooManyRequests:
                return count
            count += 1
    return count


def test_it_works(app: Flask) -> None:
    assert tries(app, (THREE, "ada")) == 3
    assert tries(app, (THREE, "ada")) == 0
    assert tries(app, (THREE, "eve")) == 3, "everybody has their own"
    assert tries(app, (TEN, "ada")) == 10, "for each policy"


def test_the_answer_says_when_to_come_back(app: Flask, clock: Clock) -> None:
    tries(app, (THREE, "ada"))
    with app.app_context(), pytest.raises(TooManyRequests) as refused:
        throttle.pay((THREE, "ada"))
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 60
    clock.advance(seconds=refused.value.retry_after)

    assert tries(app, (THREE, "ada")) == 1


def test_it_fills_up_again_and_never_over(app: Flask, clock: Clock) -> None:
    tries(app, (THREE, "ada"))
    clock.advance(minutes=2)
    assert tries(app, (THREE, "ada")) == 2
    clock.advance(days=1)
    assert tries(app, (THREE, "ada")) == 3


def test_what_was_refunded_can_be_paid_again(app: Flask) -> None:
    with app.app_context():
        for _ in range(10):
            throttle.pay((THREE, "ada"))
            throttle.refund((THREE, "ada"))
            db.session.commit()

    assert tries(app, (THREE, "ada")) == 3


def test_a_refund_makes_nobody_rich(app: Flask) -> None:
    with app.app_context():
        throttle.pay((THREE, "ada"))
        for _ in range(10):
            throttle.refund((THREE, "ada"))
        db.session.commit()

    assert tries(app, (THREE, "ada")) == 3


GROWING = throttle.Policy("growing", 3, timedelta(minutes=3), doublings=2)


def waits(app: Flask, clock: Clock, count: int) -> list[int]:
    """How long the one has to wait who takes every try as soon as there is one."""
    found = []
    for _ in range(count):
        tries(app, (GROWING, "eve"))
        with app.app_context(), pytest.raises(TooManyRequests) as refused:
            throttle.pay((GROWING, "eve"))
        found.append(refused.value.retry_after or 0)
        clock.advance(seconds=found[-1])
    return [round(wait / 60) for wait in found]


def test_each_wait_is_longer(app: Flask, clock: Clock) -> None:
    assert waits(app, clock, 5) == [1, 2, 4, 4, 4]
    clock.advance(minutes=13)
    assert waits(app, clock, 2) == [1, 2], "full again, and forgiven"


def test_what_was_right_leaves_no_strike(app: Flask) -> None:
    with app.app_context():
        for _ in range(3):
            throttle.pay((GROWING, "ada"))
        for _ in range(10):
            throttle.refund((GROWING, "ada"))
            throttle.pay((GROWING, "ada"))
        assert db.session.scalars(select(ThrottleBucket.strikes)).all() == [1]


def charges(kind: throttle.Kind, device: str | None = None, address: str = "192.0.2.1") -> set[str]:
    client = throttle.Client(address, device)
    return {f"{policy.name} {subject}" for policy, subject in throttle.charges_of_proof(kind, client, "ada")}


def test_every_kind_of_proof_has_buckets_of_its_own() -> None:
    kinds: list[throttle.Kind] = ["password", "passkey", "link", "recovery", "code"]
    found = [charges(kind) for kind in kinds]

    assert all(found)
    assert sum(len(one) for one in found) == len(set().union(*found))


def test_a_known_device_pays_alone() -> None:
    kinds: list[throttle.Kind] = ["password", "passkey", "link", "recovery", "code"]
    for kind in kinds:
        known = charges(kind, "home")
        assert known == charges(kind, "home", "192.0.2.2"), f"{kind}: from whichever address"
        assert not known & charges(kind), f"{kind}: whatever strangers do"
    assert charges("password", "home") == {"proof-device password home"}
    assert charges("passkey", "home") != charges("passkey", "phone")


def test_a_known_device_asks_for_mails_and_challenges_alone(app: Flask) -> None:
    stranger, home = throttle.Client("192.0.2.1"), throttle.Client("192.0.2.1", "home")
    assert tries(app, *throttle.charges_of_mail(stranger, "ada")) == 5
    assert tries(app, *throttle.charges_of_mail(home, "ada")) == 5
    assert tries(app, *throttle.charges_of_mail(throttle.Client("192.0.2.2", "phone"), "ada")) == 0, "one mailbox"

    assert throttle.charge_of_challenge(stranger) != throttle.charge_of_challenge(home)


def test_mails_of_all_strangers_together_have_a_limit(app: Flask) -> None:
    assert [tries(app, (throttle.MAIL_OVERALL, "")) for _ in range(3)] == [100] * 3  # as often as this asks
    stranger, home = throttle.Client("192.0.2.1"), throttle.Client("192.0.2.1", "home")

    assert tries(app, *throttle.charges_of_mail(stranger, "ada")) == 0
    assert tries(app, *throttle.charges_of_mail(home, "ada")) == 5


@pytest.mark.parametrize("kind", throttle.UNGUESSABLE)
def test_no_flood_from_elsewhere_refuses_what_nobody_guesses(app: Flask, kind: throttle.Kind) -> None:
    """No bucket is shared by two addresses, so that no number of addresses empties that of a third."""
    assert not charges(kind) & charges(kind, address="192.0.2.2")


def test_wrong_codes_of_all_strangers_together_have_a_limit(app: Flask) -> None:
    shared = set.intersection(*(charges("code", address=f"192.0.2.{n}") for n in range(3)))
    assert "code-overall " in shared
    assert tries(app, (throttle.CODE_OVERALL, "")) == 100  # as often as this asks
    assert tries(app, (throttle.CODE_OVERALL, "")) == 100
    stranger, home = throttle.Client("192.0.2.1"), throttle.Client("192.0.2.1", "home")

    assert tries(app, *throttle.charges_of_proof("code", stranger, "ada")) == 0
    assert tries(app, *throttle.charges_of_proof("code", home, "ada")) == 30


def test_sign_in_pages_behind_one_address_can_stay_open(app: Flask, clock: Clock) -> None:
    """Forty tabs, each of which asks for a new challenge every 100 s, for half an hour."""
    charge = throttle.charge_of_challenge(throttle.Client("192.0.2.1"))
    with app.app_context():
        for _ in range(18):
            for _ in range(40):
                throttle.pay(charge)
            clock.advance(seconds=100)


def test_a_flood_of_passwords_leaves_passkeys_alone(app: Flask) -> None:
    client = throttle.Client("192.0.2.1")
    assert tries(app, *throttle.charges_of_proof("password", client, "ada")) == 6
    with app.app_context():
        throttle.pay_for_proof("passkey", client, "ada")
        throttle.pay_for_proof("link", client, "ada")


def test_a_process_remembers_only_so_many_refusals(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_REMEMBERED", 5)
    for n in range(12):
        tries(app, (THREE, f"eve {n}"))

    assert 0 < len(app.extensions["throttle_refusals"]) <= 5
    assert [tries(app, (THREE, f"eve {n}")) for n in range(12)] == [0] * 12, "the database knows them all"


def test_all_or_nothing(app: Flask) -> None:
    tries(app, (THREE, "ada"))
    assert tries(app, (TEN, "ada"), (THREE, "ada")) == 0

    assert tries(app, (TEN, "ada")) == 10, "nothing was taken from the other one"


def test_tries_at_once_are_all_counted(app: Flask) -> None:
    counts = at_once([lambda: tries(app, (TEN, "ada"), (THREE, "ada"))] * 8)

    assert sum(counts) == 3


def test_policies_at_once_in_any_order_do_not_get_stuck(app: Flask) -> None:
    orders = [((TEN, "ada"), (THREE, "ada")), ((THREE, "ada"), (TEN, "ada"))] * 3
    counts = at_once([partial(tries, app, *order) for order in orders])

    assert sum(counts) == 3


def test_the_first_tries_of_all_at_once_are_counted(app: Flask) -> None:
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ThrottleBucket)) == 0

    assert sum(at_once([lambda: tries(app, (THREE, "new"))] * 8)) == 3


def test_old_buckets_are_forgotten(app: Flask, clock: Clock) -> None:
    tries(app, (THREE, "old"))
    clock.advance(days=3)
    tries(app, (THREE, "new"))
    with app.app_context():
        throttle.forget_stale()
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(ThrottleBucket)) == 1


def test_no_bucket_is_forgotten_before_it_is_full_again() -> None:
    policies = [value for value in vars(throttle).values() if isinstance(value, throttle.Policy)]

    assert len(policies) >= 5
    assert all(policy.longest_refill < throttle.STALE for policy in policies)


def test_no_subject_is_kept_in_clear(app: Flask) -> None:
    tries(app, (THREE, "ada@example.org"))

    with app.app_context():
        assert "ada" not in db.session.scalars(select(ThrottleBucket.key)).one()


def test_a_subject_may_be_anything(app: Flask) -> None:
    for subject in ("", "\ud800", "\0", "x" * 10_000, "🙂"):
        assert tries(app, (THREE, subject)) == 3, subject
