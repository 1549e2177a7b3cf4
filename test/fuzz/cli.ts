import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { root } from '../support/outlast.ts'
import type { Ended } from './report.ts'
import { fork, spawn } from '../support/programs.ts'

/** A message to `cli-child.ts`, and its answer. */
export interface Asked {
  readonly id: number
  readonly args: readonly string[]
}
export interface Told extends Ended {
  readonly id: number
  readonly code: number
}

/** Runs commands, several at once. */
export interface Cli extends Disposable {
  /** In a process that has run others before: fast. */
  call(args: readonly string[]): Promise<Ended>
  /** As a user starts it. */
  spawn(args: readonly string[]): Promise<Ended>
}

const entry = fileURLToPath(new URL('cli-child.ts', import.meta.url))
/** Loading the harness counts for nobody. */
const startMs = 20_000

export function openCli(width: number, limitMs: number): Cli {
  const idle = Array.from({ length: width }, () => new Caller(limitMs))
  const waiting: ((caller: Caller) => void)[] = []
  const take = (): Promise<Caller> => {
    const free = idle.pop()
    return free ? Promise.resolve(free) : new Promise((resolve) => waiting.push(resolve))
  }
  const giveBack = (caller: Caller): void => {
    const next = waiting.shift()
    if (next) next(caller)
    else idle.push(caller)
  }
  const within = async (act: (caller: Caller) => Promise<Ended>): Promise<Ended> => {
    const caller = await take()
    try {
      return await act(caller)
    } finally {
      giveBack(caller)
    }
  }
  return {
    call: (args) => within(async (caller) => again(() => caller.call(args))),
    spawn: (args) => within(async () => again(() => spawnOutlast(args, limitMs))),
    [Symbol.dispose]: () => idle.forEach((caller) => caller.end()),
  }
}

/** A busy machine may stop anybody for seconds: what does not end is given a second chance, and what is slow twice is slow. */
async function again(act: () => Promise<Ended>): Promise<Ended> {
  const first = await act()
  return first.died === undefined ? first : act()
}

/** One process that runs one command at a time. A class: it has a life, and starts another where it died. */
class Caller {
  readonly #limitMs: number
  #child: ChildProcess | undefined
  #next = 0

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  async call(args: readonly string[]): Promise<Ended> {
    const isFirst = this.#child === undefined
    const child = (this.#child ??= fork(entry, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
      execPath: process.execPath,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }))
    const id = ++this.#next
    const limitMs = this.#limitMs + (isFirst ? startMs : 0)
    child.send({ id, args } satisfies Asked)
    const over = new AbortController()
    const answer = answerOf(child, id, over.signal)
    const ended = await Promise.race([answer, deathOf(child, limitMs, over.signal)])
    // Nobody listens any more to one that is over.
    answer.catch(() => {})
    over.abort()
    if (ended.died !== undefined) this.end()
    return ended
  }

  end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

async function answerOf(child: ChildProcess, id: number, signal: AbortSignal): Promise<Ended> {
  for (;;) {
    const [told] = (await once(child, 'message', { signal })) as [Told]
    if (told.id === id) return told
  }
}

async function deathOf(child: ChildProcess, limitMs: number, over: AbortSignal): Promise<Ended> {
  let stderr = ''
  child.stderr!.removeAllListeners('data').on('data', (chunk) => (stderr += chunk))
  const signal = AbortSignal.any([over, AbortSignal.timeout(limitMs)])
  const died = await once(child, 'exit', { signal }).then(
    ([code, name]) => `its process died: ${name ?? `exit code ${code}`}`,
    () => `it did not end within ${limitMs} ms`,
  )
  return { code: null, stdout: '', stderr, tookMs: limitMs, died }
}

async function spawnOutlast(args: readonly string[], limitMs: number): Promise<Ended> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [`${root}bin/outlast.js`, ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const late = setTimeout(() => child.kill('SIGKILL'), limitMs + startMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(late)
  const tookMs = performance.now() - startedAt
  const died = signal === null ? {} : { died: `it did not end within ${limitMs + startMs} ms` }
  return { code, stdout, stderr, tookMs, ...died }
}
