import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { callbackFault } from './_kit/callback-fault.ts'

const params = z.object({
  holdMs: z.number().gt(0).max(longestMs).default(5_000).describe('How long one is held at most, if no other comes'),
})

/** Two ways lead to the receiver, and one is slower: a callback arrives after the one that was sent later. */
export default callbackFault({
  name: 'callback-reorder',
  summary: 'every other callback is held until the next one has been delivered',
  params,
  impact: ({ holdMs }) => ({ kind: 'delay', ms: holdMs }),
  intercept: ({ holdMs }, way) => {
    let release: (() => void) | undefined
    return async (arrival) => {
      const overtake = release
      release = undefined
      if (overtake) {
        const status = arrival.deliver()
        overtake()
        return status
      }
      if (await isOvertaken()) way.felt()
      return arrival.deliver()
    }

    /** False: no other came in time, or the fault is healed. */
    async function isOvertaken(): Promise<boolean> {
      const next = Promise.withResolvers<boolean>()
      const own = (): void => next.resolve(true)
      release = own
      const alone = sleep(holdMs, way.over).then(
        () => false,
        () => false,
      )
      const came = await Promise.race([next.promise, alone])
      if (release === own) release = undefined
      return came
    }
  },
})
