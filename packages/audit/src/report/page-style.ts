/** For light, dark and paper. Contrast is at least 4.5 to 1 (WCAG 2.2, criterion 1.4.3). */
export const pageStyle: string = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ok: #1f6feb; --failed: #bc4c00; --good: #1a7f37; --bad: #b31d28; --link: #0a58ca; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d; --ok: #58a6ff; --failed: #f0883e; --good: #56d364; --bad: #ff7b72; --link: #7ab7ff; } }
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #999; --ok: #1f6feb; --failed: #bc4c00; --good: #1a7f37; --bad: #b31d28; --link: #000; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header, main { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; break-after: avoid; }
p { margin: .25rem 0; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.verdict { border-left: .4rem solid; padding: .25rem 0 .25rem 1rem; margin: 1.25rem 0; overflow-wrap: anywhere; }
.verdict h2 { margin: 0; font-size: 1.25rem; }
.verdict p, .verdict ul { color: var(--ink); }
.verdict p { font-weight: 600; }
.verdict ul { margin: .5rem 0 0; padding-left: 1.1rem; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.open { color: var(--failed); }
.note, .legend, figcaption, dt, nav span { color: var(--soft); font-size: .875rem; }
.note { break-after: avoid; }
dl { margin: 0; }
dt, dd { margin: 0; }
.about { display: grid; gap: .15rem; }
.about div { display: grid; grid-template-columns: 9rem minmax(0, 1fr); gap: .75rem; }
.about dd { overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.25rem 0; }
.figures dd { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; list-style: none; padding: 0; margin: 1.25rem 0; }
figure { margin: 1.25rem 0; break-inside: avoid; }
.days { display: block; width: 100%; height: 7.5rem; }
.ends { display: flex; justify-content: space-between; font-size: .8rem; color: var(--soft); }
.bars { list-style: none; margin: .25rem 0 0; padding: 0; font-size: .875rem; }
.bars li { display: grid; grid-template-columns: minmax(0, 16rem) minmax(0, 1fr) 9rem; gap: .75rem; align-items: center; padding: .15rem 0; }
.name { text-align: right; overflow-wrap: anywhere; }
.bar { display: block; width: 100%; height: .9rem; }
.value { font-variant-numeric: tabular-nums; white-space: nowrap; }
.axis { stroke: var(--line); }
rect.ok { fill: var(--ok); }
rect.failed { fill: var(--failed); }
span.ok { color: var(--ok); }
span.failed { color: var(--failed); margin-left: 1rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; margin-top: .5rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
th { font-weight: 600; }
td.text bdi { display: inline-block; width: max-content; max-width: 17rem; overflow-wrap: anywhere; }
.number, .share { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@media screen and (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: .35rem 0; }
  td { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: .5rem; border: 0; padding: .1rem 0; text-align: left; }
  td.number, td.share { text-align: left; }
  td::before { color: var(--soft); }
  td.text bdi { width: auto; max-width: none; }
  .bars li { grid-template-columns: minmax(0, 1fr) auto; gap: .1rem .75rem; padding: .35rem 0; }
  .name { text-align: left; }
  .bar { grid-column: 1 / -1; grid-row: 2; }
  .about div { grid-template-columns: minmax(0, 1fr); gap: 0; margin-bottom: .35rem; }
}
@media print {
  header, main { max-width: none; padding: 0; }
  nav { display: none; }
  .scroll { overflow: visible; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
