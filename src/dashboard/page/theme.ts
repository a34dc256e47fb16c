import { recolored } from './drawing.ts'

export type Theme = 'system' | 'light' | 'dark'

export const THEMES: readonly Theme[] = ['system', 'light', 'dark']

const KEY = 'recloser-theme'

/** Returns the theme that was last chosen. */
export function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY) as Theme
    return THEMES.includes(stored) ? stored : 'system'
  } catch {
    // Storage may be disabled; then the choice is not kept.
    return 'system'
  }
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  recolored.publish()
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // As above.
  }
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => recolored.publish())
