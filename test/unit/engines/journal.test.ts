import { describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { completedEvent, createdEvent, progressEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { journalOver } from '../../../patterns/contract/engine/journal.ts'
import { KnownLog } from '../../../patterns/contract/engine/known-log.ts'

const request = { type: 'agent' as const, input: { seed: 7, profile: 'smoke', job: 'it' } }
const plan = planTask(request.input, 1)
const created = createdEvent('task_it', request, plan, new Date(0))
const started = startedEvent(created, plan, 'worker-0', new Date(1))
const progress = progressEvent(started, plan, { step: 1, digest: 'd', credits: 1 }, new Date(2))
const completed = completedEvent(progress, { digest: 'd', steps: 1 }, new Date(3))
const claim = { taskId: 'task_it', owner: 'worker-0', epoch: 4, log: [created, started] }

/** Refuses, since it has what is appended already: the answer was lost. */
async function appendAgain(held: boolean, ...events: (typeof progress)[]) {
  const tail = async () => ({ held, tail: events.map((body) => ({ epoch: claim.epoch, body })) })
  const journal = journalOver({ write: async (entries) => entries.map(() => false), tail })
  const log = new KnownLog(claim.log)
  await journal.append(claim, log, () => events)
  return log.head
}

describe('an append whose answer was lost', () => {
  test('was made', async () => {
    expect(await appendAgain(true, progress)).toEqual(progress)
  })

  test('is no leave to go on for a run that has lost its lease since', async () => {
    await expect(appendAgain(false, progress)).rejects.toThrow('went to another worker')
  })

  test('stands when it was the end, which takes the lease away', async () => {
    expect(await appendAgain(false, progress, completed)).toEqual(completed)
  })
})
