"""Text of an article -> whether it speaks to a machine, and how a machine may be shown it."""

from __future__ import annotations

import re

from rag.llm import clean

_TO_A_MACHINE = re.compile(
    r"\b(?:ignor\w*|disregard\w*|forget|override|bypass|oubli\w*|vergiss|olvid\w*|überg\w+|"
    r"missacht\w*|dimentica\w*)\b.{0,60}\b(?:instru[ck]\w*|istruzion\w*|anweisung\w*|prompt\w*|"
    r"rules?|regel\w*|regl\w*|règl\w*|above|previous|prior|earlier|passages?|context|guidelines?|"
    r"everything|articles?)|"
    r"\b(?:you are now|from now on,? (?:you|act|answer|respond)|you (?:\w+ )?act as|pretend you|"
    r"new (?:instructions?|task)\s*:|system (?:prompt|message|note|override|instruction)|"
    r"developer (?:mode|message)|jailbr\w+|debug mode|admin(?:istrator)? (?:mode|override))\b|"
    r"\b(?:AI|language|chat|L\.?L\.?M\.?)[ -]?(?:model|assistants?|bots?|systems?|agents?)\b.{0,80}"
    r"\b(?:must|should|shall|please|note|attention|instruct\w*|reading|read|answer|respond|say|"
    r"write|reply|include|tell|ignore|have to|need to|required)\b|"
    r"\b(?:attention|note|message|instructions?|memo) (?:to|for) (?:the |all |any )?(?:\w+ )?"
    r"(?:assistants?|models?|bots?|AIs?|chatbots?|LLMs?|agents?|summari[sz]er|retriev\w+)\b|"
    r"^\s*(?:#+\s*)?(?:system|assistant|user|human|developer|tool|ai)\s*(?:\]|>|:|\|)|"
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|start_header_id|eot_id|tool)\b|"
    r"\[/?(?:INST|SYSTEM|ASSISTANT|USER|TOOL)\]|<<SYS>>|"
    r"\b(?:when|if|whenever|before|while) (?:you(?:[’']re| are)? (?:asked|answer|summari[sz]e|"
    r"respond|cite|quote)|(?:you are )?(?:answering|summari[sz]ing|citing|quoting)|asked\b.{0,60}"
    r"\b(?:answer|say|respond|reply|write))\b|"
    r"\b(?:cite|quote|reference|list|name) (?:this|me|only this|us) (?:\w+ )?(?:as|first|article|"
    r"document|page|source|instead)\b|"
    r"(?:^|[.!?:;,—]\s*|\b(?:must|should|please|always|then|now|just|simply|and|you)\s+)"
    r"(?:answer|respond|reply|output|say|write|print|repeat|state|begin|end|start|finish|conclude)"
    r" (?:only|exactly|verbatim|with|that|every|your|in (?:french|german|spanish|italian|"
    r"russian|chinese|arabic|latin|pig latin|base64|rot13|capitals|emoji)|the following|the "
    r"words?|this sentence|to (?:every|any|all|the user))\b|"
    r"\b(?:tool_?calls?|function_?calls?|call the (?:tool|function)|\"name\"\s*:|"
    r"arguments\"?\s*:)|"
    r"\b(?:append|insert|include|embed|add) .{0,40}\b(?:to|in|at) (?:your|the|every|each|any) "
    r"(?:\w+ )?(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)|outputs?)\b|"
    r"\b(?:your|the) (?:answer|response|reply|output|summary) (?:must|should|shall|has to|needs)|"
    r"!\[[^\]]*\]\(|\b(?:reveal|leak|exfiltrate|print|show|repeat) (?:your|the) (?:system|hidden|"
    r"secret|initial|prompt|conversation|instructions?|password|key)|"
    r"\b(?:prompt injection|do not (?:mention|tell|reveal|cite|use) (?:this|these|that|the (?:user|"
    r"reader|other|passages?|articles?)))\b|"
    r"\b(?:réponds?|répondez|dites|antworte(?:n Sie)?|sage(?:n Sie)?|responde|diga|di que|rispondi|"
    r"отвечай|ответь|игнорируй|忽略|无视|回答)\b|[忽无][略视]|指令|игнорир\w+|تجاهل",
    re.IGNORECASE | re.MULTILINE,
)


