import { z } from 'zod'
import { linkNames } from '../../model/plan.ts'
import { type Fault, impactWith } from '../../model/fault.ts'
import type { Runtime } from '../../model/runtime.ts'
import { formatTarget, isDuration, roles, writtenName } from '../../scenario/fault.ts'
import { formatDuration } from '../../scenario/units.ts'
import { type Entry, type Param, type Section, told } from './entry.ts'

export const faults: Section = {
  about: 'What an arm does to nodes and links. Each entry of an arm names one, its target, when, and for how long.',
  entries: async (registry) => {
    const runtimes = [...(await registry.runtimes()).values()]
    return [...(await registry.faults()).values()].map((fault) => faultEntry(fault, runtimes))
  },
}

function faultEntry(fault: Fault, runtimes: readonly Runtime[]): Entry {
  const { name, summary, needs, proof, defaultTarget, floor } = fault
  const able = runtimes.filter(({ offers }) => needs.every((need) => offers.includes(need)))
  return {
    name,
    summary,
    facts: told([
      ['acts on', placesOf(fault)],
      ['target', defaultTarget ? `${formatTarget(defaultTarget)} unless written` : 'must be written'],
      ['together', fault.together ? 'one firing acts on all nodes of its target' : undefined],
      ['for', lengthOf(fault)],
      ['does', effectOf(fault)],
      ['needs', `${needs.join(', ')}: ${able.map((one) => one.name).join(', ') || 'no runtime'}`],
      ['proven', proof],
      ['floor', floor && `${writtenName(floor.param)} of at least ${formatDuration(floor.ms)} real time: ${floor.why}`],
    ]),
    params: paramsOf(fault),
  }
}

function placesOf({ acts, links = [] }: Fault): string {
  if (acts === 'node') return `nodes: ${roles.join(', ')}`
  return links.length > 0 ? `the link ${links.join(', ')}` : `links: ${linkNames.join(', ')}`
}

function lengthOf({ acts, ownLength }: Fault): string {
  if (ownLength) return 'must be written: how long it may take'
  return acts === 'node' ? 'restartDelay unless written' : 'must be written; load: until the last task has ended'
}

const effects = {
  end: 'nodes end',
  break: 'connections break or are refused at once',
  silence: 'nothing moves while it lasts, and nobody is told',
  none: 'nothing is taken away or comes too late: it excuses nothing',
  delay: 'all moves, and comes later',
} as const

/** With the least that it takes, where its parameters decide. */
function effectOf(fault: Fault): string {
  const { impact, params } = fault
  if (typeof impact !== 'function') return effects[impactWith(fault, {}).kind]
  const read = [{}, { delayMs: 1 }].map((given) => params.safeParse(given)).find(({ success }) => success)
  return read?.success ? `${effects[impact(read.data).kind]} (by its parameters as they are unless written)` : ''
}

interface JsonSchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
}

/** As the fault's own schema has them: nothing is written twice. */
function paramsOf({ params }: Fault): readonly Param[] {
  const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, JsonSchema>>
  }
  return Object.entries(schema.properties ?? {}).map(([name, one]) => {
    const isTime = isDuration(name)
    const show = (value: unknown): string => (isTime ? formatDuration(Number(value)) : String(value))
    return {
      name: writtenName(name),
      unit: isTime ? 'duration' : unitOf(name, one),
      usual: one.default === undefined ? 'must be written' : show(one.default),
      range: rangeOf(one, show),
      about: one.description ?? '',
    }
  })
}

function unitOf(name: string, { type, enum: words }: JsonSchema): string {
  if (words) return 'word'
  if (name.endsWith('Seconds')) return 'seconds'
  if (name === 'probability' || name === 'share') return 'share'
  return type === 'boolean' ? 'true or false' : type === 'integer' ? 'count' : 'number'
}

function rangeOf(schema: JsonSchema, show: (value: unknown) => string): string {
  const { minimum, exclusiveMinimum, maximum, enum: words, type } = schema
  if (words) return words.join(', ')
  if (type === 'boolean') return 'true, false'
  const limits = [
    exclusiveMinimum !== undefined && `more than ${show(exclusiveMinimum)}`,
    minimum !== undefined && `at least ${show(minimum)}`,
    maximum !== undefined && `at most ${show(maximum)}`,
  ]
  return limits.filter((limit) => limit !== false).join(', ')
}
