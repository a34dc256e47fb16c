interface Name {
  /** How many ids with this name are in use. */
  uses: number
  /** The first number to try for the next id. */
  free: number
}

interface Id {
  readonly name: string
  readonly number: number
}

/** Assigns unique ids: a name, or the name followed by ` (2)`, ` (3)` … if that is taken, lower numbers first. */
export class Ids {
  readonly #taken = new Map<string, Id>()
  readonly #names = new Map<string, Name>()

  take(name: string): string {
    const entry = this.#names.get(name) ?? { uses: 0, free: 1 }
    let number = entry.free
    while (this.#taken.has(render(name, number))) number++
    const id = render(name, number)
    this.#taken.set(id, { name, number })
    entry.uses++
    entry.free = number + 1
    this.#names.set(name, entry)
    return id
  }

  giveBack(id: string): void {
    const { name, number } = this.#taken.get(id)!
    this.#taken.delete(id)
    const entry = this.#names.get(name)!
    entry.free = Math.min(entry.free, number)
    if (--entry.uses === 0) this.#names.delete(name)
  }
}

const render = (name: string, number: number): string => (number === 1 ? name : `${name} (${number})`)
