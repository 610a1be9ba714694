"""The built-in model: a catalogue, downloads checked by hash, and a child process that answers.

`app.chat.providers.embedded` is the way in; nothing here knows Flask, users or the database.
"""
