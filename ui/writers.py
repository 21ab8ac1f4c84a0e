"""Settings -> the switch between the sources' own words and a language model's. Pure."""

from __future__ import annotations

from rag.llm import OpenAICompatible
from rag.settings import Settings
from ui.markup import label

_STEERING = {"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"}


def model_of(settings: Settings) -> OpenAICompatible | None:
    """Return the language model that the settings name, or None."""
    if not settings.llm_base_url or not settings.llm_model:
        return None
    return OpenAICompatible(settings.llm_base_url, settings.llm_model)


def writer_html(model: OpenAICompatible | None) -> str:
    """Return the switch, for a template: who writes the answer, and where the words go then.

    Args:
        model: That is configured; without one there is nothing to choose.
    """
    if model is None:
        return ""
    host = model.where.partition("://")[2]
    goes = (
        "This conversation and the passages found stay on this machine."
        if model.is_here
        else f"This conversation and the passages found go to <b>{_shown(host)}</b>."
    )
    return (
        '<fieldset class="dl-writer"><legend class="dl-visually-hidden">Who writes the answer'
        '</legend><label><input type="radio" name="dl-writer" value="extractive"> The sources’ own'
        ' words</label><label><input type="radio" name="dl-writer" value="model" checked>'
        f"<span>Written by <bdi>{_shown(model.name)}</bdi></span></label>"
        f'<p class="dl-small dl-where" data-for="model">{goes}</p>'
        '<p class="dl-small dl-where" data-for="extractive">No language model is asked.</p>'
        "</fieldset>"
    )


def _shown(text: str) -> str:
    """Return text as HTML that a template leaves as it stands."""
    return "".join(_STEERING.get(character, character) for character in label(text))
