/*
 * The script of the demo's page, which runs in the browser.
 */
import type { PanelChange, PanelState } from './server.ts'
import type { Fault } from './service.ts'

const FAULTS: readonly { readonly fault: Fault; readonly word: string; readonly about: string }[] = [
  { fault: 'none', word: 'ok', about: 'It answers.' },
  { fault: 'fail', word: 'fail', about: 'It answers with errors.' },
  { fault: 'flaky', word: 'flaky', about: 'Six of ten answers are errors.' },
  { fault: 'slow', word: 'slow', about: 'It takes more than half a second.' },
  { fault: 'hang', word: 'hang', about: 'It never answers.' },
]

const find = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!
const rate = find<HTMLInputElement>('#rate')
const rateText = find<HTMLOutputElement>('#rate-text')
const status = find<HTMLElement>('#status')
const parts = find<HTMLElement>('#parts')

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...children)
  return node
}

/** The controls of one part of the service, or of the whole: the fault, and how its calls have ended. */
class Part {
  readonly #inputs = new Map<Fault, HTMLInputElement>()
  readonly #tally = element('p', { className: 'tally' })

  constructor(name: string, about: string, dependency: string | undefined) {
    const choices = FAULTS.map(({ fault, word, about }) => {
      const input = element('input', { type: 'radio', name: `fault of ${name}`, value: fault })
      input.addEventListener('change', () =>
        change(dependency === undefined ? { fault } : { fault, dependency }),
      )
      this.#inputs.set(fault, input)
      return element('label', { title: about }, input, element('span', { textContent: word }))
    })
    const legend = element('legend', { textContent: name })
    const group = element('div', { className: 'choices' }, ...choices)
    const note = element('p', { className: 'about', textContent: about })
    parts.append(element('fieldset', {}, legend, group, note, this.#tally))
  }

  show(fault: Fault | undefined, tally: string): void {
    for (const [each, input] of this.#inputs) input.checked = each === fault
    this.#tally.textContent = tally
  }
}

const shown = new Map<string | undefined, Part>()

function partOf(dependency: string | undefined, about: string): Part {
  let part = shown.get(dependency)
  if (part === undefined) {
    part = new Part(dependency ?? 'the whole service', about, dependency)
    shown.set(dependency, part)
  }
  return part
}

const number = new Intl.NumberFormat('en')

function describe({ answered, failed, rejected }: PanelState['dependencies'][number]['tally']): string {
  const [a, f, r] = [answered, failed, rejected].map((calls) => number.format(calls))
  return `${a} answered, ${f} failed, ${r} rejected`
}

function show({ rate: perSecond, dependencies }: PanelState): void {
  if (document.activeElement !== rate) rate.value = String(perSecond)
  rateText.value = `${perSecond} calls per second`
  const [first] = dependencies
  const common = dependencies.every(({ fault }) => fault === first?.fault) ? first?.fault : undefined
  const sum = { answered: 0, failed: 0, rejected: 0 }
  for (const { tally } of dependencies) {
    for (const key of ['answered', 'failed', 'rejected'] as const) sum[key] += tally[key]
  }
  partOf(undefined, 'one server with these parts; each is called through a breaker').show(
    common,
    describe(sum),
  )
  for (const { name, about, fault, tally } of dependencies) partOf(name, about).show(fault, describe(tally))
}

// Answers may arrive out of order. One that was requested before the one shown last, or before the last change, is
// ignored.
let lastRequest = 0
let lastShown = 0

async function ask(path: string, init?: RequestInit): Promise<void> {
  const request = ++lastRequest
  if (init) lastShown = request
  try {
    const response = await fetch(path, init)
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const state = (await response.json()) as PanelState
    if (request < lastShown) return
    lastShown = request
    status.textContent = ''
    show(state)
  } catch {
    status.textContent = 'The demo has ended, or cannot be reached.'
  }
}

function change(change: PanelChange): void {
  const headers = { 'content-type': 'application/json', 'x-recloser': 'demo' }
  void ask('set', { method: 'POST', headers, body: JSON.stringify(change) })
}

rate.addEventListener('input', () => change({ rate: rate.valueAsNumber }))

async function refresh(): Promise<void> {
  await ask('state')
  setTimeout(() => void refresh(), 1_000)
}

void refresh()
