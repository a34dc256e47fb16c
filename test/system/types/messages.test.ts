import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { compile, compilers } from './compile.ts'

const lines = readFileSync(join(import.meta.dirname, 'fixtures/messages/messages.ts'), 'utf8').split('\n')

/** The expected text of each error, by the number of the line that it is about. */
const expected = new Map(
  lines.flatMap((line, index) => {
    const text = /^ *\/\/ expect: (.*)$/.exec(line)?.[1]
    return text === undefined ? [] : [[index + 2, text] as const]
  }),
)

/** The errors of a compiler, by the number of their line. */
function byLine(complaints: string): Map<number, string> {
  const texts = new Map<number, string>()
  let line = 0
  for (const text of complaints.split('\n').filter(Boolean)) {
    line = Number(/^\S+\((\d+),\d+\): error/.exec(text)?.[1] ?? line)
    texts.set(line, `${texts.get(line) ?? ''}${text}\n`)
  }
  return texts
}

describe('the error messages of the compiler', () => {
  for (const compiler of compilers) {
    it(`T3: say what to do instead: TypeScript ${compiler.version}`, async () => {
      const got = byLine(await compile(compiler, 'messages'))
      assert.deepEqual([...got.keys()].toSorted(byNumber), [...expected.keys()])
      for (const [line, text] of expected) {
        assert.ok(got.get(line)?.includes(text), `line ${line}: expected "${text}", got ${got.get(line)}`)
      }
    })
  }
})

function byNumber(a: number, b: number): number {
  return a - b
}
