import { Component, createElement, type FunctionComponent, type RefObject } from 'preact'
import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import { Topic } from './topic.ts'

/** Renders again whenever one of the topics says so. */
export function useTopics(...topics: readonly Topic[]): void {
  const [, renew] = useReducer((count: number) => count + 1, 0)
  const version = (): number => topics.reduce((sum, topic) => sum + topic.version, 0)
  const rendered = version()
  useEffect(() => {
    const ends = topics.map((topic) => topic.subscribe(() => renew(undefined)))
    // What was published between the rendering and now was missed.
    if (version() !== rendered) renew(undefined)
    return () => ends.forEach((end) => end())
  }, topics)
}

/** Speaks four times a second while somebody listens: often enough for a countdown of whole seconds. */
const clock = new (class extends Topic {
  #listening = 0
  #timer: number | undefined

  override subscribe(subscriber: () => void): () => void {
    const end = super.subscribe(subscriber)
    if (++this.#listening === 1) this.#timer = setInterval(() => this.publish(), 250)
    return () => {
      end()
      if (--this.#listening === 0) clearInterval(this.#timer)
    }
  }
})()

/** What `read` says now; renders again when time changes it. */
export function useTime(read: () => string): string {
  const [, renew] = useState('')
  const reading = useRef(read)
  reading.current = read
  useEffect(() => clock.subscribe(() => renew(reading.current())), [])
  return read()
}

const nearby = new WeakMap<Element, (near: boolean) => void>()

const observer = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => nearby.get(target)?.(isIntersecting)),
  { rootMargin: '400px 0px' },
)

/** Whether the element is on the screen, or nearly. */
export function useNear(element: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(false)
  useEffect(() => {
    const target = element.current
    if (!target) return undefined
    nearby.set(target, setNear)
    observer.observe(target)
    return () => observer.unobserve(target)
  }, [])
  return near
}

/** A component that renders again only when one of its properties is another. */
export function memo<P extends object>(Inner: FunctionComponent<P>): new (props: P) => Component<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const now: object = this.props
      return Object.entries(next).some(([key, value]) => (now as Record<string, unknown>)[key] !== value)
    }
    override render() {
      return createElement(Inner, this.props)
    }
  }
}
