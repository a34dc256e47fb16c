import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import parse from 'parse-prometheus-text-format'

/** A line of a scrape. */
export interface Sample {
  readonly metric: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A scrape as a Prometheus server would read it. */
export class Scrape {
  readonly text: string
  readonly samples: readonly Sample[]

  static async of(register: { metrics(): Promise<string> }): Promise<Scrape> {
    return new Scrape(await register.metrics())
  }

  constructor(text: string) {
    this.text = text
    // The parser merges the lines of a histogram, whatever their labels, so it must not know that it is a histogram.
    this.samples = parse(text.replaceAll(/^# TYPE \S+ histogram$/gm, '')).flatMap(({ name, metrics }) =>
      metrics.map(({ labels = {}, value }) => ({ metric: name, labels, value: Number(value) })),
    )
  }

  /** Returns the value of the only series with exactly these labels. */
  value(metric: string, labels: Sample['labels'] = {}): number {
    const found = this.of(metric).filter((each) => isDeepStrictEqual(each.labels, labels))
    assert.equal(found.length, 1, `${found.length} series ${metric}${JSON.stringify(labels)}`)
    return found[0]!.value
  }

  of(metric: string): Sample[] {
    return this.samples.filter((each) => each.metric === metric)
  }

  /** The names of the breakers, in order of appearance. */
  get names(): string[] {
    return this.of('recloser_permits_in_flight').map(({ labels }) => labels['name']!)
  }
}
