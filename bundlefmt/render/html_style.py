# SPDX-License-Identifier: Apache-2.0
"""The page's style: rules only, nothing loaded. Light and dark, narrow and wide, on paper.

Colours are named once for each of the two; a test computes their contrast (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

LIGHT: Final = {
    "page": "#ffffff",
    "raised": "#f4f6f8",
    "ink": "#1b1f24",
    "soft": "#4f5965",
    "line": "#7d8793",
    "hair": "#d5dae0",
    "link": "#0b5cad",
    "passed": "#17652f",
    "failed": "#a8201a",
    "unsure": "#7a4d00",
    "skipped": "#4f5965",
}
DARK: Final = {
    "page": "#14171b",
    "raised": "#1e2329",
    "ink": "#e8ebee",
    "soft": "#aab4bf",
    "line": "#77828e",
    "hair": "#363d46",
    "link": "#7db7f5",
    "passed": "#6fd08c",
    "failed": "#ff948b",
    "unsure": "#f0c04d",
    "skipped": "#aab4bf",
}
# what is written or drawn in the first stands on the second
TEXT_ON: Final = tuple(
    (ink, ground)
    for ink in ("ink", "soft", "link", "passed", "failed", "unsure", "skipped")
    for ground in ("page", "raised")
)
DRAWN_ON: Final = tuple((line, ground) for line in ("line",) for ground in ("page", "raised"))


def _named(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


_RULES: Final = """
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
 font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
header,main,footer,.contents{max-width:86rem;margin:0 auto;padding:0 1rem}
h1,h2,h3,h4{line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere;text-wrap:balance}
h1{font-size:1.9rem;padding-top:1.5rem}
h2{font-size:1.4rem;padding-top:.75rem;border-top:1px solid var(--hair);margin-top:2.5rem}
h3{font-size:1.1rem;margin-top:1.5rem}
h4{font-size:1rem;margin-top:1rem}
p{margin:.5rem 0;max-width:46rem}
p,li,dd,td,th,summary,caption{overflow-wrap:anywhere}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,.wide:focus-visible{
 outline:3px solid var(--link);outline-offset:2px;border-radius:2px}
code{
 font:.92em/1.45 ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}
a code{color:inherit}
bdi{unicode-bidi:isolate}
.hex{overflow-wrap:anywhere}
.soft,caption{color:var(--soft)}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.5rem;z-index:1}
.contents ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin:1rem 0}
.mark{font-weight:600;white-space:nowrap}
.sign{display:inline-block;min-width:1.1em;text-align:center}
.passed,.proven{color:var(--passed)}
.failed{color:var(--failed)}
.indeterminate,.vouched,.claimed{color:var(--unsure)}
.skipped,.unproven,.certified,.chosen{color:var(--skipped)}
.verdict{
 border:2px solid currentColor;border-left-width:.75rem;border-radius:.4rem;padding:.75rem 1rem;
 margin:1rem 0}
.verdict.indeterminate{border-style:dashed;border-left-style:solid}
.verdict .mark{font-size:1.75rem;letter-spacing:.02em}
.verdict p{color:var(--ink);margin:.25rem 0 0}
dl{margin:.5rem 0;display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.2rem 1rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
.conclusions{list-style:none;padding:0}
.conclusions>li{
 border:1px solid var(--hair);border-left:.4rem solid var(--line);border-radius:.3rem;
 padding:.6rem .9rem;margin:.6rem 0}
.conclusions>li.is-proven{border-left-color:var(--passed)}
.conclusions>li.is-vouched{border-left:.4rem double var(--unsure)}
.conclusions>li.is-unproven{border-left:.4rem dotted var(--line)}
.conclusions p{margin:0;max-width:none}
ul,ol{padding-left:1.5rem}
ol.arrows{padding-left:2.25rem}
td>ul{margin:0;padding-left:1.1rem}
li{margin:.15rem 0}
details{margin:.3rem 0}
summary{cursor:pointer;width:fit-content;max-width:100%;color:var(--link)}
.checks{
 list-style:none;padding:0;margin:.25rem 0 0;display:grid;
 grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:0 1rem}
.wide{overflow-x:auto;margin:1rem 0;max-width:100%}
.wide>table{min-width:34rem}
table{border-collapse:collapse;width:100%;font-size:.94rem}
caption{text-align:left;padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--hair)}
thead th{border-bottom:2px solid var(--line);color:var(--soft);font-weight:600}
tbody th{font-weight:600}
tr.under>*{border-bottom-color:transparent;padding-bottom:0}
table code{font-size:.86em}
.pcrs td:nth-child(2){width:33rem}
.pcrs td:nth-child(3){min-width:14rem}
.wide>table.items{min-width:52rem}
.items td:nth-child(3){white-space:nowrap}
.items td:nth-child(4){width:38rem;min-width:16rem}
.events{padding-left:2.5rem;font-size:.94rem}
.check{border-top:1px solid var(--hair);padding:.6rem 0;scroll-margin-top:.5rem}
.check h4{margin:0;display:inline-block;margin-right:.75rem}
.check>ul{list-style:none;padding-left:0;margin:.35rem 0}
.check dl{padding-left:1rem;border-left:3px solid var(--hair)}
:target{background:var(--raised);outline:2px solid var(--line);outline-offset:4px}
svg{display:block;max-width:100%;height:auto}
svg.graph{min-width:62rem}
svg.strip{min-width:40rem}
svg text{
 font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
 fill:var(--ink)}