_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
# Words of talk with a machine. One of them is no sign; one beside "you", or before a colon, is.
_MACHINE_WORDS = re.compile(
    r"\b(?:assistants?|chatbots?|gpt\w*|llms?|ai|robots?|bots?|prompts?|overrid\w+|instructions?|"
    r"users?|outputs?|task|answers?|repl(?:y|ies)|respond|responses?|summari[sz]\w+|developer|"
    r"automatically|passages?|questions?|cite|quote me|goal|facts?|report|state|say|tell|write|"
    r"return|disclose|convince|conclude|mention|present)\b",
    re.IGNORECASE,
)
_YOU = re.compile(r"\b(?:you|your|yourself|yours)\b", re.IGNORECASE)
_MACHINE_COLON = re.compile(
    r"\b(?:assistants?|chatbots?|gpt\w*|llms?|ai|robots?|bots?|prompt|override|instructions?|user|"
    r"human|output|task|answer|reply|response|sentence|plan|goal|role|content|conclusion|line|"
    r"say|write|state|tell|print|return|report|fact|it|this)\b[^.:]{0,40}[:=](?=\s*\S)|"
    r"\b(?:whoever|whatever|anything|anyone) (?:program |system |machine |model )?(?:\w+ )?"
    r"(?:reads?|process\w*|summari[sz]es)\b|\bBEGIN\b.*\bEND\b|\b(?:this|the following) "
    r"(?:\w+ )?(?:supersedes|overrides|replaces)\b|[\[{(]\W*(?:hidden|role|system)\b",
    re.IGNORECASE | re.DOTALL,
)
_IMPERATIVE = re.compile(
    r"(?:^|[.!?]\s+)(?:please\s+|now\s+|always\s+|only\s+|hey\b[^.!?]*[!,]\s*)*(?:answer|reply|"
    r"respond|say|write|tell|return|report|state|cite|quote|rate|rank|skip|drop|stop|present|"
    r"mention|conclude|finish|begin|remember|translate|use|pretend|treat|trust)\b",
    re.IGNORECASE,
)


def speaks_to_a_machine(text: str) -> bool:
    """Say whether a text gives orders to a language model instead of telling a reader something.

    Patterns of published attacks, in English and a few other languages. It finds the known
    families, not every attack; and an article *about* such attacks is held to be one, which costs
    it its place as evidence for a model's sentences (not its place in search, or in the answer in
    the sources' own words).
    """
    plain = clean(text)
    if _TO_A_MACHINE.search(plain):
        return True
    # What somebody is quoted with may well say "you".
    spoken_by_nobody = _QUOTED.sub(" ", plain)
    machine = {word.lower() for word in _MACHINE_WORDS.findall(spoken_by_nobody)}
    if not machine:
        return False
    return bool(
        _YOU.search(spoken_by_nobody)
        or _MACHINE_COLON.search(spoken_by_nobody)
        or (len(machine) > 1 and _IMPERATIVE.search(spoken_by_nobody))
    )


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Return where paragraphs stand; one ends at a line break."""
    starts = [0, *(match.end() for match in re.finditer(r"\n+", text))]
    ends = [*starts[1:], len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


_TEMPLATE_TOKENS = re.compile(
    r"<\|[^|>]{0,40}\|>|<｜[^｜]{0,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>",
    re.IGNORECASE,
)


def as_data(text: str) -> str:
    """Return text that cannot end its element, nor look like a turn of the conversation."""
    plain = _TEMPLATE_TOKENS.sub(" ", clean(text))
    return plain.replace("<", "‹").replace(">", "›").replace('"', "”")


__all__ = ["as_data", "paragraphs", "speaks_to_a_machine"]
