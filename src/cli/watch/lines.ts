import type { Transition } from '../../monitor/report.ts'
import { painter, type Output } from '../base/io.ts'
import { paintState } from '../table/states.ts'
import { printable } from '../base/text.ts'
import type { WatchUpdate } from './follow.ts'

/** Returns a transition as a line of text. */
export function transitionLine({ id, from, to, reason, at, scope }: Transition, color: boolean): string {
  const paint = painter(color)
  const time = new Date(at).toISOString()
  return `${paint('dim', time)} ${printable(id)}: ${from} → ${paintState(to, paint)} (${printable(reason)}${scope === 'fleet' ? ', fleet' : ''})\n`
}

/**
 * Prints each transition once, including those that happened while the connection was lost, but not those from before
 * the first connection.
 */
export class TransitionLog {
  readonly #out: Output
  #known: Set<string> | undefined

  constructor(out: Output) {
    this.#out = out
  }

  async take(update: WatchUpdate): Promise<void> {
    if (update.type === 'snapshot') {
      const known = this.#known
      this.#known = new Set(update.data.transitions.map(keyOf))
      if (known === undefined) return
      for (const transition of update.data.transitions) {
        if (!known.has(keyOf(transition))) await this.#print(transition)
      }
    } else if (update.type === 'transition') {
      this.#remember(update.data)
      await this.#print(update.data)
    }
  }

  #remember(transition: Transition): void {
    const known = (this.#known ??= new Set())
    known.add(keyOf(transition))
    // A server sends no more than the last fifty.
    if (known.size > 1_000) known.delete(known.values().next().value!)
  }

  #print(transition: Transition): Promise<void> {
    return this.#out.write(transitionLine(transition, this.#out.color))
  }
}

const keyOf = ({ id, from, to, at }: Transition): string => JSON.stringify([id, from, to, at])
