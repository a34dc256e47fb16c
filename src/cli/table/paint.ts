import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'magenta'

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** Who asks has looked at NO_COLOR and at the terminal. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}
