import type { Change } from '../scenario/load.ts'
import { type PresetName, presetNames } from '../scenario/presets.ts'
import { isMap } from '../scenario/problems.ts'
import { rate } from '../scenario/units.ts'

/** What a preset decides. */
export interface Sizes {
  readonly tasks?: number
  readonly repetitions?: number
  /** In each repetition, of each fault that says no time. */
  readonly firings?: number
}

/** The preset that a file names; what is no name of one is said where the file is read. */
export function presetIn(data: unknown): PresetName | undefined {
  const written = isMap(data) ? data['preset'] : undefined
  return presetNames.find((name) => name === written)
}

/** What a file leaves open. */
export interface Free {
  readonly tasks: boolean
  readonly repetitions: boolean
  readonly untimed: readonly Untimed[]
}

/** An entry of an arm that does not say when. */
interface Untimed {
  readonly arm: string
  readonly index: number
  /** Its firings are `<id>-1`, `<id>-2`, ... */
  readonly id: string
  /** It lasts as long as the load: it fires once, at its start. */
  readonly isCondition: boolean
}

export function freeIn(data: unknown): Free {
  const { load, repetitions, arms } = isMap(data) ? data : {}
  return {
    tasks: isMap(load) && load['tasks'] === undefined,
    repetitions: repetitions === undefined,
    untimed: isMap(arms) ? Object.entries(arms).flatMap(([arm, entries]) => untimedIn(arm, entries)) : [],
  }
}

const times = ['at', 'every', 'on', 'include']

function untimedIn(arm: string, entries: unknown): readonly Untimed[] {
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry: unknown, index) => {
    if (!isMap(entry) || typeof entry['fault'] !== 'string' || times.some((key) => entry[key] !== undefined)) return []
    const id = typeof entry['id'] === 'string' ? entry['id'] : `${entry['fault']}-${index + 1}`
    return [{ arm, index, id, isCondition: entry['for'] === 'load' }]
  })
}

/** The changes that make these sizes the file's own. Firings are spread evenly over the load, those of several entries in turn. */
export function fillIn(data: unknown, free: Free, { tasks, repetitions, firings = 1 }: Sizes): readonly Change[] {
  return [
    ...(free.tasks && tasks !== undefined ? [{ path: ['load', 'tasks'], value: tasks }] : []),
    ...(free.repetitions && repetitions !== undefined ? [{ path: ['repetitions'], value: repetitions }] : []),
    ...[...Map.groupBy(free.untimed, ({ arm }) => arm)].map(([arm, untimed]) => ({
      path: ['arms', arm],
      value: entriesOf(data, arm, { untimed, firings, loadMs: loadMsOf(data, tasks) }),
    })),
  ]
}

interface Placing {
  readonly untimed: readonly Untimed[]
  readonly firings: number
  readonly loadMs: number
}

function entriesOf(data: unknown, arm: string, { untimed, firings, loadMs }: Placing): readonly unknown[] {
  const entries = (data as { arms: Record<string, readonly Record<string, unknown>[]> }).arms[arm]!
  const repeated = untimed.filter(({ isCondition }) => !isCondition)
  const gapMs = loadMs / (firings * repeated.length + 1)
  return entries.flatMap((entry, index) => {
    const one = untimed.find((each) => each.index === index)
    if (!one) return [entry]
    if (one.isCondition) return [{ ...entry, at: '0s' }]
    const place = repeated.indexOf(one)
    return Array.from({ length: firings }, (_, i) => {
      const atMs = Math.round(gapMs * (i * repeated.length + place + 1))
      return { ...entry, id: `${one.id}-${i + 1}`, at: `${atMs}ms` }
    })
  })
}

/** Of the task's own world. What is wrong with the load is said where it is read. */
function loadMsOf(data: unknown, sized: number | undefined): number {
  const { load } = data as { load?: { tasks?: unknown; rate?: unknown } }
  const parsed = rate.safeParse(load?.rate)
  const tasks = sized ?? load?.tasks
  return parsed.success && typeof tasks === 'number' ? (tasks / parsed.data) * 1000 : 0
}
