import type { JSX } from 'preact'
import type { CircuitBreakerState } from '../../base/state.ts'

// The symbol for a switch in a circuit diagram: two contacts, and a lever in four positions.
const drawings: Readonly<Record<CircuitBreakerState, JSX.Element>> = {
  closed: <path d="M1 8h3M12 8h3M4 8h8" />,
  'half-open': <path d="M1 8h3M12 8h3M4 8l7-4.2" stroke-dasharray="3 0 3 2.2 1.6 2.2 1.6 9" />,
  open: <path d="M1 8h3M12 8h3M4 8l5.6-6" />,
  isolated: <path d="M1 8h3M12 8h3M4.4 12.4l7.2-8.8M4.4 3.6l7.2 8.8" />,
}

export function StateIcon({ state }: { readonly state: CircuitBreakerState }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      {drawings[state]}
      {state !== 'isolated' && (
        <>
          <circle cx="4" cy="8" r="1.6" class="contact" />
          <circle cx="12" cy="8" r="1.6" class="contact" />
        </>
      )}
    </svg>
  )
}

export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M2 20h7M23 20h7M9 20l12-11" />
      <circle cx="9" cy="20" r="3" class="contact" />
      <circle cx="23" cy="20" r="3" class="contact" />
    </svg>
  )
}

const paths = {
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zm3.6-1.4L14.5 14.5',
  system: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
  light:
    'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9L13 13M3 13l1.1-1.1M11.9 4.1L13 3',
  dark: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z',
  eye: 'M1 8s2.5-4.5 7-4.5S15 8 15 8s-2.5 4.5-7 4.5S1 8 1 8zm7 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
} as const

export function Icon({ name }: { readonly name: keyof typeof paths }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
