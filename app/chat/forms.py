"""The form of a person's own settings for the chat."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from msgspec.structs import asdict
from wtforms import (  # type: ignore[attr-defined]  # SelectChoice is newer than the types
    FloatField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    SubmitField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length, NumberRange, Optional

from app.chat.providers.base import MAX_STOP_WORDS, RANGES, STOP_WORD_LENGTH, ChatOptions
from app.chat.schemas import MAX_SYSTEM_PROMPT, ChatDefaults

KEEP_ALIVE = [
    SelectChoice("", "Default"),
    SelectChoice("0", "Unload at once"),
    SelectChoice("300", "5 minutes"),
    SelectChoice("3600", "1 hour"),
    SelectChoice("-1", "For ever"),
]


def _no_nul(_form: FlaskForm, field: Any) -> None:
    if "\0" in (field.data or ""):
        raise ValidationError("This must not contain the character NUL.")


def _few_stop_words(_form: FlaskForm, field: TextAreaField) -> None:
    words = _lines(field.data)
    if len(words) > MAX_STOP_WORDS or any(len(word) > STOP_WORD_LENGTH for word in words):
        raise ValidationError(f"At most {MAX_STOP_WORDS} lines of {STOP_WORD_LENGTH} characters.")


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if line.strip()]


class PreferencesForm(FlaskForm):
    """What holds for conversations without settings of their own; empty leaves it to the installation and the model."""

    model = StringField("Model", [Optional(), Length(max=200), _no_nul])
    system_prompt = TextAreaField("System prompt", [Optional(), Length(max=MAX_SYSTEM_PROMPT), _no_nul])
    temperature = FloatField("Temperature", [Optional(), NumberRange(*RANGES["temperature"])])
    num_ctx = IntegerField("Context length", [Optional(), NumberRange(*RANGES["num_ctx"])])
    seed = IntegerField("Seed", [Optional(), NumberRange(*RANGES["seed"])])
    stop = TextAreaField("Stop words", [Optional(), _few_stop_words, _no_nul])
    keep_alive = SelectField("Keep the model loaded", choices=KEEP_ALIVE)
    submit = SubmitField("Save")

    @classmethod
    def of(cls, defaults: ChatDefaults) -> PreferencesForm:
        """Give the form as it is to be shown: with what was sent, else with what is kept."""
        kept = asdict(defaults.options)
        kept["stop"] = "\n".join(defaults.options.stop or ())
        kept["keep_alive"] = "" if defaults.options.keep_alive is None else str(defaults.options.keep_alive)
        form: PreferencesForm = cls(data={"model": defaults.model, "system_prompt": defaults.system_prompt, **kept})
        if kept["keep_alive"] not in [choice.value for choice in KEEP_ALIVE]:  # another program may have set it
            form.keep_alive.choices = [*KEEP_ALIVE, SelectChoice(kept["keep_alive"], f"{kept['keep_alive']} seconds")]
        return form

    def defaults(self) -> ChatDefaults:
        """Give what was sent, once it is valid."""
        options = ChatOptions(
            temperature=self.temperature.data,
            num_ctx=self.num_ctx.data,
            seed=self.seed.data,
            stop=_lines(self.stop.data) or None,
            keep_alive=int(self.keep_alive.data) if self.keep_alive.data else None,
        )
        return ChatDefaults((self.model.data or "").strip(), (self.system_prompt.data or "").strip(), options)
