import { createDashboard } from '../../dashboard/server/dashboard.ts'
import { CircuitBreakerMonitor } from '../../monitor/monitor.ts'
import type { Transition } from '../../monitor/report.ts'
import { count } from '../table/format.ts'
import { DASHBOARD, startServer, type PanelChange, type PanelState } from './server.ts'
import { startService } from './service.ts'
import { DEPENDENCIES, Dependency } from './shop.ts'
import { Traffic } from './traffic.ts'

const RATE = 50 // calls per second of all dependencies together

export interface Demo {
  readonly url: string
  /** Ends the demo. Returns a summary of what has happened. */
  end(): Promise<string>
}

/** Starts the demo: the service, the traffic through breakers, the monitor and the page. */
export async function startDemo(port: number, onTransition: (transition: Transition) => void): Promise<Demo> {
  const start = performance.now()
  const service = await startService(DEPENDENCIES.map(({ options }) => options.name))
  const dependencies = DEPENDENCIES.map(({ about, options }) => new Dependency(about, options, service))
  const monitor = new CircuitBreakerMonitor()
  for (const { breaker } of dependencies) monitor.watch(breaker)
  // Only this machine can reach it, and it is a demo, so everyone may control it.
  const dashboard = createDashboard(monitor, { path: DASHBOARD, authorize: () => true })
  const panel = {
    state: (): PanelState => ({
      rate: traffic.rate,
      dependencies: dependencies.map(({ name, about, tally }) => ({
        name,
        about,
        fault: service.faultOf(name),
        tally,
      })),
    }),
    change: ({ rate, fault, dependency }: PanelChange): void => {
      if (rate !== undefined) traffic.rate = rate
      if (fault === undefined) return
      for (const { name } of dependencies) {
        if (dependency === undefined || dependency === name) service.setFault(name, fault)
      }
    },
  }
  const traffic = new Traffic(dependencies, RATE)
  const ended = new AbortController()
  try {
    const server = await startServer(panel, dashboard, port)
    const reported = reportTransitions(monitor, ended.signal, onTransition)
    return {
      url: server.url,
      end: async () => {
        await traffic.stop()
        const seconds = (performance.now() - start) / 1_000
        const text = summarize(dependencies, monitor.transitions.length, seconds)
        ended.abort()
        await reported
        dashboard.close()
        await Promise.all([server.close(), service.close()])
        return text
      },
    }
  } catch (error) {
    await traffic.stop()
    await service.close()
    throw error
  }
}

async function reportTransitions(
  monitor: CircuitBreakerMonitor,
  signal: AbortSignal,
  report: (transition: Transition) => void,
): Promise<void> {
  for await (const event of monitor.events({ signal })) {
    if (event.type === 'transition') report(event.transition)
  }
}

function summarize(dependencies: readonly Dependency[], transitions: number, seconds: number): string {
  const sum = (key: keyof Dependency['tally']): number =>
    dependencies.reduce((total, { tally }) => total + tally[key], 0)
  const [answered, failed, rejected] = [sum('answered'), sum('failed'), sum('rejected')]
  const calls = count(answered + failed + rejected, 'call')
  return `${calls} in ${seconds.toFixed(1)} s, ${count(transitions, 'change')} of state:
  ${answered} answered, ${failed} failed, ${rejected} rejected without asking the service.
`
}
