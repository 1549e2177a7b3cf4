/** `npm test`, killed in the middle of a conformance file with real servers. */
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { outlast, root } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'
import { kill, watchTree } from './traces.ts'

/** Who is killed: the process that a user sees; all of it but its reaper; all of it, so that `outlast clean` is needed. */
const ways = ['the parent', 'all but its reaper', 'the whole tree'] as const
const engines = ['postgres', 'restate', 'queue', 'temporal'] as const

export interface SuiteKill {
  readonly engine: (typeof engines)[number]
  readonly way: (typeof ways)[number]
  readonly into: number
}

export interface SuiteOutcome {
  readonly kill: SuiteKill
  /** None of its servers ran: it is not installed here. */
  readonly isMissed: boolean
  readonly servers: number
  readonly left: readonly string[]
  readonly tookMs: number
}

const limitMs = 12_000
const serversMs = 90_000

export function drawSuiteKills(count: number, next: () => number): readonly SuiteKill[] {
  return Array.from({ length: count }, (_, i) => ({
    engine: engines[i % engines.length]!,
    way: ways[i % ways.length]!,
    into: next(),
  }))
}

export async function killSuite(one: SuiteKill): Promise<SuiteOutcome> {
  const tmp = await mkdtemp(join(tmpdir(), 'suite-'))
  await chmod(tmp, 0o711)
  const args = ['node_modules/vitest/vitest.mjs', 'run', 'test/conformance/engines.test.ts']
  const child = spawn(process.execPath, [...args, '-t', `engine ${one.engine} `], {
    cwd: root,
    env: { ...process.env, TMPDIR: tmp },
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  const watch = watchTree(child.pid!, tmp)
  const servers = () => watch.look().alive.filter(({ command }) => isServer(command)).length
  try {
    const giveUpAt = performance.now() + serversMs
    while (servers() === 0 && child.exitCode === null && performance.now() < giveUpAt) await sleep(50)
    for (const at = performance.now() + one.into * 3_000; performance.now() < at; await sleep(50)) watch.look()
    const { alive } = watch.look()
    const running = servers()
    const victims = alive.filter(({ pid, command }) => {
      if (one.way === 'the parent') return pid === child.pid
      return one.way === 'the whole tree' || !/cleanup\/reaper\.[jt]s/.test(command)
    })
    for (const { pid } of victims.toReversed()) kill(pid)
    await exited
    // A suite that ends well without any server skipped its tests, and says why. Any other end before the first server shows nothing.
    if (running === 0 && child.exitCode !== 0) throw new Error(`the suite of ${one.engine} ended before any server ran`)
    let from = performance.now()
    if (one.way === 'the whole tree') {
      await sleep(500)
      from = performance.now()
      await outlast(['clean'], tmp)
    }
    let left = watch.left()
    while (left.length > 0 && performance.now() - from < limitMs) {
      await sleep(100)
      left = watch.left()
    }
    return { kill: one, isMissed: running === 0, servers: running, left, tookMs: performance.now() - from }
  } finally {
    watch.end()
    await rm(tmp, { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
  }
}

function isServer(command: string): boolean {
  return (
    /\/postgres -D|restate-server|redis-server|temporal/.test(command) && !/vitest|node_modules\/node/.test(command)
  )
}
