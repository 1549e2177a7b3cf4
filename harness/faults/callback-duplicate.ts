import { z } from 'zod'
import { longestMs } from '../core/limits.ts'
import { callbackFault } from './_kit/callback-fault.ts'

const params = z.object({
  copies: z.int().min(1).max(100).default(1).describe('How often each comes again'),
  afterMs: z.number().min(0).max(longestMs).default(1_000).describe('From the first to the next, and between copies'),
  probability: z.number().gt(0).max(1).default(1).describe('Share of callbacks that come again, drawn from the seed'),
})

/** What at-least-once delivery means: a callback that was accepted comes again, with the same id and the same bytes. */
export default callbackFault({
  name: 'callback-duplicate',
  summary: 'callbacks that were accepted come again, with the same id and the same bytes',
  params,
  impact: 'none',
  intercept:
    ({ copies, afterMs, probability }, way) =>
    (arrival) => {
      const status = arrival.deliver()
      if (status >= 300 || !way.isDrawn(arrival, probability)) return status
      for (let copy = 1; copy <= copies; copy++)
        way.later(copy * afterMs, () => {
          if (arrival.deliver() < 300) way.felt()
        })
      return status
    },
})
