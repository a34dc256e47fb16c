import { readFileSync } from 'node:fs'
import { fromMarkdown } from 'mdast-util-from-markdown'
import type { Nodes } from 'mdast'

/** A piece of code in the documentation. */
export interface Snippet {
  readonly file: string
  readonly line: number
  readonly code: string
  /** The text after the language of the fence, for example `decorators`. */
  readonly meta: string
  /** The lines that it must print, according to its comments. */
  readonly prints: readonly string[]
}

/** Returns the `ts` fences of a Markdown file. */
export function markdownSnippets(file: string): Snippet[] {
  return fences(file, readFileSync(file, 'utf8'), 0)
}

/** Returns the `ts` fences in the doc comments of a source file. */
export function commentSnippets(file: string): Snippet[] {
  const source = readFileSync(file, 'utf8')
  return [...source.matchAll(/\/\*\*.*?\*\//gs)].flatMap((comment) => {
    const text = comment[0].replaceAll(/^\s*(?:\/\*\*|\*\/|\*) ?/gm, '')
    return fences(file, text, source.slice(0, comment.index).split('\n').length - 1)
  })
}

function fences(file: string, markdown: string, linesBefore: number): Snippet[] {
  const found: Snippet[] = []
  const visit = (node: Nodes): void => {
    if (node.type === 'code' && node.lang === 'ts') {
      const line = linesBefore + (node.position?.start.line ?? 0)
      found.push({ file, line, code: node.value, meta: node.meta ?? '', prints: expected(node.value) })
    }
    if ('children' in node) node.children.forEach(visit)
  }
  visit(fromMarkdown(markdown))
  return found
}

/** Reads the expected output from `console.log(…) // this`, or `anything // prints: this`. */
function expected(code: string): string[] {
  return code
    .split('\n')
    .flatMap(
      (line) => /console\.log\(.*\) \/\/ (.+)$/.exec(line)?.[1] ?? /\/\/ prints: (.+)$/.exec(line)?.[1] ?? [],
    )
}
