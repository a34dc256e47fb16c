import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Runs `npx recloser demo` from this repository with the given options, then ends the process. */
export async function runDemo(): Promise<never> {
  const command = fileURLToPath(new URL('cli/index.js', import.meta.resolve('recloser')))
  const options = process.argv.slice(2).filter((option) => option !== '--dashboard')
  const demo = spawn(process.execPath, [command, 'demo', ...options], { stdio: 'inherit' })
  // Keep running: the demo prints its summary before it exits, and a terminal sends Ctrl-C to both processes.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => demo.kill())
  const [code] = (await once(demo, 'exit')) as [number | null]
  process.exit(code ?? 1)
}
