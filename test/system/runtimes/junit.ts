/** Returns the counts in a JUnit report, which Node, Bun and Deno all write. */
export function countTests(xml: string): { readonly passed: number; readonly failed: number } {
  const cases = xml
    .split('<testcase ')
    .slice(1)
    .map((text) => ({ name: /\bname="([^"]*)"/.exec(text)?.[1] ?? '', failed: text.includes('<failure') }))
  // Deno reports a `describe` as a case too; the names of its tests start with its name.
  const groups = new Set(cases.flatMap(({ name }) => groupsOf(name)))
  const tests = cases.filter(({ name }) => !groups.has(name))
  const failed = tests.filter((test) => test.failed).length
  return { passed: tests.length - failed, failed }
}

function groupsOf(name: string): string[] {
  const parts = name.split(' &gt; ')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(' &gt; '))
}
