import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installOwnPackages } from '../../helpers/own-packages.ts'

const folder = join(import.meta.dirname, 'toolchains')
const fixtures = join(import.meta.dirname, 'projects')

/** Installs what users compile, test and deploy with. */
export function installToolchains(): void {
  installOwnPackages(folder)
}

/** A file of one of them. */
export const toolchain = (path: string): string => join(folder, 'node_modules', path)

/** Copies a project of a user's into a folder where the package is installed. Returns where it is. */
export function addProject(into: string, name: string): string {
  const project = join(into, name)
  cpSync(join(fixtures, name), project, { recursive: true })
  return project
}

/** Links packages into a project: of the toolchains, or of another `source`. */
export function linkPackages(project: string, packages: readonly string[], source = toolchain): void {
  for (const each of packages) {
    const path = join(project, 'node_modules', each)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(source(each), path)
  }
}
