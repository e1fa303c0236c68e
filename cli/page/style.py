"""The style of the pages: light, dark, narrow, wide and printed; nothing is fetched, nothing runs."""

STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --ink: #1b1b1b; --soft: #5a5a5a; --line: #d5d5d5;
  --box: #f5f5f2; --good: #00694c; --bad: #a63d00; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181b; --ink: #ececec; --soft: #b4b4b4; --line: #3d4147; --box: #202327;
    --good: #56d3a8; --bad: #ff9a5c; } }
* { box-sizing: border-box; }
html { background: var(--back); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; margin: 0 auto;
  max-width: 60rem; padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul, ol, dl { margin: .5rem 0; }
a { color: inherit; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
.soft, figcaption, dt { color: var(--soft); }
.scroll { overflow-x: auto; overflow-y: hidden; padding: .35rem 0; max-width: 100%; background:
  linear-gradient(to right, var(--back) 40%, transparent) left / 2rem 100% no-repeat local,
  linear-gradient(to left, var(--back) 40%, transparent) right / 2rem 100% no-repeat local,
  linear-gradient(to right, var(--line), transparent) left / .5rem 100% no-repeat scroll,
  linear-gradient(to left, var(--line), transparent) right / .5rem 100% no-repeat scroll; }
.scroll:focus-visible, a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
math { font-size: 1.05em; }
math[display="block"] { text-align: left; width: max-content; margin: 0; }
ol.steps { padding-left: 1.6rem; }
ol.steps > li { margin: 0 0 1rem; }
ol.steps > li::marker { color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 1.75rem; align-items: flex-end; margin: 1rem 0; }
figure { margin: 0; max-width: 100%; }
figcaption { font-size: .85rem; }
svg { max-width: 100%; height: auto; display: block; }
dl.counts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dl.counts dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: .3rem; padding: .75rem;
  overflow-x: auto; font: .875rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.verdict { font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem;
  padding: 0; list-style: none; }
.cards > li { border: 1px solid var(--line); border-radius: .3rem; padding: .75rem; min-width: 0; }
.cards h3 { margin: 0; }
.cards .figures { margin-top: .5rem; gap: .5rem; }
@media print {
  :root { --back: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --box: #ffffff;
    --good: #000000; --bad: #000000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .scroll { overflow: visible; background: none; }
  .scroll math { font-size: calc(1em * var(--fit, 1)); }
  h2, h3 { break-after: avoid; }
  .scroll { break-inside: avoid; }
  ol.steps > li > div:first-of-type { break-before: avoid; }
  figure, .cards > li, pre { break-inside: avoid; }
  pre { white-space: pre-wrap; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
