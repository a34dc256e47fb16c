import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerRegistry, type CircuitBreakerListener } from '../../src/index.ts'
import { refused } from '../helpers/refusal.ts'

/** Every way to add a listener, and how a message names it. */
const entries: Record<string, (listener: never) => unknown> = {
  'listeners[0]': (listener) => new CircuitBreaker({ listeners: [listener] }),
  listener: (listener) => new CircuitBreaker().addListener(listener),
  'listener ': (listener) => new CircuitBreakerRegistry().addListener(listener),
}

/** Asserts that a listener is refused everywhere, and returns nothing. */
function refusedEverywhere(listener: object, ...parts: string[]): void {
  for (const [name, add] of Object.entries(entries)) {
    refused(() => add(listener as never), TypeError, `\`${name.trim()}\``, ...parts)
  }
}
function acceptedEverywhere(listener: object): void {
  for (const [name, add] of Object.entries(entries)) assert.doesNotThrow(() => add(listener as never), name)
}

const none = (): void => {}

describe('a plain object as a listener has no other methods', () => {
  const misspelled: Record<string, string> = {
    stateChanged: 'stateChange',
    statechange: 'stateChange',
    onStateChange: 'stateChange',
    onStateChanged: 'stateChange',
    state_change: 'stateChange',
    onSuccess: 'success',
    sucess: 'success',
    onFailure: 'failure',
    failures: 'failure',
    ignore: 'ignored',
    onRejected: 'rejected',
    reject: 'rejected',
    onLate: 'late',
    wouldtrip: 'wouldTrip',
    beforecall: 'beforeCall',
    links: 'link',
  }
  for (const [method, near] of Object.entries(misspelled)) {
    it(`'${method}' is refused with a question for ${near}`, () => {
      const question = `\`${method}\`: did you mean \`${near}\`?`
      refusedEverywhere({ [method]: none }, question)
      refusedEverywhere({ beforeCall: none, success: none, [method]: none }, question)
      const hidden = Object.defineProperty({ success: none }, method, { value: none })
      refusedEverywhere(hidden, question)
    })
  }

  it('any other name is refused with the list of the known ones', () => {
    for (const method of ['opened', 'format', 'close', 'x', 'toString', 'constructor']) {
      refusedEverywhere({ success: none, [method]: none }, 'stateChange', 'wouldTrip', 'no others')
    }
  })

  it('properties that are not functions, and symbols, are not looked at', () => {
    acceptedEverywhere({ success: none, stateChanged: 5, count: 0, [Symbol('x')]: none, failure: undefined })
  })

  it('every known method is accepted, alone and together', () => {
    const all: Required<CircuitBreakerListener> = {
      beforeCall: none,
      success: none,
      failure: none,
      ignored: none,
      late: none,
      rejected: none,
      stateChange: none,
      wouldTrip: none,
      link: none,
      fallback: none,
    }
    acceptedEverywhere(all)
    for (const method of Object.keys(all)) {
      acceptedEverywhere({ [method]: none })
      acceptedEverywhere(Object.assign(Object.create(null) as object, { [method]: none }))
    }
  })

  it('an object without any known method is refused', () => {
    for (const listener of [{}, Object.create(null) as object, { count: 1 }, { success: 'yes' }, [], none]) {
      refusedEverywhere(listener, 'stateChange', 'at least one')
    }
  })
})

describe('the instance of a class as a listener may have methods of its own', () => {
  class Base {
    readonly lines: string[] = []
    format(text: string): string {
      return `[${text}]`
    }
    date(): number {
      return 0
    }
    #onSuccess(): void {}
    get size(): number {
      this.#onSuccess()
      return this.lines.length
    }
  }

  it('but none that resembles a listener method that it lacks', () => {
    class Changed extends Base {
      success(): void {}
      stateChanged(): void {}
    }
    class Inherits extends Changed {
      helper(): void {}
    }
    class Prefixed extends Base {
      stateChange(): void {}
      onFailure(): void {}
    }
    class Field extends Base {
      stateChange(): void {}
      onRejected = none
    }
    class Nothing extends Base {
      onSuccess(): void {}
    }
    refusedEverywhere(new Changed(), '`stateChanged`: did you mean `stateChange`?')
    refusedEverywhere(new Inherits(), '`stateChanged`: did you mean `stateChange`?')
    refusedEverywhere(new Prefixed(), '`onFailure`: did you mean `failure`?')
    refusedEverywhere(new Field(), '`onRejected`: did you mean `rejected`?')
    refusedEverywhere(new Nothing(), '`onSuccess`: did you mean `success`?')
    refusedEverywhere(Object.create({ success: none, stateChanged: none }), '`stateChanged`')
  })

  it('private, static and unrelated ones, and those beside the method itself, are accepted', () => {
    class Log extends Base {
      static onSuccess(): void {}
      success(): void {}
      failure(): void {}
      failures(): number {
        return 0
      }
      translate(): void {}
      rate(): void {}
      open(): void {}
      stateOf(): void {}
      linked = 5
      on(): void {}
      emit(): void {}
    }
    acceptedEverywhere(new Log())
    acceptedEverywhere(Object.assign(new EventTarget(), { stateChange: none }))
  })

  it('an accessor is read only if its name resembles a listener method', () => {
    class Lazy extends Base {
      success(): void {}
      get connection(): never {
        return assert.fail('was read')
      }
    }
    acceptedEverywhere(new Lazy())
  })
})
