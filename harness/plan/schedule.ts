import { z } from 'zod'
import { UsageError } from '../core/errors.ts'
import { longestMs } from '../core/limits.ts'
import { linkNames, type Plan, type PlannedFault } from '../model/plan.ts'
import { type Catalog, longestWorkMs } from '../scenario/catalog.ts'
import { specId } from './expand.ts'
import { type Arm, type FaultSpec, loadWindowMs, type Scenario } from '../scenario/scenario.ts'
import { readDocument } from '../scenario/document.ts'
import { roles } from '../scenario/fault.ts'
import { describe, formatProblems, type Path, type Problem, read, section, suggest } from '../scenario/problems.ts'
import { formatDuration } from '../scenario/units.ts'

/** `schedule.json`: every firing of a plan, to be replayed with `--schedule`. Real milliseconds. */
export interface Schedule {
  readonly version: 1
  readonly scenario: string
  readonly seed: number
  readonly timeScale: number
  readonly arms: readonly ArmSchedule[]
}

interface ArmSchedule {
  readonly arm: string
  readonly repetition: number
  readonly faults: readonly PlannedFault[]
}

/** The firings of a plan, by arm and repetition: what their cells share, once. */
export function extractSchedule({ scenario, seed, timeScale, cells }: Plan): Schedule {
  const blocks = [...Map.groupBy(cells, ({ arm, repetition }) => `${repetition} ${arm}`).values()]
  const arms = blocks.map((block) => {
    const { arm, repetition } = block[0]!
    const byId = new Map(block.flatMap((cell) => cell.faults.map((fault) => [fault.id, drawn(fault)])))
    const faults = [...byId.values()]
    return { arm, repetition, faults: faults.sort(byTimeAndId) }
  })
  return { version: 1, scenario, seed, timeScale, arms }
}

/** Of a firing what was drawn: what its fault does follows from its parameters, which people may edit. */
function drawn(fault: PlannedFault): PlannedFault {
  const { impact: _, ...rest } = fault
  return rest
}

/** The text of `schedule.json`: the same plan gives the same bytes. One firing is one line. */
export function formatSchedule(plan: Plan): string {
  const { arms, ...head } = extractSchedule(plan)
  const blocks = arms.map(({ arm, repetition, faults }) => {
    const lines = faults.map((fault) => `\n      ${JSON.stringify(fault)}`).join(',')
    return `    {"arm": ${JSON.stringify(arm)}, "repetition": ${repetition}, "faults": [${lines}${lines && '\n    '}]}`
  })
  const fields = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  return `{\n${fields.join(',\n')},\n  "arms": [\n${blocks.join(',\n')}\n  ]\n}\n`
}

/** A schedule, perhaps edited, checked against its scenario. Throws one UsageError with every problem and place. */
export function parseSchedule(text: string, file: string, scenario: Scenario, catalog: Catalog): Schedule {
  const source = readDocument(text, file)
  if (!('data' in source)) throw new UsageError(source)
  const { value, problems: invalid } = read(schema, source.data)
  const schedule = value as Schedule | undefined
  const problems = schedule ? checkSchedule(schedule, scenario, catalog) : invalid
  if (!schedule || problems.length > 0) throw new UsageError(formatProblems(problems, source.locate, file))
  return schedule
}

