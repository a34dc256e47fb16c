/** The highest rate that can be set, in calls per second. */
export const MAX_RATE = 300

/** The demo's page: the panel, and below it the dashboard as any program would mount it. */
export const html: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>recloser demo</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="panel.css">
<script type="module" src="panel.js"></script>
</head>
<body>
<main>
<header>
<h1>recloser demo</h1>
<label for="rate">Traffic</label>
<input id="rate" type="range" min="0" max="${MAX_RATE}" step="5">
<output id="rate-text" for="rate"></output>
<p id="status" role="status"></p>
</header>
<section id="parts" aria-label="Faults"></section>
<iframe src="dashboard/" title="Dashboard"></iframe>
</main>
</body>
</html>
`

export const css: string = `:root {
  color-scheme: light dark;
  --back: #f4f5f7; --card: #fff; --text: #16181d; --soft: #565c68; --line: #d5d8de;
  --chosen: #1a4fa3; --on-chosen: #fff;
  font: 0.875rem/1.4 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #101216; --card: #1a1d23; --text: #eceef2; --soft: #a3aab8; --line: #363b45;
    --chosen: #8fb8ff; --on-chosen: #0b1220;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text) }
main { display: flex; flex-direction: column; min-height: 100vh }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; padding: 0.75rem 1rem 0 }
h1 { font-size: 1rem; margin: 0 1rem 0 0 }
#rate { width: 14rem; max-width: 100%; accent-color: var(--chosen) }
#rate-text { font-variant-numeric: tabular-nums; min-width: 11rem }
#status { margin: 0; font-weight: 600 }
#parts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: 0.5rem;
  padding: 0.5rem 1rem 0.75rem; border-bottom: 1px solid var(--line);
}
fieldset {
  min-width: 0; margin: 0; padding: 0.25rem 0.6rem 0.5rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 6px;
}
legend { font-weight: 600; padding: 0 0.25rem }
.choices { display: flex; border: 1px solid var(--line); border-radius: 5px; overflow: hidden }
.choices label { flex: 1; position: relative; text-align: center; cursor: pointer }
.choices label + label { border-left: 1px solid var(--line) }
.choices input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer }
.choices span { display: block; padding: 0.3rem 0; font-size: 0.8125rem }
.choices input:checked + span { background: var(--chosen); color: var(--on-chosen) }
.choices input:focus-visible + span { outline: 2px solid var(--text); outline-offset: -3px }
.about, .tally { margin: 0.35rem 0 0; font-size: 0.75rem; color: var(--soft) }
.tally { font-variant-numeric: tabular-nums; color: var(--text) }
iframe { flex: 1; width: 100%; min-height: 36rem; border: 0; display: block }
@media (max-width: 40rem) { iframe { min-height: 90vh } .about { display: none } }
`
