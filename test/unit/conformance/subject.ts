import { CircuitBreaker } from '../../../src/index.ts'
import type { CircuitBreakerError, CircuitBreakerListener } from '../../../src/index.ts'
import type { Administration, CaseConfig } from './format.ts'
import { optionsOf, patchOf } from './options.ts'
import { classification } from './paths.ts'
import type { RunningCall } from './paths.ts'

/** The names of the states in a case. A case calls a breaker in mode `'off'` disabled. */
const STATES = { closed: 'closed', open: 'open', 'half-open': 'halfOpen', isolated: 'forcedOpen' } as const

const throwing = (): never => {
  throw new Error('this listener throws')
}

const throwingListener: CircuitBreakerListener = {
  beforeCall: throwing,
  success: throwing,
  failure: throwing,
  ignored: throwing,
  rejected: throwing,
  late: throwing,
  stateChange: throwing,
  wouldTrip: throwing,
}

/** The breaker under test with its clock, its calls and the errors that it has reported. */
export class Subject {
  readonly breaker: CircuitBreaker
  readonly calls = new Map<string, RunningCall | CircuitBreakerError>()
  readonly reported: unknown[] = []
  transitions: string[] = []
  time = 0
  #config: CaseConfig

  constructor(config: CaseConfig) {
    this.#config = config
    this.breaker = new CircuitBreaker({
      name: 'subject',
      ...optionsOf(config),
      ...classification,
      clock: { now: () => this.time },
      onListenerError: (error) => this.reported.push(error),
    })
    if (config.listener === 'throws') this.breaker.addListener(throwingListener)
    this.breaker.addListener({ stateChange: ({ from, to }) => this.#moved(STATES[from], STATES[to]) })
  }

  get state(): string {
    return this.breaker.mode === 'off' ? 'disabled' : STATES[this.breaker.state]
  }

  #moved(from: string, to: string): void {
    this.transitions.push(`${from}->${to}`)
  }

  configure(patch: CaseConfig): void {
    this.breaker.configure(patchOf(this.#config, patch))
    if (patch.listener === 'throws' && this.#config.listener !== 'throws')
      this.breaker.addListener(throwingListener)
    this.#config = { ...this.#config, ...patch }
  }

  administer(operation: Administration): void {
    const from = this.state
    const count = this.transitions.length
    if (operation === 'disable') this.breaker.mode = 'off'
    else {
      // Any operation on a disabled circuit enables it again.
      this.breaker.mode = 'enforce'
      this.#operate(operation)
    }
    if (from === this.state || (from !== 'disabled' && this.state !== 'disabled')) return
    // For a case, disabled is a state; for the breaker it is a mode, in which the circuit is closed.
    this.transitions.length = count
    this.#moved(from, this.state)
  }

  #operate(operation: Exclude<Administration, 'disable'>): void {
    switch (operation) {
      case 'open':
        this.breaker.open()
        return
      case 'halfOpen':
        this.breaker.halfOpen()
        return
      case 'forceOpen':
        this.breaker.isolate()
        return
      case 'close':
      case 'reset':
        this.breaker.close()
    }
  }
}
