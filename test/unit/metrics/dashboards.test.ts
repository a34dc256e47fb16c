import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { folder, readDashboard } from './grafana.ts'
import { readQuery } from './promql.ts'
import { Vocabulary } from './vocabulary.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook', string>>
}

const files = readdirSync(folder)
const dashboards = files.filter((file) => file.endsWith('.json')).map((file) => readDashboard(file))
const { groups } = parse(readFileSync(join(folder, 'alerts.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

let vocabulary: Vocabulary
before(async () => {
  vocabulary = await Vocabulary.scraped()
})

/** Returns the label names in the `{{ }}` placeholders of a text. */
const templated = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}/g)].map(([, label]) => label!)

describe('the check of queries', () => {
  it('notices a syntax error, an unknown metric, label and value', () => {
    for (const [query, complaint] of [
      ['sum by (name) (recloser_state', /PromQL at/],
      ['rate(recloser_calls_total[$__rate])', /PromQL at/],
      ['recloser_calls', /no metric recloser_calls/],
      ['recloser_call_duration_seconds', /no metric/],
      ['recloser_state{outcome="failure"}', /has no label outcome/],
      ['sum by (breaker) (recloser_state)', /has no label breaker/],
      ['recloser_state{state="tripped"}', /no state="tripped"/],
      ['recloser_state{state=~"open|halfOpen"}', /no state="halfOpen"/],
    ] as const) {
      assert.throws(() => vocabulary.checkQuery(query), complaint)
    }
  })
})

describe('the dashboard for Grafana', () => {
  it('is there', () => {
    assert.deepEqual(
      dashboards.map(({ title }) => title),
      ['Circuit breakers'],
    )
  })

  for (const { panels, annotations, templating, schemaVersion, uid } of dashboards) {
    const targets = panels.flatMap((panel) => panel.targets)
    const events = annotations.list.filter(({ expr }) => expr !== undefined)

    for (const { title, targets } of panels) {
      it(`asks in “${title}” only for metrics and labels of a scrape`, () => {
        assert.ok(targets.length > 0)
        for (const { expr, legendFormat } of targets) {
          for (const metric of vocabulary.checkQuery(expr)) {
            for (const label of templated(legendFormat)) vocabulary.checkLabel(metric, label)
          }
          for (const label of templated(legendFormat))
            assert.ok(readQuery(expr).groupings.includes(label), label)
        }
      })
    }

    it('asks in its annotations only for metrics and labels of a scrape', () => {
      assert.ok(events.length > 0)
      for (const { expr = '', titleFormat = '', tagKeys = '' } of events) {
        assert.deepEqual(vocabulary.checkQuery(expr), ['recloser_transitions_total'])
        const labels = [...templated(titleFormat), ...tagKeys.split(',')]
        for (const label of labels) assert.ok(readQuery(expr).groupings.includes(label), label)
      }
    })

    it('has variables only over labels of a scrape', () => {
      const queries = templating.list.filter(({ type }) => type === 'query').map(({ query }) => query)
      assert.equal(queries.length, 2)
      for (const query of queries) {
        const source = typeof query === 'string' ? query : query.query
        const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(source) ?? []
        for (const metric of vocabulary.checkQuery(selector!)) vocabulary.checkLabel(metric, label!)
      }
    })

    it('shows every metric', () => {
      const shown = new Set(targets.flatMap(({ expr }) => vocabulary.checkQuery(expr)))
      assert.deepEqual([...shown].toSorted(), vocabulary.metrics.toSorted())
    })

    it('can filter every query about a breaker by job and breaker', () => {
      for (const { expr } of [...targets, ...events]) {
        for (const { matchers } of readQuery(expr!).selectors) {
          const [job, name] = matchers.map(({ label, operator, value }) => label + operator + value)
          assert.deepEqual([job, name], ['job=~$job', 'name=~$breaker'], expr)
        }
      }
    })

    it('uses only variables that it defines, and Grafana’s own', () => {
      const known = new Set([...templating.list.map(({ name }) => name), '__rate_interval'])
      const used = JSON.stringify([panels, annotations, templating]).matchAll(/\$\{?(\w+)/g)
      const names = new Set(Array.from(used, ([, name]) => name!))
      names.delete('__all')
      assert.deepEqual([...names].toSorted(), [...known].toSorted())
      for (const { datasource } of [...panels, ...targets, ...events]) {
        assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' })
      }
    })

    it('has panels with a title and a description, side by side on 24 columns', () => {
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
      assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
      const taken = new Set<string>()
      for (const { title, description, gridPos, targets } of panels) {
        assert.match(title, /^[A-Z]/)
        assert.match(description, /^[A-Z].*\.$/)
        assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length)
        const { x, y, w, h } = gridPos
        assert.ok(x >= 0 && w > 0 && x + w <= 24, title)
        for (let cell = 0; cell < w * h; cell++) {
          const position = `${x + (cell % w)},${y + Math.floor(cell / w)}`
          assert.ok(!taken.has(position), `${title} overlaps at ${position}`)
          taken.add(position)
        }
      }
      const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h))
      assert.equal(taken.size, 24 * height, 'a gap')
    })

    it('has a schema version, and a fixed uid by which Grafana recognizes it', () => {
      assert.equal(schemaVersion, 39)
      assert.equal(uid, 'recloser')
    })
  }
})

describe('the alert rules', () => {
  it('cover a circuit that is open or isolated for long, that flaps, that is cut off, and one that should open', () => {
    assert.deepEqual(
      rules.map(({ alert }) => alert),
      [
        'RecloserCircuitOpen',
        'RecloserCircuitIsolated',
        'RecloserCircuitFlapping',
        'RecloserFleetLinkDegraded',
        'RecloserHighFailureRateWhileClosed',
      ],
    )
  })

  for (const { alert, expr, labels, annotations, for: lasting } of rules) {
    it(`${alert} asks only for metrics and labels of a scrape, and names the breaker`, () => {
      assert.ok(vocabulary.checkQuery(expr).length > 0)
      const { groupings } = readQuery(expr)
      for (const label of ['job', 'name']) assert.ok(groupings.includes(label))
      for (const text of Object.values(annotations)) {
        for (const label of templated(text)) assert.ok(groupings.includes(label), label)
      }
    })

    it(`${alert} says what it means and what to do`, () => {
      assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook'])
      assert.match(annotations.summary, /\{\{ \$labels\.name \}\}/)
      assert.ok(annotations.runbook.length > 80)
      assert.ok(['critical', 'warning'].includes(labels.severity))
      assert.match(lasting ?? '0m', /^\d+[mh]$/)
    })
  }

  it('each have a test in alerts.test.yml, which promtool runs', () => {
    const { tests } = parse(readFileSync(join(folder, 'alerts.test.yml'), 'utf8')) as {
      tests: {
        input_series: { series: string }[]
        alert_rule_test: { alertname: string; exp_alerts: unknown[] }[]
      }[]
    }
    const cases = tests.flatMap((test) => test.alert_rule_test)
    for (const { alert } of rules) {
      const fires = cases
        .filter(({ alertname }) => alertname === alert)
        .map((each) => each.exp_alerts.length > 0)
      assert.deepEqual(new Set(fires), new Set([false, true]), alert)
    }
    for (const { series } of tests.flatMap((test) => test.input_series)) vocabulary.checkQuery(series)
  })
})
