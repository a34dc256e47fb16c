/**
 * `npm run api`: writes the public API, as the built declarations have it, into docs/api, one report for each entry
 * point. The reports are committed, so that a change to the API shows in review.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
  type ExtractorMessage,
} from '@microsoft/api-extractor'
import { format, resolveConfig } from 'prettier'

const root = join(import.meta.dirname, '..')

export interface ApiReport {
  /** Relative to the project's root. */
  readonly file: string
  readonly text: string
  /** What api-extractor has to complain about, such as a public type that is not exported. */
  readonly complaints: readonly string[]
}

/** The report on each entry point, made from dist. */
export function reportApi(): Promise<ApiReport[]> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>
  }
  return Promise.all(
    Object.entries(exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [reportEntryPoint(path.replace('.', 'recloser'), target.types)],
    ),
  )
}

async function reportEntryPoint(name: string, types: string): Promise<ApiReport> {
  const fileName = `${name.replace('/', '-')}.api.md`
  const folder = mkdtempSync(join(tmpdir(), 'recloser-api-'))
  try {
    const file = join(root, 'api-extractor.json')
    const configObject = ExtractorConfig.loadFile(file)
    const config = ExtractorConfig.prepare({
      configObject: {
        ...configObject,
        projectFolder: root,
        mainEntryPointFilePath: join(root, types),
        apiReport: {
          enabled: true,
          reportFileName: fileName,
          reportFolder: folder,
          reportTempFolder: folder,
        },
      },
      configObjectFullPath: file,
      packageJsonFullPath: join(root, 'package.json'),
    })
    const complaints: string[] = []
    Extractor.invoke(config, {
      localBuild: true,
      messageCallback: (message: ExtractorMessage) => {
        message.handled = true
        if (isComplaint(message)) complaints.push(message.formatMessageWithLocation(root))
      },
    })
    const report = readFileSync(join(folder, fileName), 'utf8')
    // As `npm run format` would leave it.
    const style = await resolveConfig(join(root, 'docs/api', fileName))
    const text = await format(report, { ...style, parser: 'markdown' })
    return { file: `docs/api/${fileName}`, text, complaints }
  } finally {
    rmSync(folder, { recursive: true })
  }
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
