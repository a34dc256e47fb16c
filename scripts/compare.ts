// Runs the same scenarios against the installed versions of recloser, opossum and cockatiel.
// Usage: npm run compare [-- --markdown]; --markdown prints the table for the README.
import { compare } from '../test/integration/compare/compare.ts'
import { markdownTable, plainTable } from '../test/integration/compare/table.ts'

const comparison = await compare()
const print = process.argv.includes('--markdown') ? markdownTable : plainTable
console.log(print(comparison))
if ([...comparison.recloser.values()].some(({ verdict }) => verdict !== 'right')) process.exitCode = 1
