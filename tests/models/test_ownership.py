"""What belongs to somebody is fetched through its owner, and is not there for anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from app.clock import utcnow
from app.database import new_id
from app.errors import NotFound
from app.extensions import db
from app.models.branch import get_branch
from app.models.conversation import Conversation, get_conversation, list_conversations
from app.models.email_token import EmailToken, consume_email_token, delete_email_tokens, find_email_token
from app.models.login_session import LoginSession, find_login_session
from app.models.message import Message, get_message, get_message_in
from app.models.user import User
from app.tokens import hash_token


@dataclass(frozen=True)
class Owner:
    id: UUID
    conversation: UUID
    message: UUID


@pytest.fixture(autouse=True)
def _context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def make_owner(email: str) -> Owner:
    """An account with a conversation of one message, a session and a link, both named by the address."""
    user = User.create(email)
    db.session.add(user)
    db.session.flush()
    conversation = Conversation(user_id=user.id)
    later = utcnow() + timedelta(hours=1)
    db.session.add_all(
        [
            conversation,
            LoginSession(user_id=user.id, token_hash=hash_token(email), method="link", expires_at=later),
            EmailToken(user_id=user.id, token_hash=hash_token(email), expires_at=later),
        ]
    )
    db.session.flush()
    message = Message(conversation_id=conversation.id, role="user", content="Hello")
    db.session.add(message)
    db.session.commit()
    return Owner(user.id, conversation.id, message.id)


@pytest.fixture
def alice() -> Owner:
    return make_owner("alice@example.org")


@pytest.fixture
def bob() -> Owner:
    return make_owner("bob@example.org")


def test_the_owner_gets_it(alice: Owner) -> None:
    conversation = get_conversation(alice.id, alice.conversation)

    assert conversation.id == alice.conversation
    assert get_message(alice.id, alice.message).id == alice.message
    assert get_message_in(conversation, alice.message).id == alice.message
    assert [message.id for message in get_branch(conversation).messages] == [alice.message]
    assert [message.id for message in get_branch(conversation, through=alice.message).messages] == [alice.message]
    assert [one.id for one in list_conversations(alice.id).conversations] == [alice.conversation]


def test_absent_and_foreign_are_the_same(alice: Owner, bob: Owner) -> None:
    sentences = set()
    for conversation_id in (alice.conversation, new_id(), alice.id):
        with pytest.raises(NotFound) as refused:
            get_conversation(bob.id, conversation_id)
        sentences.add(refused.value.sentence)
    assert len(sentences) == 1


def test_a_foreign_message_is_not_there(alice: Owner, bob: Owner) -> None:
    for message_id in (alice.message, new_id()):
        with pytest.raises(NotFound, match="no such message"):
            get_message(bob.id, message_id)


def test_a_message_of_another_conversation_is_not_in_this_one(alice: Owner) -> None:
    other = Conversation(user_id=alice.id)
    db.session.add(other)
    db.session.commit()
    with pytest.raises(NotFound):
        get_branch(other, through=alice.message)
    with pytest.raises(NotFound):
        get_branch(other, before=alice.message)

    assert get_message(alice.id, alice.message), "it is hers"
    with pytest.raises(NotFound):
        get_message_in(other, alice.message)


def test_lists_hold_the_owners_own(alice: Owner, bob: Owner) -> None:
    assert [one.id for one in list_conversations(bob.id).conversations] == [bob.conversation]
    assert list_conversations(new_id()).conversations == []


def find_link(token: str) -> EmailToken | None:
    return find_email_token(token, "link")


@pytest.mark.parametrize("find", [find_login_session, find_link])
def test_a_token_finds_its_own_user_alone(alice: Owner, bob: Owner, find: object) -> None:
    assert callable(find)
    for owner, token in ((alice, "alice@example.org"), (bob, "bob@example.org")):
        found = find(token)
        assert (found.user_id, found.user.id) == (owner.id, owner.id)
    for guess in ("", "x", hash_token("alice@example.org"), "\ud800", "%"):
        assert find(guess) is None


@pytest.mark.parametrize("find", [find_login_session, find_link])
def test_a_token_of_a_suspended_account_finds_nobody(alice: Owner, find: object) -> None:
    assert callable(find)
    assert find("alice@example.org")
    db.session.execute(db.update(User).values(active=False))
    db.session.commit()

    assert find("alice@example.org") is None


def test_a_link_is_consumed_once(alice: Owner) -> None:
    link = find_email_token("alice@example.org", "link")
    assert link

    assert consume_email_token(link)
    assert not consume_email_token(link)


def test_only_the_own_links_are_deleted(alice: Owner, bob: Owner) -> None:
    delete_email_tokens(alice.id)
    db.session.commit()

    assert find_email_token("alice@example.org", "link") is None
    assert find_email_token("bob@example.org", "link")
