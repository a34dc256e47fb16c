import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Does what `npx recloser demo` does where the package is installed, then ends the process; options are passed on. */
export async function runDemo(): Promise<never> {
  const command = fileURLToPath(new URL('cli/index.js', import.meta.resolve('recloser')))
  const options = process.argv.slice(2).filter((option) => option !== '--dashboard')
  const demo = spawn(process.execPath, [command, 'demo', ...options], { stdio: 'inherit' })
  // The demo sums up before it ends; a terminal sends Ctrl-C to both of us.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => demo.kill())
  const [code] = (await once(demo, 'exit')) as [number | null]
  process.exit(code ?? 1)
}
