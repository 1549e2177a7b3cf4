import { longestDeadlineS } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { must, mustBe, NotApplicable } from '../expect.ts'
import { slackMs } from '../http.ts'
import { newKey, readEnd, start } from '../tasks.ts'

/** In seconds, at time scale 1: before the end of a long task. */
const nearS = 30

export default {
  name: 'deadlines',
  summary: "a task's own deadline ends it, and no other moment",
  cases: [
    contractCase({
      name: 'far',
      proves: 'the longest deadline, which is further away than most timers can wait, ends nothing today',
      source: 'docs/contract.md#deadlines',
      needs: [],
      async check(target) {
        const { taskId } = await start(target, newKey('far-deadline'), { deadlineS: longestDeadlineS })
        const { status } = await readEnd(target, taskId)
        must(status !== 'expired', 'a task with the longest deadline expired')
      },
    }),
    contractCase({
      name: 'near',
      proves: 'a task that has not ended at its deadline is expired',
      source: 'docs/contract.md#deadlines; docs/contract.md#states',
      needs: [],
      async check(target) {
        const { taskId } = await start(target, newKey('near-deadline'), { long: true, deadlineS: nearS })
        const { status, created_at, finished_at } = await readEnd(target, taskId)
        const tookMs = Date.parse(finished_at!) - Date.parse(created_at)
        if (status !== 'expired' && tookMs < (nearS * 1000) / target.timeScale + slackMs)
          throw new NotApplicable('its tasks end before the deadline')
        mustBe(`the end, ${tookMs} ms after the submission`, status, 'expired')
      },
    }),
  ],
} satisfies CaseGroup
