import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Failure } from '../../../../src/cli/base/command.ts'
import { widthOf } from '../../../../src/cli/table/width.ts'
import { render, Screen } from '../../../../src/cli/watch/screen.ts'
import { FakeOutput } from '../fake-io.ts'
import { board, report, snapshot } from '../reports.ts'

const many = Array.from({ length: 50 }, (_, index) => report(`breaker ${index}`))
const terminal = (columns: number, rows: number): FakeOutput =>
  new FakeOutput({ isTerminal: true, color: true, columns, rows })
const plain = (lines: readonly string[]): string[] => lines.map((line) => stripVTControlCharacters(line))

describe('the screen', () => {
  it('has a title, the table and a footer', () => {
    const lines = plain(render(board(report('payments')), 'http://host/breakers/', terminal(80, 24), 0))
    assert.equal(lines[0], 'http://host/breakers/  1 breaker: 1 closed')
    assert.match(lines[2]!, /^breaker {3}state/)
    assert.match(lines[3]!, /^payments {2}● closed/)
    assert.equal(lines.at(-1), 'Ctrl-C ends')
  })

  it('fits every terminal', () => {
    for (const columns of [1, 2, 10, 20, 40, 80, 200]) {
      for (const rows of [1, 2, 3, 5, 8, 24, 100]) {
        const lines = plain(render(board(...many), 'http://host/breakers/', terminal(columns, rows), 0))
        assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}`)
        for (const line of lines) assert.ok(widthOf(line) <= columns, line)
      }
    }
  })

  it('shows what is wrong, when it retries, and that the dashboard is read-only', () => {
    const one = board(report('payments'))
    one.apply({ type: 'snapshot', data: { snapshot: snapshot(), transitions: [], control: false } }, 0)
    const footer = (now: number): string | undefined => plain(render(one, '', terminal(120, 24), now)).at(-1)
    assert.equal(footer(0), 'Ctrl-C ends · read-only')
    one.apply({ type: 'disconnected', error: new Failure('It is down.'), retryIn: 3_000 }, 1_000)
    assert.equal(footer(1_500), 'It is down. Trying again in 3 s.')
    assert.equal(footer(4_000), 'It is down. Trying again…')
  })

  it('is drawn over itself: every line is erased before it is written, and what is below after', async () => {
    const out = terminal(80, 24)
    const screen = new Screen(out, 'http://host/')
    await screen.draw(board(report('payments')))
    const lines = render(board(report('payments')), 'http://host/', out, 0)
    assert.equal(out.text, `\u001B[H\u001B[K${lines.join('\r\n\u001B[K')}\r\n\u001B[J`)
  })

  it('does not scroll when it is full', async () => {
    const out = terminal(80, 10)
    await new Screen(out, 'http://host/').draw(board(...many))
    assert.equal(out.text.split('\r\n').length, 10)
    assert.ok(out.text.endsWith('Ctrl-C ends\u001B[22m'))
  })

  it('skips frames while the terminal is slow', async () => {
    const out = terminal(80, 24)
    let release = (): void => {}
    out.write = (text) => {
      out.writes.push(text)
      return new Promise((resolve) => {
        release = resolve
      })
    }
    const screen = new Screen(out, '')
    const first = screen.draw(board())
    await screen.draw(board())
    assert.equal(out.writes.length, 1)
    release()
    await first
    void screen.draw(board())
    assert.equal(out.writes.length, 2)
  })

  it('restores the terminal, and leaves the last frame readable', async () => {
    const out = terminal(80, 24)
    const screen = new Screen(out, 'http://host/')
    await screen.enter()
    await screen.leave(board(report('payments')))
    const [enter, leave] = out.writes
    assert.equal(enter, '\u001B[?1049h\u001B[?25l')
    assert.ok(leave!.startsWith('\u001B[?25h\u001B[?1049l'))
    assert.deepEqual(plain(leave!.split('\n')).slice(-2), [
      'payments  ● closed             –        0    –    –',
      '',
    ])
  })
})
