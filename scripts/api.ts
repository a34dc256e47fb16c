/**
 * `npm run api`: writes the public API, as it appears in the built declarations, to docs/api, one report per entry
 * point. The reports are committed, so that a change to the API shows in review.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from '@microsoft/api-extractor'
import { format, resolveConfig } from 'prettier'
import { readEntryPoints, root, type EntryPoint } from './build/entry-points.ts'

export interface ApiReport {
  /** Relative to the project's root. */
  readonly file: string
  readonly text: string
  /** Errors and warnings of api-extractor, such as a public type that is not exported. */
  readonly complaints: readonly string[]
}

const declarationOf = ({ name }: EntryPoint): string => join(root, `dist/${name}.d.cts`)

/** Builds the report of each entry point from dist. */
export async function reportApi(): Promise<ApiReport[]> {
  const folder = mkdtempSync(join(tmpdir(), 'recloser-api-'))
  try {
    const configs = readEntryPoints().map((entryPoint) => prepare(entryPoint, folder))
    const [first] = configs
    if (!first) return []
    // All entry points share one compilation.
    const additionalEntryPoints = configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath)
    const compilerState = CompilerState.create(first, { additionalEntryPoints })
    return await Promise.all(configs.map((config) => report(config, compilerState)))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function prepare(entryPoint: EntryPoint, folder: string): ExtractorConfig {
  const file = join(root, 'api-extractor.json')
  return ExtractorConfig.prepare({
    configObject: {
      ...ExtractorConfig.loadFile(file),
      projectFolder: root,
      mainEntryPointFilePath: declarationOf(entryPoint),
      apiReport: {
        enabled: true,
        // The main entry point shows the types that its public types are built from; the other entry points build on
        // those.
        includeForgottenExports: entryPoint.specifier === 'recloser',
        reportFileName: `${entryPoint.specifier.replace('/', '-')}.api.md`,
        reportFolder: folder,
        reportTempFolder: folder,
      },
    },
    configObjectFullPath: file,
    packageJsonFullPath: join(root, 'package.json'),
  })
}

async function report(config: ExtractorConfig, compilerState: CompilerState): Promise<ApiReport> {
  const complaints: string[] = []
  Extractor.invoke(config, {
    localBuild: true,
    compilerState,
    messageCallback: (message: ExtractorMessage) => {
      message.handled = true
      if (isComplaint(message)) complaints.push(message.formatMessageWithLocation(root))
    },
  })
  const fileName = config.reportConfigs[0]?.fileName ?? ''
  const written = readFileSync(join(config.reportFolder, fileName), 'utf8')
  // Formatted as `npm run format` would format it.
  const style = await resolveConfig(join(root, 'docs/api', fileName))
  const text = await format(written, { ...style, parser: 'markdown' })
  return { file: `docs/api/${fileName}`, text, complaints }
}

/** Whether a message is about our code. Gaps in the types of dependencies, such as Node's, are not. */
function isComplaint(message: ExtractorMessage): boolean {
  if (message.sourceFilePath?.includes('/node_modules/')) return false
  return message.logLevel === ExtractorLogLevel.Error || message.logLevel === ExtractorLogLevel.Warning
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(join(root, 'docs/api'), { recursive: true })
  for (const { file, text, complaints } of await reportApi()) {
    writeFileSync(join(root, file), text)
    console.log(`wrote ${file}`)
    for (const complaint of complaints) console.log(`  ${complaint}`)
  }
}
