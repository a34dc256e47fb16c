import { answer, encode } from './answers.ts'
import { loadPage, type Part } from './load-page.ts'

interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly tag: string
}

class PageFile {
  readonly #type: string
  readonly #part: Part
  #content: Content | undefined

  constructor(type: string, part: Part) {
    this.#type = `${type}; charset=utf-8`
    this.#part = part
  }

  async answer({ headers }: Request): Promise<Response> {
    // Caches the content, not a promise: in workerd, a request cannot await another request's promise.
    this.#content ??= await load(this.#part)
    const { bytes, tag } = this.#content
    // File names do not change between versions, so browsers must revalidate.
    const fields = { etag: tag, 'cache-control': 'no-cache' }
    const isKnown = headers.get('if-none-match')?.includes(tag)
    return isKnown ? answer(304, null, fields) : answer(200, bytes, { ...fields, 'content-type': this.#type })
  }
}

async function load(part: Part): Promise<Content> {
  const bytes = encode((await loadPage())[part])
  return { bytes, tag: `"${hex(await crypto.subtle.digest('SHA-256', bytes))}"` }
}

function hex(hash: ArrayBuffer): string {
  return [...new Uint8Array(hash, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The files of the page by endpoint. */
export const pageFiles: Readonly<Record<'' | 'page.js' | 'page.css', PageFile>> = {
  '': new PageFile('text/html', 'html'),
  'page.js': new PageFile('text/javascript', 'script'),
  'page.css': new PageFile('text/css', 'style'),
}
