"""Hostile texts: each would run a script or ask a foreign server if anything let it."""

from __future__ import annotations


def payloads(canary: str) -> list[str]:
    """Return the hostile texts, each calling ``canary`` (``http://127.0.0.1:PORT``) if it can.

    A script that runs sets ``window.pwned`` besides.
    """
    run = f"window.pwned=1;fetch('{canary}/run')"
    return [
        f"<script>{run}</script>",
        f"<script src='{canary}/s.js'></script>",
        f"<img src={canary}/i.png>",
        f'<img src=x onerror="{run}">',
        f'<svg onload="{run}"></svg>',
        f"<svg><script>{run}</script></svg>",
        f'<body onload="{run}">',
        f"<iframe src='{canary}/f'></iframe>",
        f'<iframe srcdoc="<script>parent.pwned=1</script><img src={canary}/d>"></iframe>',
        f"<object data='{canary}/o'></object>",
        f"<embed src='{canary}/e'>",
        f"<link rel=stylesheet href='{canary}/c.css'>",
        f"<style>@import url('{canary}/c2.css'); body{{background:url({canary}/b)}}</style>",
        f"<div style=\"background:url('{canary}/bg')\">x</div>",
        f"<meta http-equiv=refresh content='0;url={canary}/m'>",
        f"<base href='{canary}/'>",
        f"<form action='{canary}/form'><input name=q autofocus><button>Go</button></form>",
        f"<video src='{canary}/v' poster='{canary}/p'></video>",
        f"<audio src='{canary}/a' autoplay></audio>",
        f'<details open ontoggle="{run}">x</details>',
        f'<input autofocus onfocus="{run}">',
        f'<a href="javascript:{run}">x</a>',
        f'<math href="javascript:{run}">x</math>',
        f"![x]({canary}/md.png)",
        f"[x](javascript:{run})",
        f"[[1]](#cite-1) <sup class=cite>[1]</sup> {canary}/auto",
        f'"><script>{run}</script>',
        f"' onmouseover='{run}' x='",
        f"</textarea></title></style></script><script>{run}</script>",
        f"${{{run}}} `${{{run}}}`",
        f"{{{{constructor.constructor('{run}')()}}}}",
        f"{{{{#with this}}}}${{{run}}}{{{{/with}}}}",
        f"<!--><img src={canary}/cm>-->",
        f"<![CDATA[<img src={canary}/cd>]]>",
        f"<template><img src={canary}/t></template>",
        "\u202egnp.elif\u202c \u2066right\u2069 \u200bzero\u200b \ufeff",
        f"&lt;img src={canary}/ent&gt; &#60;script&#62;{run}",
        f"<p data-act=open data-turn=1 data-number=1>x</p><img/src='{canary}/sl'/>",
        f"\x00<img src={canary}/nul>\x08",
        f'<noscript><p title="</noscript><img src={canary}/ns>">',
    ]
