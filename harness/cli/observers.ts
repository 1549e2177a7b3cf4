import { InvalidArgumentError } from 'commander'
import { manifest } from '../core/own-package.ts'
import { createMetrics, type Metrics } from '../export/metrics/metrics.ts'
import { serveMetrics } from '../export/metrics/server.ts'
import { type EndedRun, exportRun, exportSentence } from '../export/otlp/export-run.ts'
import type { Patience } from '../export/otlp/send.ts'
import type { OtlpTarget } from '../export/otlp/target.ts'
import type { Plan } from '../model/plan.ts'

export const otlpOption = [
  '--otlp <url>',
  'send a trace of every task to this collector when all is over (default: OTEL_EXPORTER_OTLP_ENDPOINT, if set)',
] as const

export const metricsOption = [
  '--metrics <port>',
  'serve metrics for Prometheus on this port of 127.0.0.1 while it runs; 0: any that is free',
] as const

export function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
}

/** What watches a run for Prometheus; disposing closes its port. Rejects with UsageError where nobody can listen there. */
export async function openMetrics(
  plan: Plan,
  port: number,
): Promise<Pick<Metrics, 'onProgress' | 'onTaskEnd'> & { readonly url: string } & AsyncDisposable> {
  const metrics = await createMetrics(plan, manifest.version)
  const server = await serveMetrics(metrics, port)
  const { onProgress, onTaskEnd } = metrics
  return { onProgress, onTaskEnd, url: server.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Sends the traces of a run that is over. Resolves with a sentence, and whether all went; a Ctrl-C ends it. */
export async function sendTraces(
  run: EndedRun,
  target: OtlpTarget,
  patience?: Patience,
): Promise<{ readonly sentence: string; readonly complete: boolean }> {
  const interrupted = new AbortController()
  const onSignal = (): void => interrupted.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  try {
    const exported = await exportRun(run, target, interrupted.signal, patience)
    const complete = exported.problem === undefined && exported.untimed === 0
    return { sentence: exportSentence(exported, target), complete }
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
