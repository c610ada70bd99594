/** For light, dark and paper. Contrast is at least 4.5 to 1 (WCAG 2.2, criterion 1.4.3). */
export const pageStyle: string = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ok: #1f6feb; --failed: #bc4c00; --good: #1a7f37; --bad: #b31d28; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --line: #30363d; --ok: #58a6ff; --failed: #f0883e; --good: #56d364; --bad: #ff7b72; } }
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #999; --ok: #1f6feb; --failed: #bc4c00; --good: #1a7f37; --bad: #b31d28; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
h2, .note { break-after: avoid; }
section { overflow-x: auto; }
p { margin: .25rem 0; }
.good, .bad, .open { font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.open { color: var(--failed); }
.note, .legend, figcaption, dt { color: var(--soft); font-size: .875rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1.25rem 0; }
dt, dd { margin: 0; }
dd { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
figure { margin: 1.25rem 0; break-inside: avoid; }
svg { display: block; width: 100%; height: auto; font-size: 12px; }
svg text { fill: var(--ink); }
.name, .last { text-anchor: end; }
.name, .value { dominant-baseline: central; }
.axis { stroke: var(--line); }
rect.ok { fill: var(--ok); }
rect.failed { fill: var(--failed); }
span.ok { color: var(--ok); }
span.failed { color: var(--failed); margin-left: 1rem; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; margin-top: .5rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
th { font-weight: 600; }
td.text { overflow-wrap: anywhere; min-width: 6rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@media print { section { overflow: visible; } main { max-width: none; padding: 0; } rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`
