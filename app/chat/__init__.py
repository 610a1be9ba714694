"""The chat: conversations, answers, and the models that give them."""
