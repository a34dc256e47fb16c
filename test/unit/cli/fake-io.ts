import type { Io, Output } from '../../../src/cli/base/io.ts'

/** An output that records what is written. */
export class FakeOutput implements Output {
  text = ''
  readonly writes: string[] = []
  isTerminal = false
  color = false
  columns = Infinity
  rows = Infinity

  constructor(properties: Partial<Pick<Output, 'isTerminal' | 'color' | 'columns' | 'rows'>> = {}) {
    Object.assign(this, properties)
  }

  async write(text: string): Promise<void> {
    this.text += text
    this.writes.push(text)
  }

  onResize(): () => void {
    return () => {}
  }
}

/** I/O of a command that is never interrupted. */
export function fakeIo(
  given: Partial<Pick<Io, 'env' | 'cwd'>> = {},
): Io & { readonly out: FakeOutput; readonly err: FakeOutput } {
  return {
    out: new FakeOutput(),
    err: new FakeOutput(),
    env: {},
    cwd: process.cwd(),
    ...given,
    untilInterrupted: () => new AbortController().signal,
  }
}
