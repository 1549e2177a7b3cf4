import { healAll, type Injection } from '../faults/_kit/acquire.ts'
import type { Link, ToxicSpec } from '../model/link.ts'
import type { FaultyLink } from './case.ts'

type Toxic = Omit<ToxicSpec, 'name' | 'toxicity'>

/** Both directions go silent, without FIN or RST. */
const stall: readonly Toxic[] = [
  { type: 'stall', stream: 'upstream', attributes: {} },
  { type: 'stall', stream: 'downstream', attributes: {} },
]
/** Requests arrive and take effect; at the first byte of the answer the client gets a reset. */
const loss: readonly Toxic[] = [{ type: 'response_lost', stream: 'downstream', attributes: { mode: 'reset' } }]

/** `mount`: the path at which the API is mounted behind the link. */
export function silentLink(link: Link, mount = ''): FaultyLink {
  return { url: link.url + mount, harm: () => impair(link, stall) }
}

export function lossyLink(link: Link, mount = ''): FaultyLink {
  return { url: link.url + mount, harm: () => impair(link, loss) }
}

/** Where a kernel holds the harm, it ends it by itself after this. */
const expiresMs = 120_000

async function impair(link: Link, toxics: readonly Toxic[]): Promise<Injection> {
  const armed = await Promise.all(
    toxics.map((toxic) => {
      return link.impair({ ...toxic, name: `conform-${toxic.stream}`, toxicity: 1 }, { seed: 1, expiresMs })
    }),
  )
  return { heal: () => healAll(armed) }
}
