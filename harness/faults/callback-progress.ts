import { z } from 'zod'
import { callbackFault } from './_kit/callback-fault.ts'

const params = z.object({
  when: z
    .enum(['before', 'after', 'both'])
    .default('both')
    .describe('Before the end, as news, or after it, as news that comes late'),
  probability: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Share of callbacks with news beside them, drawn from the seed'),
})

/** A provider that also calls back while a task runs: genuine, signed, and no end. Who takes it for one gives up too early. */
export default callbackFault({
  name: 'callback-progress',
  summary: 'genuine callbacks of the task as it still ran come before the end, or late',
  params,
  impact: 'none',
  intercept:
    ({ when, probability }, way) =>
    async (arrival) => {
      const post = async (): Promise<void> => {
        if (await arrival.postProgress()) way.felt()
      }
      const isChosen = way.isDrawn(arrival, probability)
      if (isChosen && when !== 'after') await post()
      const status = arrival.deliver()
      if (isChosen && when !== 'before' && status < 300) void post().catch(() => {})
      return status
    },
})
