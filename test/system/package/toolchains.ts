import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installOwnPackages } from '../../helpers/own-packages.ts'

const folder = join(import.meta.dirname, 'toolchains')
const fixtures = join(import.meta.dirname, 'projects')

/** Installs the tools that users compile, test and deploy with. */
export function installToolchains(): void {
  installOwnPackages(folder)
}

/** The path of a file in one of them. */
export const toolchain = (path: string): string => join(folder, 'node_modules', path)

/** Copies a user's project into a folder where the package is installed. Returns its path. */
export function addProject(into: string, name: string): string {
  const project = join(into, name)
  cpSync(join(fixtures, name), project, { recursive: true })
  return project
}

/** Copies a file that several projects share into one of them. */
export function addFile(project: string, name: string): void {
  cpSync(join(fixtures, name), join(project, name))
}

/** Links packages into a project: from the toolchains, or from another `source`. */
export function linkPackages(project: string, packages: readonly string[], source = toolchain): void {
  for (const each of packages) {
    const path = join(project, 'node_modules', each)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(source(each), path)
  }
}
