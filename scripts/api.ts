/**
 * `npm run api`: writes the public API, as the built declarations have it, into docs/api, one report for each entry
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
  /** What api-extractor has to complain about, such as a public type that is not exported. */
  readonly complaints: readonly string[]
}

const declarationOf = ({ name }: EntryPoint): string => join(root, `dist/${name}.d.cts`)

/** The report on each entry point, made from dist. */
export async function reportApi(): Promise<ApiReport[]> {
  const folder = mkdtempSync(join(tmpdir(), 'recloser-api-'))
  try {
    const configs = readEntryPoints().map((entryPoint) => prepare(entryPoint, folder))
    const [first] = configs
    if (!first) return []
    // One compilation for all of them.
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
        // The main entry point shows what its types are made of; the others are made of that.
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
  // As `npm run format` would leave it.
  const style = await resolveConfig(join(root, 'docs/api', fileName))
  const text = await format(written, { ...style, parser: 'markdown' })
  return { file: `docs/api/${fileName}`, text, complaints }
}

/** What the types of a peer lack, such as Node's, is not about us. */
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
