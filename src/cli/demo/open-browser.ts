import { spawn } from 'node:child_process'

const COMMANDS: Readonly<Record<string, readonly [file: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
}

/** Shows a page in the user's browser, if there is one: nothing depends on it. */
export function openBrowser(url: string): void {
  const [file, ...args] = COMMANDS[process.platform] ?? ['xdg-open']
  const child = spawn(file, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