svg .box rect{fill:var(--raised);stroke:var(--line);stroke-width:1.25}
svg .outside rect{fill:var(--page);stroke-dasharray:5 4}
svg .pinned rect{stroke:var(--ink);stroke-width:2.5}
svg .kind{font-weight:600}
svg .title,svg .label text{
 font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}
svg .title{font-size:11.5px}
svg .detail{font-size:11px;fill:var(--soft)}
svg .against{font-size:11px;font-weight:600}
svg .line{fill:none;stroke:currentColor;stroke-width:1.75}
svg .head{fill:currentColor}
svg .failed .line{stroke-width:3;stroke-dasharray:10 5}
svg .indeterminate .line{stroke-dasharray:7 4}
svg .skipped .line{stroke-dasharray:2 4}
svg .label rect{fill:var(--page);stroke:currentColor;stroke-width:1.25}
svg .label text{fill:currentColor}
svg .against.failed{fill:var(--failed)}
svg .against.indeterminate{fill:var(--unsure)}
svg .bar{fill:var(--raised);stroke:var(--line);stroke-width:1.25}
svg .claimed .bar{stroke-dasharray:4 3}
svg .at{fill:none;stroke:var(--ink);stroke-width:1.5}
svg .claimed .at{stroke-dasharray:6 4}
footer{padding:2rem 1rem;color:var(--soft)}
@media (max-width:40rem){
 h1{font-size:1.5rem}h2{font-size:1.25rem}
 dl{display:block}dd{margin:0 0 .4rem}
 .check dl{padding-left:.6rem}
 .events{padding-left:1.75rem}
}
"""
_DARK: Final = "@media screen and (prefers-color-scheme:dark){:root{" + _named(DARK) + "}}"
# on paper nothing is folded, nothing scrolls, and what is wide is made to fit
_PRINT: Final = """
@page{size:A4;margin:16mm 14mm}
@media print{
 html{font-size:9.5pt}
 body{line-height:1.4}
 header,main,footer,.contents{max-width:none;padding:0}
 .skip,.contents{display:none}
 h2{break-after:avoid;margin-top:1.5rem}h3,h4,caption,summary{break-after:avoid}
 .conclusions>li,.verdict,tr,.check>ul>li{break-inside:avoid}
 .wide{overflow:visible}
 .wide>table,.pcrs td,.items td{min-width:0!important;width:auto!important}
 tr.under{break-after:avoid}
 svg.graph,svg.strip{min-width:0;max-height:240mm}
 a{color:inherit;text-decoration:none}
 summary{list-style:none;color:var(--soft)}
 details::details-content{content-visibility:visible;display:block;height:auto;block-size:auto}
}
"""
CSS: Final = f":root{{{_named(LIGHT)}}}{_RULES}{_DARK}{_PRINT}"
# what a browser is to apply of this page: this style and nothing else (Content Security Policy Level 3)
CSS_SHA256: Final = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{CSS_SHA256}'; base-uri 'none'; form-action 'none'"
)
