import { once } from 'node:events'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Fault } from '../../harness/model/fault.ts'
import { readHistory } from '../../harness/store/history-file.ts'
import { scenarioOf } from './death-scenario.ts'
import { root } from './outlast.ts'
import { spawn } from './programs.ts'

/** How far a fault came before the harness died. */
export type Progress = 'waiting' | 'arming' | 'active' | 'healing' | 'healed' | 'failed'

/** When a harness dies: so long after all of its faults are in this state. */
export interface Moment {
  readonly state: Extract<Progress, 'arming' | 'active' | 'healing'>
  readonly afterMs: number
}

export interface Death extends Moment {
  readonly kinds: readonly string[]
  /** Armed when the others are where they should be: their state does not last, whatever their window. */
  readonly late: readonly string[]
}

/** The last words of a harness. */
export interface LastWords {
  /** The name of the run's temporary folder. */
  readonly folder: string
  readonly states: Readonly<Record<string, Progress>>
  /** Of those that failed. */
  readonly failures: readonly string[]
  /** Ids of faults that the journal has, and no healing of them. */
  readonly noted: readonly string[]
}

/** Run these faults on Docker with a harness that dies. Resolves once it is dead, with the folder of its results. */
export async function dieOf(
  faults: readonly Fault[],
  moment: Moment,
  folders: { readonly out: string; readonly tmp: string },
): Promise<LastWords & { readonly out: string }> {
  const out = await mkdtemp(join(folders.out, 'death-'))
  const file = join(out, 'scenario.yaml')
  await writeFile(file, scenarioOf(faults))
  const death: Death = { ...moment, kinds: faults.map(({ name }) => name), late: ['rolling-deploy'] }
  const preload = new URL('./dying-harness.ts', import.meta.url).href
  const command = ['bin/outlast.js', 'run', file, '--runtime', 'docker', '--no-verify', '--out', out]
  const env = { ...process.env, TMPDIR: folders.tmp, OUTLAST_TEST_DEATH: JSON.stringify(death) }
  const harness = spawn(process.execPath, ['--import', preload, ...command], { cwd: root, env })
  const exited = once(harness, 'exit')
  const [said, told] = [text(harness.stdout), text(harness.stderr)]
  const [code, signal] = (await exited) as [number | null, string | null]
  if (signal !== 'SIGKILL')
    throw new Error(`the harness should have died, and ended with ${code ?? signal}: ${await said}${await told}`)
  return { out, ...(JSON.parse((await said).trim().split('\n').at(-1)!) as LastWords) }
}

/** What the one who cleaned up said. */
export async function readReaperLog(out: string): Promise<string> {
  return readFile(await find(out, 'reaper.log'), 'utf8')
}

/** Kinds of fault by the states that the history has of them. It may lack its last fifth of a second. */
export async function readFaultStates(out: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { history } = await readHistory(await find(out, 'history.ndjson'))
  const changes = history.flatMap((op) => (op.f === 'fault' ? op.value : []))
  const kinds = Map.groupBy(changes, ({ fault }) => fault)
  return new Map([...kinds].map(([kind, some]) => [kind, some.map(({ state }) => state)]))
}

async function find(out: string, name: string): Promise<string> {
  const files = await readdir(out, { recursive: true })
  return join(out, files.find((file) => file.endsWith(name)) ?? name)
}
