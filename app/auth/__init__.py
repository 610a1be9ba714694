"""Accounts: registration, sign-in, one-time links, settings of the account."""