const ms = z.number().min(0).max(longestMs)
const positiveMs = z.number().gt(0).max(longestMs)
const ordinal = z.union([z.literal('all'), z.int().min(0)], { error: 'write all or a whole number' })
const nodeOrdinal = z.union([ordinal, z.enum(['of-step', 'of-task'])], {
  error: 'write all, of-step, of-task or a whole number',
})
const target = z.discriminatedUnion('kind', [
  section({ kind: z.literal('node'), role: z.enum(roles), ordinal: nodeOrdinal }),
  section({ kind: z.literal('link'), link: z.enum(linkNames), ordinal }),
])
const trigger = z.discriminatedUnion('kind', [
  section({ kind: z.literal('time'), atMs: ms }),
  section({
    kind: z.literal('step'),
    task: z.int().min(1),
    step: z.int().min(1),
    delayMs: ms,
    withinMs: positiveMs,
    windowMs: positiveMs.optional(),
  }),
  section({
    kind: z.literal('accepted'),
    task: z.int().min(1),
    delayMs: ms,
    withinMs: positiveMs,
    windowMs: positiveMs,
  }),
])
const schema = section({
  version: z.literal(1),
  scenario: z.string(),
  seed: z.int().min(0),
  timeScale: z.number(),
  arms: z.array(
    section({
      arm: z.string(),
      repetition: z.int().min(1),
      faults: z.array(
        section({
          id: z
            .string()
            .regex(/^[a-z][a-z0-9-]*#\d+$/, { error: 'write the id of a fault and a number, as in kill-1#3' }),
          fault: z.string(),
          target,
          trigger,
          durationMs: positiveMs,
          params: z.record(z.string(), z.unknown()),
          seed: z.int().min(0),
        }),
      ),
    }),
  ),
})

function checkSchedule(schedule: Schedule, scenario: Scenario, catalog: Catalog): readonly Problem[] {
  const seen = new Set<string>()
  return [
    ...mustEqual(['scenario'], schedule.scenario, scenario.name),
    ...mustEqual(['timeScale'], schedule.timeScale, scenario.timeScale),
    ...schedule.arms.flatMap((entry, i) => {
      const key = `${entry.arm}.${entry.repetition}`
      const twice = seen.has(key)
      seen.add(key)
      if (twice) return [{ path: ['arms', i], message: `arm ${key} is there twice; write it once` }]
      return checkArmSchedule(['arms', i], entry, scenario, catalog)
    }),
  ]
}

function mustEqual(path: Path, written: string | number, expected: string | number): readonly Problem[] {
  if (written === expected) return []
  return [{ path, message: `${describe(written)} is not what the scenario says; it says ${describe(expected)}` }]
}

function checkArmSchedule(path: Path, entry: ArmSchedule, scenario: Scenario, catalog: Catalog): readonly Problem[] {
  const arm = scenario.arms.find(({ name }) => name === entry.arm)
  if (!arm) {
    const known = scenario.arms.map(({ name }) => name).join(', ')
    return [{ path: [...path, 'arm'], message: `there is no arm ${describe(entry.arm)}; arms: ${known}` }]
  }
  if (entry.repetition > scenario.repetitions)
    return [{ path: [...path, 'repetition'], message: `there are ${scenario.repetitions}; write no more` }]
  const ids = entry.faults.map(({ id }) => id)
  return entry.faults.flatMap((planned, i) => {
    const place = [...path, 'faults', i]
    if (ids.indexOf(planned.id) !== i)
      return [{ path: [...place, 'id'], message: `${planned.id} is there twice; write it once` }]
    return checkPlanned(place, planned, arm, { scenario, catalog })
  })
}

function checkPlanned(
  path: Path,
  planned: PlannedFault,
  arm: Arm,
  { scenario, catalog }: { readonly scenario: Scenario; readonly catalog: Catalog },
): readonly Problem[] {
  const spec = arm.faults.find(({ id }) => id === specId(planned))
  if (!spec) {
    const known = arm.faults.map(({ id }) => id).join(', ') || 'none'
    return [{ path: [...path, 'id'], message: `arm ${arm.name} has no fault ${specId(planned)}; faults: ${known}` }]
  }
  return [
    ...mustEqual([...path, 'fault'], planned.fault, spec.fault),
    ...checkTrigger([...path, 'trigger'], planned, scenario, catalog),
    ...checkTarget([...path, 'target'], planned, spec),
    ...checkParams([...path, 'params'], planned.params, catalog.faults.get(spec.fault)!.params),
  ]
}

/** Also refuses what the fault would leave unread. The mean gap is the exception: sampling adds it. */
function checkParams(path: Path, params: PlannedFault['params'], schema: z.ZodType): readonly Problem[] {
  const { value, problems } = read(schema, params, path)
  if (problems.length > 0) return problems
  const known = Object.keys(value as object)
  const unknown = Object.keys(params).filter((name) => name !== 'meanGapMs' && !known.includes(name))
  return unknown.map((name) => ({
    path: [...path, name],
    at: 'key',
    message: `unknown key ${describe(name)}${suggest(name, known)}; this fault reads ${known.join(', ') || 'none'}`,
  }))
}

/** As in a scenario: a fault after the end of the load would meet no task. */
function checkTrigger(
  path: Path,
  { trigger }: PlannedFault,
  { load, profile, timeScale, graceMs, patterns }: Scenario,
  catalog: Catalog,
): readonly Problem[] {
  const work = catalog.workOf(profile)!
  const own = patterns.map((name) => catalog.resolvePattern(name)!)
  const windowMs = loadWindowMs(load, longestWorkMs(own, work)) / timeScale
  const steps = Math.max(...own.map((one) => (one.work ?? work).steps))
  if (trigger.kind === 'time') {
    const when = `${formatDuration(trigger.atMs)} is after the load, which ends at ${formatDuration(windowMs)}`
    return trigger.atMs < windowMs ? [] : [{ path: [...path, 'atMs'], message: `${when} of real time; write less` }]
  }
  const noSuch = (what: 'task' | 'step', written: number, last: number): readonly Problem[] =>
    written <= last ? [] : [{ path: [...path, what], message: `there is no ${what} ${written}; write 1 to ${last}` }]
  const long = `${formatDuration(trigger.delayMs)} is longer than the load, which lasts ${formatDuration(windowMs)}`
  const late: readonly Problem[] =
    trigger.delayMs < windowMs ? [] : [{ path: [...path, 'delayMs'], message: `${long} of real time; write less` }]
  return [
    ...noSuch('task', trigger.task, load.tasks),
    ...(trigger.kind === 'step' ? noSuch('step', trigger.step, steps) : []),
    ...late,
    ...checkPatience(path, trigger, trigger.windowMs === undefined ? windowMs : windowMs + graceMs / timeScale),
  ]
}

/** A trigger that waits for longer than the load lasts may fire when no task is left; a moment is that of a task under way. */
function checkPatience(
  path: Path,
  { withinMs }: Exclude<PlannedFault['trigger'], { kind: 'time' }>,
  mostMs: number,
): readonly Problem[] {
  if (withinMs <= mostMs + 1) return []
  const allowed = `write at most ${formatDuration(mostMs)}, which is how long the load lasts`
  return [{ path: [...path, 'withinMs'], message: `${formatDuration(withinMs)} is no time to wait for it; ${allowed}` }]
}

function checkTarget(
  path: Path,
  { target: planned, trigger }: PlannedFault,
  { fault, target, together }: FaultSpec,
): readonly Problem[] {
  const [written, meant] = [planned, target].map((one) => (one.kind === 'node' ? one.role : one.link))
  if (written !== meant) return [{ path, message: 'is not the scenario’s; write the same role or link' }]
  if (planned.ordinal === 'of-step' && trigger.kind !== 'step')
    return [{ path: [...path, 'ordinal'], message: 'of-step goes with the trigger of a step; write a number' }]
  if (planned.ordinal === 'of-task' && trigger.kind !== 'accepted')
    return [{ path: [...path, 'ordinal'], message: 'of-task goes with the trigger of an acceptance; write a number' }]
  if (planned.kind === 'link' || planned.ordinal !== 'all' || together) return []
  return [{ path: [...path, 'ordinal'], message: `a firing of ${fault} has one node; write its number` }]
}

function byTimeAndId(a: PlannedFault, b: PlannedFault): number {
  const time = ({ trigger }: PlannedFault): number => (trigger.kind === 'time' ? trigger.atMs : -1)
  return time(a) - time(b) || (a.id < b.id ? -1 : 1)
}
