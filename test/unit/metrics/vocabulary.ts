import assert from 'node:assert/strict'
import { Registry } from 'prom-client'
import { CircuitBreaker } from '../../../src/index.ts'
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'
import { readQuery } from './promql.ts'
import { Scrape } from './scrape.ts'

/** Labels that Prometheus adds to every target. */
const TARGET = ['job', 'instance']
/** Labels whose values are up to the user. */
const FREE = new Set([...TARGET, 'name', 'le'])

/** What a query can ask for: the metrics of a real scrape, their labels, and the values of these. */
export class Vocabulary {
  readonly #metrics = new Map<string, Map<string, Set<string>>>()

  static async scraped(): Promise<Vocabulary> {
    const register = new Registry()
    const monitor = new CircuitBreakerMonitor()
    prometheusMetrics(monitor, { register })
    const breaker = new CircuitBreaker({ name: 'payments', storage: new MemoryStorage() })
    monitor.watch(breaker)
    breaker.isolate()
    return new Vocabulary(await Scrape.of(register))
  }

  constructor({ samples }: Scrape) {
    for (const { metric, labels } of samples) {
      const known = this.#metrics.get(metric) ?? new Map(TARGET.map((label) => [label, new Set<string>()]))
      this.#metrics.set(metric, known)
      for (const [label, value] of Object.entries(labels)) {
        known.set(label, (known.get(label) ?? new Set()).add(value))
      }
    }
  }

  get metrics(): string[] {
    return [...this.#metrics.keys()]
  }

  /** Asserts that a query is PromQL and asks only for what exists. Returns the metrics that it asks for. */
  checkQuery(source: string): string[] {
    const { selectors, groupings } = readQuery(source)
    assert.ok(selectors.length > 0, source)
    for (const { metric, matchers } of selectors) {
      assert.ok(this.#metrics.has(metric), `no metric ${metric}: ${source}`)
      for (const { label, operator, value } of matchers) {
        const values = this.#values(metric, label, source)
        const wanted = FREE.has(label) ? [] : operator.includes('~') ? value.split('|') : [value]
        for (const each of wanted) assert.ok(values.has(each), `${metric}: no ${label}="${each}"`)
      }
      for (const label of groupings) this.#values(metric, label, source)
    }
    return selectors.map(({ metric }) => metric)
  }

  #values(metric: string, label: string, source: string): Set<string> {
    const values = this.#metrics.get(metric)?.get(label)
    assert.ok(values, `${metric} has no label ${label}: ${source}`)
    return values
  }

  /** Asserts that a metric has a label. */
  checkLabel(metric: string, label: string): void {
    this.#values(metric, label, label)
  }
}
