import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sleep, startTimer, timeLimit } from '../../../patterns/contract/types/timer.ts'

const dayMs = 24 * 3_600_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a timer waits for as long as it is told, and can be cancelled on the way', async () => {
  const [act, never] = [vi.fn<() => void>(), vi.fn<() => void>()]
  startTimer(act, 60 * dayMs)
  const timer = startTimer(never, 60 * dayMs)
  await vi.advanceTimersByTimeAsync(60 * dayMs - 1)
  expect(act).not.toHaveBeenCalled()
  timer.cancel()
  await vi.advanceTimersByTimeAsync(1)
  expect(act).toHaveBeenCalledOnce()
  await vi.advanceTimersByTimeAsync(60 * dayMs)
  expect(never).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

test('a limit holds for longer than a timer can wait, and takes fractions', async () => {
  const limit = timeLimit(30 * dayMs + 0.5)
  await vi.advanceTimersByTimeAsync(30 * dayMs)
  expect(limit.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(limit.reason).toMatchObject({ name: 'TimeoutError' })
  expect(timeLimit(0.5).aborted).toBe(false)
})

test('a sleep may be left alone: its end is nobody’s crash', async () => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  try {
    const stop = new AbortController()
    const left = sleep(40 * dayMs, stop.signal)
    stop.abort(new Error('over'))
    vi.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(unhandled).not.toHaveBeenCalled()
    await expect(left).rejects.toThrow('over')
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

/** Durations of the contract: at the smallest time scale ten times as long as written, which a timer can wait for. */
const ofTheContract = /^(?:\w+\.)*timing\.\w+$/
/** Where the length is bounded elsewhere, and by what. */
const bounded: Readonly<Record<string, string>> = {
  'harness/links/embedded/stage.ts: Math.min(Math.ceil(restMs), longestTimerMs)': 'looks at the clock when it fires',
  'harness/links/client.ts: deadlineMs': 'a constant of its callers',
  'harness/task-page/relay.ts: silenceMs': 'of the contract',
  'harness/task-page/browser/follow.ts: waitS * 1_000': 'ten minutes at most',
  'harness/task-page/browser/watched-task.ts: 1_000 * Math.max(1, answer.againInS ?? 0)': 'ten minutes at most',
  'harness/task-page/browser/poll-channel.ts: rest': 'no longer than shortestMs',
  'harness/runtimes/process/remote-node.ts: this.#limitMs': 'half a minute, and less in tests',
  'patterns/contract/server/heartbeats.ts: this.#tickMs': 'half a heartbeat of the contract',
  'patterns/deliveries/sse/frames.ts: this.#patienceMs': 'of the contract',
  'patterns/deliveries/sse/stream.ts: options.watchdogMs': 'of the contract',
  'patterns/deliveries/websocket/socket.ts: options.watchdogMs': 'of the contract',
  'patterns/deliveries/webhook-retry/endpoint.ts: limitMs': 'of the contract',
  'patterns/deliveries/webhook-retry/sender.ts: timeoutMs': 'of the contract',
  'patterns/contract/engine/feed.ts: Math.max(500, claimPollMs)': 'of the engine',
  'patterns/engines/postgres/active-tasks.ts: delayMs': 'less than everyMs, which is of the engine',
  'patterns/contract/engine/wakeup.ts: mostMs': 'of the engine',
  'patterns/engines/temporal/activities.ts: ms': 'a heartbeat of the engine',
  'patterns/work.ts: Math.max(2000, 2 * timingAt(settings.timeScale).drainMs)': 'of the contract',
  'patterns/serve.ts: drainMs': 'of the contract',
  'patterns/serve.ts: Math.max(2000, 2 * drainMs)': 'of the contract',
}

test('nobody gives a timer of Node’s a length that it may not be able to wait', () => {
  const own = new Set(['patterns/contract/types/timer.ts'])
  const files = sources(['harness', 'patterns', 'reports', 'servers', 'tools']).filter((file) => !own.has(file))
  const found = files.flatMap((file) => unbounded(file, readFileSync(file, 'utf8')))
  expect(found, 'use startTimer, timeLimit or sleep of timer.ts, or say here what bounds it').toEqual([])
})

test('what would be found', () => {
  const text = `const aMs = 5_000\nsetTimeout(go, aMs)\nsetInterval(() => f(1, 2), 10)\nsetTimeout(go, job.ms).unref()`
  expect(unbounded('a.ts', text)).toEqual(['a.ts: job.ms'])
  expect(unbounded('a.ts', `AbortSignal.timeout(ms)`)).toEqual(['a.ts: ms'])
  expect(unbounded('a.ts', `import { setTimeout as wait } from 'node:timers/promises'`)).toEqual([
    'a.ts: timers/promises',
  ])
})

function sources(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`),
  )
}

function unbounded(file: string, text: string): readonly string[] {
  const calls = [...text.matchAll(/\b(setTimeout|setInterval|AbortSignal\.timeout)\(/g)]
  const lengths = calls.map(({ 0: call, 1: name, index }) => {
    const [first, second] = argumentsAt(text, index + call.length)
    return (name === 'AbortSignal.timeout' ? first : second) ?? '0'
  })
  const isConstant = (length: string): boolean => {
    return /^[\d_]+$/.test(length) || new RegExp(`\\bconst ${length} = [\\d_* ]+\\n`).test(text)
  }
  const open = lengths.filter((length) => {
    return (
      !ofTheContract.test(length) &&
      bounded[`${file}: ${length}`] === undefined &&
      !(/^\w+$/.test(length) && isConstant(length))
    )
  })
  const imported = text.includes('timers/promises') ? ['timers/promises'] : []
  return [...open, ...imported].map((what) => `${file}: ${what}`)
}

/** The arguments of the call that has just been opened, as they are written. */
function argumentsAt(text: string, from: number): readonly string[] {
  const found: string[] = []
  let [depth, start] = [0, from]
  for (let i = from; i < text.length; i++) {
    const char = text[i]!
    if ('([{'.includes(char)) depth++
    if (depth === 0 && (char === ',' || char === ')')) {
      found.push(text.slice(start, i).trim())
      start = i + 1
    }
    if (')]}'.includes(char) && depth-- === 0) break
  }
  return found.filter((one) => one !== '')
}
