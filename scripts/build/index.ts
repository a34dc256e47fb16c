// `npm run build`: bundles the sources into dist, as ES modules and as CommonJS, with one declaration per entry point.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildDeclarations } from './declarations.ts'
import { readEntryPoints, root } from './entry-points.ts'
import { buildJavaScript } from './javascript.ts'
import { buildPage } from './page.ts'

const entryPoints = readEntryPoints()
rmSync(join(root, 'dist'), { recursive: true, force: true })
const page = await buildPage()
await buildJavaScript(entryPoints, page)
await buildDeclarations(entryPoints)
