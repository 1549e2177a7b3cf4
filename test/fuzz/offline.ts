import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cli } from './cli.ts'
import { type Dice, diceOf } from './dice.ts'
import { damageRun, questionsAbout, recordWholeRun } from './folders.ts'
import { complaintsAbout, type Ended, excerpt, type Finding } from './report.ts'
import { makeScenario } from './scenarios.ts'
import { makeSchedule, readSchedules } from './schedules.ts'

/** One kind of input, thrown at commands again and again. */
export interface Part {
  readonly name: string
  readonly cases: number
  readonly prepare: (scratch: string) => Promise<Throw>
}

/** One case: everything about it follows from the dice. Resolves with what is wrong, and with what it was. */
export type Throw = (dice: Dice, folder: string, cli: Cli) => Promise<Outcome>

export interface Outcome {
  readonly complaints: readonly string[]
  readonly what: string
  readonly codes: readonly (number | null)[]
  readonly tookMs: number
}

/** Of so many cases one is carried out as a user would, by a process of its own. */
const spawnShare = 0.05
const planCodes = [0, 3]
const judgeCodes = [0, 1, 2, 3, 4]

export const parts: readonly Part[] = [
  { name: 'scenarios', cases: 1_000, prepare: async () => throwScenario },
  { name: 'schedules', cases: 500, prepare: prepareSchedules },
  { name: 'folders', cases: 200, prepare: prepareFolders },
]

async function throwScenario(dice: Dice, folder: string, cli: Cli): Promise<Outcome> {
  const path = makeScenario(folder, dice)
  const command = dice.chance(0.1) ? 'power' : 'plan'
  const spawned = dice.chance(spawnShare)
  const ended = await (spawned ? cli.spawn([command, path]) : cli.call([command, path]))
  // What is refused starts nothing, whoever asks.
  const run = spawned && ended.code === 3 ? [await cli.spawn(['run', path, '--out', join(folder, 'runs')])] : []
  const unlike = run.some(({ code }) => code !== 3) ? [`plan refuses it, run ends with ${run[0]!.code}`] : []
  return outcome(`${command} ${path}`, [ended, ...run], planCodes, unlike)
}

async function prepareSchedules(): Promise<Throw> {
  const known = await readSchedules()
  return async (dice, folder, cli) => {
    const replayed = dice.pick(known)
    const args = ['plan', replayed.scenario, '--schedule', makeSchedule(folder, replayed, dice)]
    const ended = await (dice.chance(spawnShare) ? cli.spawn(args) : cli.call(args))
    return outcome(args.join(' '), [ended], planCodes)
  }
}

async function prepareFolders(scratch: string): Promise<Throw> {
  const whole = await recordWholeRun(join(scratch, 'whole'))
  return async (dice, folder, cli) => {
    const damaged = damageRun(whole, join(folder, 'run'), dice)
    const questions = questionsAbout(damaged.path, whole, join(folder, 'out'), dice)
    const spawned = dice.chance(spawnShare)
    const ended: Ended[] = []
    for (const args of questions) ended.push(await (spawned ? cli.spawn(args) : cli.call(args)))
    const trusted = questions.flatMap((args, i) => believed(args, ended[i]!, damaged.isEvident))
    return outcome(`${damaged.what}; ${questions.map((args) => args.join(' ')).join('; ')}`, ended, judgeCodes, trusted)
  }
}

/** A verdict of files that are not those of the run; or exit code 1 for something else than a verdict. */
function believed(args: readonly string[], { code, stdout }: Ended, isEvident: boolean): readonly string[] {
  const isPlain = args[0] === 'check' && !args.includes('--edited')
  return [
    ...(isPlain && isEvident && (code === 0 || code === 1)
      ? [`damage that nobody hid is judged: exit code ${code}`]
      : []),
    ...(code === 1 && !(args[0] === 'check' && stdout.includes('FAIL')) ? ['exit code 1 without a verdict'] : []),
  ]
}

function outcome(
  what: string,
  ended: readonly Ended[],
  allowed: readonly number[],
  more: readonly string[] = [],
): Outcome {
  const complaints = ended.flatMap((one) =>
    complaintsAbout(one, allowed).map((complaint) => `${complaint}: ${excerpt(one.stderr || one.stdout)}`),
  )
  const codes = ended.map(({ code }) => code)
  return { what, codes, complaints: [...complaints, ...more], tookMs: Math.max(...ended.map(({ tookMs }) => tookMs)) }
}

export interface Counted {
  readonly findings: readonly Finding[]
  readonly summary: string
}

/** Throw every case, or one of them. Files of a case that nobody complains about are gone at once. */
export async function throwAll(
  part: Part,
  { seed, indexes, width, scratch }: { seed: number; indexes: readonly number[]; width: number; scratch: string },
  cli: Cli,
): Promise<Counted> {
  const act = await part.prepare(scratch)
  const findings: Finding[] = []
  const codes = new Map<string, number>()
  let slowest = { tookMs: 0, index: 0 }
  const left = indexes.values()
  const worker = async (): Promise<void> => {
    for (const index of left) {
      const folder = mkdtempSync(join(scratch, `${part.name}-${index}-`))
      mkdirSync(folder, { recursive: true })
      const { complaints, what, codes: ended, tookMs } = await act(diceOf(seed, part.name, index), folder, cli)
      if (tookMs > slowest.tookMs) slowest = { tookMs, index }
      for (const code of ended) codes.set(String(code), (codes.get(String(code)) ?? 0) + 1)
      const again = `--seed ${seed} --part ${part.name} --case ${index}`
      findings.push(...complaints.map((complaint) => ({ again, what: `${complaint} (${excerpt(what)})` })))
      rmSync(folder, { recursive: true, force: true })
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  const ends = [...codes].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([code, count]) => `${count} with ${code}`)
  return {
    findings,
    summary: `${indexes.length} cases, exit codes: ${ends.join(', ')}; slowest ${Math.round(slowest.tookMs)} ms (case ${slowest.index})`,
  }
}
