import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { HarnessHealth } from '../model/history.ts'
import { quantile } from '../stats/quantiles.ts'

export interface HealthMonitor {
  /** What the harness did to itself since the start; the pacer's own lags come from the caller. */
  stop(): Pick<HarnessHealth, 'eventLoopDelayP99Ms' | 'cpuShare'>
}

const resolutionMs = 5

/** Watch this process's event loop and processor time while a load is offered. */
export function watchHealth(): HealthMonitor {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  const cpu = process.cpuUsage()
  const started = performance.now()
  delay.enable()
  return {
    stop: () => {
      delay.disable()
      const used = process.cpuUsage(cpu)
      const elapsedMs = performance.now() - started
      return {
        // The monitor's samples include the sampling interval itself.
        eventLoopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
        cpuShare: (used.user + used.system) / 1000 / elapsedMs,
      }
    },
  }
}

export function summarizeLags(lagsMs: Float64Array): Pick<HarnessHealth, 'pacerLagP99Ms' | 'pacerLagMaxMs'> {
  const lags = [...lagsMs]
  return { pacerLagP99Ms: quantile(lags, 0.99) ?? 0, pacerLagMaxMs: lags.reduce((a, b) => Math.max(a, b), 0) }
}
