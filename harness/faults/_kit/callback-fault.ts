import type { ZodType } from 'zod'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { drawUniform } from '../../core/rng.ts'
import type { Arrival, Intercept } from '../../model/callback-path.ts'
import type { ActiveFault, Fault, FaultSite } from '../../model/fault.ts'

/** What differs between faults in the way of callbacks: what becomes of each. */
export interface CallbackFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly params: ZodType<P>
  readonly impact: Fault<P>['impact']
  intercept(params: P, way: Way): Intercept
}

/** What such a fault has at hand. */
export interface Way {
  /** The receiver, or the sender, met it now. */
  felt(): void
  /** Whether this callback is among so many: drawn from the seed, the job and its number. */
  isDrawn(arrival: Arrival, probability: number): boolean
  /** Do it after a while; not at all when the fault is healed before. */
  later(delayMs: number, act: () => void): void
  /** Aborts when the fault is healed: what is held must go on then. */
  readonly over: AbortSignal
}

/**
 * A fault in the way of callbacks, at the receiver's door. Armed: it is there, and no other is. Proven: it is still there at the
 * end of its window, and was felt at least once.
 */
export function callbackFault<P>(spec: CallbackFaultSpec<P>): Fault<P> {
  const { name, summary, params, impact } = spec
  return {
    name,
    summary,
    acts: 'link',
    needs: ['callbacks'],
    proof: 'it is in the way of callbacks to the end of its window, and receiver or sender met it at least once',
    links: ['sender->receiver'],
    defaultTarget: { kind: 'link', link: 'sender->receiver', ordinal: 'all' },
    params,
    impact,
    arm: async (site, given, signal) => {
      signal.throwIfAborted()
      return arm(spec, site, given)
    },
  }
}

function arm<P>(spec: CallbackFaultSpec<P>, { id, seed, callbacks }: FaultSite, params: P): ActiveFault {
  if (!callbacks) throw new Error('no callback arrives here')
  const over = new AbortController()
  const counts = { passed: 0, felt: 0 }
  const way: Way = {
    felt: () => void counts.felt++,
    isDrawn: ({ job, number }, probability) => drawUniform(seed, job, number) < probability,
    later: (delayMs, act) => void sleep(delayMs, over.signal).then(act, () => {}),
    over: over.signal,
  }
  const intercept = spec.intercept(params, way)
  const interception = callbacks.intercept(id, (arrival) => {
    counts.passed++
    return intercept(arrival)
  })
  if (!interception.listed()) throw new Error(`${id} was acknowledged but is not there`)
  return {
    evidence: { listed: true },
    prove: async () => ({ state: stateOf(interception.listed(), counts.felt), firings: counts.felt, evidence: counts }),
    heal: async () => {
      interception.remove()
      over.abort(new Error('healed'))
    },
  }
}

function stateOf(isThere: boolean, felt: number): 'proven' | 'unexercised' | 'lost' {
  if (!isThere) return 'lost'
  return felt > 0 ? 'proven' : 'unexercised'
}
