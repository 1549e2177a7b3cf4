import { z } from 'zod'
import { callbackFault } from './_kit/callback-fault.ts'

const day = 86_400

const params = z.object({
  aheadSeconds: z
    .number()
    .min(-day)
    .max(day)
    .default(600)
    .describe(
      'Of the receiver, before the sender; less than 0: behind. Real time: neither clocks nor tolerances scale',
    ),
})

/** A receiver whose clock is wrong: beyond the tolerance (300 s in Standard Webhooks) no signature is of now. */
export default callbackFault({
  name: 'clock-skew',
  summary: 'the receiver’s clock is wrong, so that timestamps of signatures are not of now',
  params,
  impact: 'break',
  intercept:
    ({ aheadSeconds }, way) =>
    (arrival) => {
      const status = arrival.judge(aheadSeconds)
      if (status < 300 || arrival.judge(0) >= 300) return arrival.deliver()
      way.felt()
      return status
    },
})
