import type { ClientPorts, Job, Observations } from '../../patterns/contract/client/client.ts'
import type { TaskInput } from '../../patterns/contract/types/task.ts'
import type { Abilities, Target, Work } from './case.ts'
import { dispatcher } from './http.ts'

export type Observed = { [K in keyof Observations]: { what: K; value: Observations[K] } }[keyof Observations]

/** A client at work: what it reports, and how it is stopped. */
export interface Recorded extends ClientPorts {
  readonly log: Observed[]
}

/** Ports for one run of a pattern's client over these addresses, with a record of what it reports. */
export function portsFor(
  target: Target,
  { client, callbacks }: Pick<Abilities, 'client'> & { readonly callbacks?: Abilities['callbacks'] | undefined },
  urls: readonly string[],
  more: Partial<ClientPorts> = {},
): Recorded {
  const log: Observed[] = []
  return {
    apis: urls.map((url, i) => ({ name: `api-${i}`, url })),
    sticky: client.sticky,
    dispatcher,
    token: target.token ?? '',
    timeScale: target.timeScale,
    now: () => performance.now(),
    random: Math.random,
    observe: (_, what, value) => void log.push({ what, value } as Observed),
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

export function eventNumbers({ log }: Recorded): readonly number[] {
  return log.flatMap(({ what, value }) => (what === 'event' ? [value.seq] : []))
}
