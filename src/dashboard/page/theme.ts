import { recoloured } from './drawing.ts'

export type Theme = 'system' | 'light' | 'dark'

export const THEMES: readonly Theme[] = ['system', 'light', 'dark']

const KEY = 'recloser-theme'

/** The theme that was chosen the last time. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY) as Theme
    return THEMES.includes(stored) ? stored : 'system'
  } catch {
    // Storage may be forbidden; then nothing is remembered.
    return 'system'
  }
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  recoloured.publish()
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // As above.
  }
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => recoloured.publish())
