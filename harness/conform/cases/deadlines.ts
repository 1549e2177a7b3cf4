import { longestDeadlineS } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { must } from '../expect.ts'
import { newKey, readEnd, start } from '../tasks.ts'

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
  ],
} satisfies CaseGroup
