import { readdirSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { resolvePattern } from '../../patterns/catalog.ts'
import { discover } from '../../harness/core/discover.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { Runtime } from '../../harness/model/runtime.ts'
import { isHarmless, loadCases, type NamedCase, runCases } from '../../harness/conform/suite.ts'
import { labelRun } from '../../harness/os/label.ts'
import { openTarget, type RunningTarget } from '../../harness/run/target.ts'

const folder = new URL('../../patterns/', import.meta.url)
const deliveries = await discover<Delivery>(new URL('deliveries/', folder), 'delivery')
const engines = await discover<Engine>(new URL('engines/', folder), 'engine')
const { process: runtime } = Object.fromEntries(
  await discover<Runtime>(new URL('../../harness/runtimes/', import.meta.url)),
)
const cases = await loadCases()
const folders = readdirSync(new URL('deliveries/', folder), { withFileTypes: true }).filter((one) => one.isDirectory())

/** A smoke task takes a second, heartbeats half of one. */
const timeScale = 30

// @busy: eight services at once. Each service has its own processes, and every case waits more than it works.
vi.setConfig({ maxConcurrency: 8 })
labelRun(`test-${process.pid}-${Date.now()}`)
afterAll(() => labelRun(undefined))

describe.concurrent.each(folders.map(({ name }) => name))('the contract, kept by %s', (delivery) => {
  hold(`${delivery}+memory`, cases)
})

/** What needs a task that outlives its processes. */
describe.concurrent.each(['sse-polling', 'websocket'])(
  'the contract over a log that outlives its servers, kept by %s',
  (delivery) => {
    hold(
      `${delivery}+postgres`,
      cases.filter(({ needs }) => needs.includes('durable')),
    )
  },
)

/** One test per case. What does not apply is skipped with the reason. */
function hold(name: string, held: readonly NamedCase[]): void {
  let running: RunningTarget
  const stack = new AsyncDisposableStack()
  beforeAll(async () => {
    const temp = await mkdtemp(join(tmpdir(), 'outlast-test-'))
    // A database that runs as nobody must be able to come here.
    await chmod(temp, 0o711)
    stack.defer(() => rm(temp, { recursive: true, force: true, maxRetries: 5 }))
    const place = { cell: `contract-${name}`, folder: temp, temp, note: async () => {} }
    const pattern = resolvePattern(name, deliveries, engines)
    const signal = new AbortController().signal
    running = stack.use(await openTarget(pattern, { place, runtime: runtime!, timeScale, signal }))
  })
  afterAll(() => stack.disposeAsync())
  const expectKept = async (one: NamedCase, { skip }: { skip(reason: string): never }) => {
    const [result] = await runCases([one], running.target)
    const { outcome, reason } = result!
    if (outcome === 'n/a') skip(reason!)
    expect([outcome, reason]).toEqual(['pass', undefined])
  }
  test.concurrent.for(held.filter(isHarmless))('$id: $proves', (one, context) => expectKept(one, context))
  test.for(held.filter((one) => !isHarmless(one)))('$id: $proves', { concurrent: false }, (one, context) =>
    expectKept(one, context),
  )
}
