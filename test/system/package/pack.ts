import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export const root: string = join(import.meta.dirname, '../../..')

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly main: string
  readonly types: string
  readonly typesVersions: Readonly<Record<'*', Readonly<Record<string, readonly string[]>>>>
  /** Conditions for each entry point, and a single file for package.json itself. */
  readonly exports: Readonly<Record<string, string | object>>
  readonly bin: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** The entry points for users: `recloser`, `recloser/testing` …, but not package.json. */
export const entryPoints: readonly { readonly name: string }[] = Object.entries(manifest.exports).flatMap(
  ([path, target]) => (typeof target === 'string' ? [] : [{ name: path.replace('.', manifest.name) }]),
)

/** The package as npm would publish it, installed into an empty project. */
export interface Installed {
  readonly tarball: string
  /** The user's project. */
  readonly project: string
  /** Relative to the root of the package. */
  readonly files: readonly string[]
  read(file: string): string
  /** Runs a program in the project and returns what it prints. */
  execute(file: 'main.mjs' | 'main.cjs', program: string): unknown
  remove(): void
}

/** Packs the output of `npm run build`, and installs it; runs no scripts and needs no network. */
export function packAndInstall(): Installed {
  const project = emptyProject()
  const { tarball, files } = pack(project)
  npm(project, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball)
  for (const peer of Object.keys(manifest.peerDependencies ?? {})) link(peer, project)
  return {
    tarball,
    project,
    files,
    read: (file) => readFileSync(join(project, 'node_modules', manifest.name, file), 'utf8'),
    execute: (file, program) => execute(project, file, program),
    remove: () => rmSync(project, { recursive: true }),
  }
}

/** Creates the folder of an empty project. */
export function emptyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'recloser-package-'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  return folder
}

/** Packs the build into a folder. */
export function pack(folder: string): Pick<Installed, 'tarball' | 'files'> {
  const [packed] = JSON.parse(
    npm(root, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder),
  ) as [{ filename: string; files: { path: string }[] }]
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path) }
}

/** Runs a program in a user's project, and returns the JSON that it prints. */
export function execute(project: string, file: 'main.mjs' | 'main.cjs', program: string): unknown {
  writeFileSync(join(project, file), program)
  const options = { cwd: project, encoding: 'utf8', timeout: 60_000 } as const
  return JSON.parse(execFileSync(process.execPath, [file], options)) as unknown
}

/** Links a peer from this repository's dependencies. */
function link(peer: string, folder: string): void {
  const path = join(folder, 'node_modules', peer)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(join(root, 'node_modules', peer), path)
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', ['--loglevel=error', ...args], { cwd, encoding: 'utf8' })
}
