import { timingAt } from '../../patterns/contract/types/timing.ts'
import { traitsOf } from './cell-traits.ts'
import type { Plan } from './plan.ts'
import type { Target, TargetProcess } from './target.ts'

type Together = Pick<Plan, 'timeScale' | 'cells'> & { readonly targets?: readonly Target[] | undefined }

/** What may go wrong with a target, or between two, though each part of the scenario is right by itself. A sentence each. */
export function targetWarnings({ targets = [], timeScale, cells }: Together): readonly string[] {
  const half = timeScale === 1 ? [] : targets.flatMap((target) => halfTold(target, timeScale))
  const shared = sharedAddresses(targets).map(({ names, url }) => {
    return `${names.join(' and ')} are one service, at ${url}: what one of them leaves there, the other finds.`
  })
  return [...half, ...shared, ...targets.flatMap((target) => seldomAsked(target, cells))]
}

/** Of an API of its own nobody knows the pace. What is asked for less often than `grace` lasts is seen late, however fast it was. */
function seldomAsked({ name, speech }: Target, cells: Plan['cells']): readonly string[] {
  const everyMs = timingAt(1).retryAfterMs
  const own = cells.filter(({ pattern }) => pattern === name)
  const isShort = own.some(({ graceMs }) => graceMs < everyMs)
  if (!isShort || own.some((cell) => traitsOf(cell).callback) || speech.kind === 'task-api') return []
  const asked = `${name} is asked for the state of a task every ${everyMs / 1000} s`
  return [
    `${asked}, unless Retry-After in its answers says less or more: grace is shorter, and a result in time may be seen late.`,
  ]
}

/** Its processes that run at the scenario's bidding are told of the compressed time, or the work itself says it; or some are forgotten. */
function halfTold({ name, processes, work }: Target, timeScale: number): readonly string[] {
  const ours = processes.filter(({ program: { kind } }) => kind === 'start' || kind === 'image')
  const { told = [], deaf = [] } = Object.groupBy(ours, (one) => (isTold(one) ? 'told' : 'deaf'))
  if (told.length === 0 || deaf.length === 0 || isTold(work.input)) return []
  const roles = (some: readonly TargetProcess[]): string => some.map(({ role }) => role).join(' and ')
  const others = `what ${roles(deaf)} does takes ${timeScale} times too long, unless it learns of it in another way`
  return [`Of the processes of ${name} only ${roles(told)} is told {timeScale}: ${others}.`]
}

function isTold(part: unknown): boolean {
  return JSON.stringify(part).includes('{timeScale}')
}

/** Services at an address that several targets name. */
export function sharedAddresses(
  targets: readonly Target[],
): readonly { readonly url: string; readonly names: readonly string[] }[] {
  const named = targets.flatMap(({ name, processes }) => {
    const urls = processes.flatMap(({ program }) => (program.kind === 'url' ? [originOf(program.url)] : []))
    return [...new Set(urls)].map((url) => ({ name, url }))
  })
  return [...Map.groupBy(named, ({ url }) => url)]
    .filter(([, users]) => users.length > 1)
    .map(([url, users]) => ({ url, names: users.map(({ name }) => name) }))
}

/** The same machine by any of its names for itself. */
function originOf(url: string): string {
  const parsed = new URL(url)
  if (parsed.hostname === 'localhost' || parsed.hostname === '[::1]') parsed.hostname = '127.0.0.1'
  return parsed.origin
}
