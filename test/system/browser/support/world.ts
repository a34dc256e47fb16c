import { install } from '@sinonjs/fake-timers'
import { CircuitBreaker } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import type { Permit } from '../../../../src/core/permit.ts'
import { seeded, type Random } from '../../../../src/testing/storage-kit/random.ts'
import { named, services, type Service } from './services.ts'

interface Task {
  readonly at: number
  readonly run: () => void
}

/** A dozen services of a shop on a bad day: two minutes of history are created at once, and then time continues. */
export class World {
  readonly monitor: CircuitBreakerMonitor = new CircuitBreakerMonitor()
  readonly #tasks: Task[] = []
  readonly #present: number = performance.now()
  /** The clock of the breakers: each event happens at its planned time, however late it runs. It never goes back. */
  #now: number
  #over = false
  #timer: NodeJS.Timeout | undefined
  /** Seeded, so that the world is the same each time. */
  readonly #random: Random = seeded(1)

  constructor() {
    const wall = Date.now()
    const date = install({ now: wall, toFake: ['Date'] })
    const clock = { now: () => (this.#over ? this.#passTo(performance.now()) : this.#now) }
    const past = services.flatMap(({ manually }) => (manually ?? []).map(([ago]) => ago))
    this.#now = this.#present - 1_000 * Math.max(...past) - 1_000
    for (const service of services) {
      const breaker = new CircuitBreaker({
        name: service.name,
        clock,
        random: this.#random,
        ...service.options,
      })
      this.monitor.watch(breaker)
      for (const [ago, act] of service.manually ?? []) this.#plan(this.#at(ago), () => act(breaker))
      this.#plan(this.#at(150), () => this.#call(service, breaker))
    }
    this.#run(this.#present, (time) => date.setSystemTime(wall + time - this.#present))
    date.uninstall()
    this.#timer = setInterval(() => this.#run(performance.now()), 20)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #call(service: Service, breaker: CircuitBreaker): void {
    const { calls, failing = () => 0.002, duration, spread = 0.3, error = named('Error', 'failed') } = service
    const now = this.#now
    const ago = (this.#present - now) / 1_000
    const rate = calls(ago)
    this.#plan(now + (rate > 0 ? -Math.log(1 - this.#random()) / rate : 1) * 1_000, () =>
      this.#call(service, breaker),
    )
    if (rate <= 0) return
    const permit: Permit | undefined = breaker.tryAcquire()
    if (!permit) return
    // Durations are log-normal, like those of real services.
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
    const fails = this.#random() < failing(ago)
    this.#plan(now + duration * Math.exp(spread * normal), () =>
      fails ? permit.failure(error) : permit.success(),
    )
  }

  #run(until: number, onTime: (time: number) => void = () => {}): void {
    for (let task = this.#tasks[0]; task && task.at <= until; task = this.#tasks[0]) {
      this.#tasks.shift()
      this.#over = false
      onTime(this.#passTo(task.at))
      task.run()
    }
    this.#over = true
  }

  #passTo(time: number): number {
    return (this.#now = Math.max(this.#now, time))
  }

  #plan(at: number, run: () => void): void {
    // Binary search for the position.
    let [low, high] = [0, this.#tasks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#tasks[middle]!.at <= at) low = middle + 1
      else high = middle
    }
    this.#tasks.splice(low, 0, { at, run })
  }

  #at(ago: number): number {
    return this.#present - ago * 1_000
  }
}
