import { Component, createElement, type FunctionComponent, type RefObject } from 'preact'
import { useEffect, useReducer, useRef, useState } from 'preact/hooks'
import { Topic } from './topic.ts'

/** Rerenders the component when one of the topics publishes. */
export function useTopics(...topics: readonly Topic[]): void {
  const [, rerender] = useReducer((count: number) => count + 1, 0)
  const version = (): number => topics.reduce((sum, topic) => sum + topic.version, 0)
  const rendered = version()
  useEffect(() => {
    const ends = topics.map((topic) => topic.subscribe(() => rerender(undefined)))
    // Catches up on what was published between the rendering and this subscription.
    if (version() !== rendered) rerender(undefined)
    return () => ends.forEach((end) => end())
  }, topics)
}

/** Publishes four times a second while it has subscribers: often enough for a countdown in whole seconds. */
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

/** Returns what `read` returns, and rerenders when that changes with time. */
export function useTime(read: () => string): string {
  const [, rerender] = useState('')
  const reading = useRef(read)
  reading.current = read
  useEffect(() => clock.subscribe(() => rerender(reading.current())), [])
  return read()
}

const nearby = new WeakMap<Element, (near: boolean) => void>()

const observer = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => nearby.get(target)?.(isIntersecting)),
  { rootMargin: '400px 0px' },
)

/** Returns whether the element is in the viewport or within 400 px above or below it. */
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

/** Returns a component that rerenders only when one of its props has changed. */
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
