import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readJournal } from '../../harness/cleanup/journal.ts'
import { dockerThings } from './docker.ts'
import { outlast, root } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'
import { type Kill, needsClean, type Part, type Phase } from './matrix.ts'
import { kill as end, type Watch, watchTree } from './traces.ts'

/** What became of one kill. */
export interface Outcome {
  readonly kill: Kill
  /** The run was over, or stuck, before it came to this phase. */
  readonly isMissed: boolean
  /** What was there when the time was up. */
  readonly left: readonly string[]
  /** Processes of the run that had no label. */
  readonly unlabelled: readonly string[]
  /** From the kill, or from the beginning of `outlast clean`, until nothing was left. */
  readonly tookMs: number
  /** Exit code of what the user started, or the signal that ended it. */
  readonly ended: string
  /** A crash that reads as a verdict, or shows a stack. */
  readonly crash?: string
}

/** By then nothing may be left, counted from the moment in which nobody is expected to end in good order any more. */
const limitMs = 12_000
/** One that is asked to end, ends: faults are healed, what there is is judged. */
const orderlyMs = 40_000
const phaseMs = 120_000
const lookEveryMs = 40

/** On an older Node the process that a user starts only hands over to another one. */
const asIfOld = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})`

interface Run {
  readonly child: ChildProcess
  readonly tmp: string
  readonly watch: Watch
  readonly said: () => string
  readonly exited: Promise<string>
  readonly isOver: () => boolean
}

/** Start a run, kill some of it at its moment, and wait until nothing of it is left. */
export async function carryOut(kill: Kill): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'kill-'))
  const run = await startRun(kill, folder)
  try {
    const isReached = await untilPhase(kill, run)
    await untilSomebodyIsThere(kill, run)
    const found = strike(kill, run)
    const killedAt = performance.now()
    const { tookMs, left } = await untilNothing(kill, run, killedAt)
    const ended = await Promise.race([run.exited, sleep(1_000, 'nothing')])
    const crash = crashIn(run.said(), ended)
    return {
      kill,
      isMissed: !isReached,
      left,
      tookMs,
      ended,
      unlabelled: found.unlabelled,
      ...(crash !== undefined && { crash }),
    }
  } finally {
    // What is left is told, and then must not disturb the others.
    run.watch.end()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
  }
}

async function startRun(kill: Kill, folder: string): Promise<Run> {
  const [tmp, out] = [join(folder, 'tmp'), join(folder, 'runs')]
  await Promise.all([mkdir(tmp), mkdir(out)])
  // A database that runs as another user must reach its files.
  for (const path of [folder, tmp]) await chmod(path, 0o711)
  const file = join(out, 'scenario.yaml')
  await writeFile(file, scenarioOf(kill))
  const verify = kill.phase === 'verification' ? [] : ['--no-verify']
  const args = ['--import', asIfOld, 'bin/outlast.js', 'run', file, '--runtime', kill.runtime, ...verify, '--out', out]
  const env = { ...process.env, NO_COLOR: '1', TMPDIR: tmp }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const exited = once(child, 'exit').then(([code, signal]) => String(signal ?? code))
  return {
    child,
    tmp,
    watch: watchTree(child.pid!, tmp),
    said: () => said,
    exited,
    isOver: () => child.exitCode !== null || child.signalCode !== null,
  }
}

/** Two faults at once, on a node and on a link, for half a second each; the whole load is a second and a half. JSON is YAML. */
function scenarioOf({ pattern, seed }: Kill): string {
  return JSON.stringify({
    name: 'killed',
    question: 'What is left of a run that is killed?',
    seed,
    timeScale: 60,
    profile: 'smoke',
    patterns: [pattern],
    load: { tasks: 14, arrivals: 'uniform', rate: '10/min' },
    grace: '2m',
    replicas: { api: 1, executor: 2 },
    restartDelay: '30s',
    arms: {
      both: [
        { fault: 'kill', target: 'executor-0', at: '20s', for: '40s' },
        { fault: 'latency', target: 'client->api-0', delay: '1s', at: '20s', for: '60s' },
      ],
    },
  })
}

/** How a phase shows that it has begun, and how long it lasts at most. */
const beginnings: Readonly<Record<Phase, { readonly lastsMs: number; readonly begun: (run: Run) => boolean }>> = {
  start: { lastsMs: 1_500, begun: () => true },
  initdb: {
    lastsMs: 1_200,
    begun: ({ watch }) => watch.look().alive.some(({ command }) => command.includes('initdb')),
  },
  verification: { lastsMs: 9_000, begun: ({ said }) => said().includes('against the contract') },
  deploy: { lastsMs: 2_000, begun: ({ said }) => said().includes(': deploy') },
  arm: { lastsMs: 60, begun: ({ tmp }) => journalOf(tmp).some(({ kind }) => kind === 'fault') },
  active: { lastsMs: 500, begun: ({ tmp }) => journalOf(tmp).some(({ kind }) => kind === 'fault') },
  heal: { lastsMs: 500, begun: ({ tmp }) => isHealing(tmp) },
  drain: { lastsMs: 700, begun: ({ said }) => said().includes(': drain') },
  report: { lastsMs: 1_500, begun: ({ said }) => /: ended, |could not be carried out/.test(said()) },
}

function journalOf(tmp: string) {
  const [name] = readdirSync(tmp)
  // It may go in this moment.
  return (name !== undefined && attempt(() => readJournal(join(tmp, name)))) || []
}

function isHealing(tmp: string): boolean {
  const ends = journalOf(tmp).flatMap((entry) => (entry.kind === 'fault' ? [Date.parse(entry.until)] : []))
  return ends.length > 0 && Date.now() > Math.min(...ends) - 50
}

/** False where it is over, or does not get there. */
async function untilPhase({ phase, into, runtime }: Kill, run: Run): Promise<boolean> {
  const { begun, lastsMs: inProcesses } = beginnings[phase]
  const lastsMs = runtime === 'docker' ? 2 * inProcesses : inProcesses
  const giveUpAt = performance.now() + phaseMs
  while (!begun(run)) {
    if (run.isOver() || performance.now() > giveUpAt) return false
    run.watch.look()
    await sleep(lookEveryMs)
  }
  for (const at = performance.now() + into * lastsMs; performance.now() < at && !run.isOver();) {
    run.watch.look()
    await sleep(Math.max(1, Math.min(lookEveryMs, at - performance.now())))
  }
  return !run.isOver()
}

/** On a busy machine what is to be killed may not have started yet: a kill of nobody would show nothing. */
async function untilSomebodyIsThere({ targets }: Kill, run: Run): Promise<void> {
  const giveUpAt = performance.now() + phaseMs
  const isThere = (): boolean => targets.some((part) => pidOf(part, run, run.watch.look()) !== undefined)
  while (!isThere() && !run.isOver() && performance.now() < giveUpAt) await sleep(lookEveryMs)
}

function pidOf(part: Part, { child }: Run, { alive }: ReturnType<Watch['look']>): number | undefined {
  if (part === 'wrapper') return child.pid
  const isIt = (command: string): boolean =>
    part === 'reaper' ? /cleanup\/reaper\.[jt]s/.test(command) : /bin\/outlast\.js/.test(command)
  return alive.find(({ pid, command }) => pid !== child.pid && isIt(command))?.pid
}

/** All at once, as far as they are there. */
function strike({ signal, targets }: Kill, run: Run): ReturnType<Watch['look']> {
  const sighting = run.watch.look()
  // First the one that would act upon the death of the others.
  for (const part of targets.toReversed()) {
    const pid = pidOf(part, run, sighting)
    if (pid !== undefined) end(pid, signal)
  }
  return sighting
}

async function untilNothing(
  kill: Kill,
  run: Run,
  killedAt: number,
): Promise<{ readonly tookMs: number; readonly left: readonly string[] }> {
  const { signal, targets } = kill
  let from = killedAt
  const isReaperAlone = targets.join() === 'reaper'
  const isOrderly = signal !== 'SIGKILL' || isReaperAlone
  if (isReaperAlone) {
    // A run goes on without; interrupted, it ends in order.
    await sleep(300)
    run.child.kill('SIGINT')
  }
  if (isOrderly) {
    await Promise.race([run.exited, sleep(orderlyMs)])
    from = performance.now()
  }
  if (needsClean(kill)) {
    await Promise.race([run.exited, sleep(limitMs)])
    // The harness dies with the one that handed over to it.
    await sleep(500)
    from = performance.now()
    const { code, stdout, stderr } = await outlast(['clean'], run.tmp)
    if (code !== 0) return { tookMs: performance.now() - from, left: [`outlast clean: ${code} ${stdout}${stderr}`] }
  }
  let left = await whatIsLeft(kill, run)
  while (left.length > 0 && performance.now() - from < limitMs) {
    await sleep(100)
    left = await whatIsLeft(kill, run)
  }
  return { tookMs: performance.now() - (isOrderly ? killedAt : from), left }
}

async function whatIsLeft({ runtime }: Kill, { watch }: Run): Promise<readonly string[]> {
  const inDocker = runtime === 'docker' ? await Promise.all([...watch.runs].map(dockerThings)) : []
  return [...watch.left(), ...inDocker.flat()]
}

/** Nothing vouches for a run that was cut, so that it fails nobody: 1 is the verdict FAIL. */
function crashIn(said: string, ended: string): string | undefined {
  const stack = /^ +at .+:\d+:\d+\)?$/m.exec(said)
  if (stack) return `${ended}: ${said.slice(Math.max(0, stack.index - 300), stack.index + 200)}`
  if (ended === '1') return `a cut run blames the system: ${said.slice(-900)}`
  return ended === '3' || ended === '5' ? `exit code ${ended}: ${said.slice(-500)}` : undefined
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
