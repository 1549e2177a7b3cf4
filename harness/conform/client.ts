import type { ClientPorts, Job } from '../../patterns/contract/client/client.ts'
import type { Observation } from '../../patterns/contract/types/observations.ts'
import type { TaskInput } from '../../patterns/contract/types/task.ts'
import type { Abilities, Target, Work } from './case.ts'
import { dispatcher } from './http.ts'

/** A client at work: what it reports, and how it is stopped. */
export interface Recorded extends ClientPorts {
  readonly log: Observation[]
}

/** Ports for one run of a pattern's client over these addresses, with a record of what it reports. */
export function portsFor(
  target: Target,
  { client, callbacks }: Pick<Abilities, 'client'> & { readonly callbacks?: Abilities['callbacks'] | undefined },
  urls: readonly string[],
  more: Partial<ClientPorts> = {},
): Recorded {
  const log: Observation[] = []
  return {
    apis: urls.map((url, i) => ({ name: `api-${i}`, url })),
    sticky: client.sticky,
    dispatcher,
    token: target.token ?? '',
    timeScale: target.timeScale,
    now: () => performance.now(),
    random: Math.random,
    observe: (_, seen) => void log.push(seen),
    ...(callbacks && { inbox: callbacks.inbox() }),
    log,
    ...more,
  }
}

/** Longer than any case needs; the signal of the case ends it sooner. */
const jobLimitMs = 600_000

/** A job of the body that the target gives for the key. */
export function jobFor(target: Target, key: string, work: Work = {}): Job {
  const input = target.bodyFor(key, work).input as TaskInput
  return { key, ordinal: 0, input, giveUpAt: performance.now() + jobLimitMs }
}

/** What it reported, in order: `submit.ok`. */
export function reported({ log }: Recorded): readonly string[] {
  return log.map(({ f, type }) => `${f}.${type}`)
}

export function eventNumbers({ log }: Recorded): readonly number[] {
  return log.flatMap((seen) => (seen.f === 'event' ? [seen.value.seq] : []))
}
