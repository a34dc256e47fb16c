import { html, script, style } from './assets.ts'
import { answer, encode } from './answers.ts'

class PageFile {
  readonly #type: string
  readonly #content: Uint8Array<ArrayBuffer>
  #tag: string | undefined

  constructor(type: string, content: string) {
    this.#type = `${type}; charset=utf-8`
    this.#content = encode(content)
  }

  async answer({ headers }: Request): Promise<Response> {
    // Not the promise: workerd lets no request wait for another's.
    this.#tag ??= `"${hex(await crypto.subtle.digest('SHA-256', this.#content))}"`
    // The names stay the same from version to version, so a browser has to ask.
    const fields = { etag: this.#tag, 'cache-control': 'no-cache' }
    const isKnown = headers.get('if-none-match')?.includes(this.#tag)
    return isKnown
      ? answer(304, null, fields)
      : answer(200, this.#content, { ...fields, 'content-type': this.#type })
  }
}

function hex(hash: ArrayBuffer): string {
  return [...new Uint8Array(hash, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The page and what belongs to it, by endpoint. */
export const pageFiles: Readonly<Record<'' | 'page.js' | 'page.css', PageFile>> = {
  '': new PageFile('text/html', html),
  'page.js': new PageFile('text/javascript', script),
  'page.css': new PageFile('text/css', style),
}
