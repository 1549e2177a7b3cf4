import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import type { CheckedService, Protocol, Service } from '../../../patterns/contract/types/protocol.ts'

export async function call({ url, token, signal }: Service, asked: object): Promise<Task | undefined> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${url}/rpc`, { method: 'POST', headers, body: JSON.stringify(asked), signal })
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { task: Task | null }).task ?? undefined
}

async function readEnd(service: CheckedService, id: string): Promise<Task> {
  for (;;) {
    const task = await call(service, { call: 'tell', id })
    assert.ok(task, 'the task is known')
    if (isTerminal(task.status)) return task
    await sleep(50)
  }
}

const protocol: Protocol = {
  cases: [
    {
      name: 'result',
      proves: 'a submitted task comes to its right result',
      source: 'test/support/rpc/server.ts',
      quick: true,
      async check(service) {
        const request = service.requestFor('rpc-result')
        const task = await call(service, { call: 'submit', key: 'rpc-result', request })
        const end = await readEnd(service, task!.task_id)
        assert.deepEqual([end.status, end.result?.digest], ['completed', service.answerTo(request)])
      },
    },
    {
      name: 'repeated',
      proves: 'one key is one task',
      source: 'test/support/rpc/server.ts',
      async check(service) {
        const submission = { call: 'submit', key: 'rpc-repeated', request: service.requestFor('rpc-repeated') }
        const [first, second] = await Promise.all([call(service, submission), call(service, submission)])
        assert.equal(first!.task_id, second!.task_id)
      },
    },
  ],
  readTask: (service, id) => call(service, { call: 'tell', id }),
}
export default protocol
