import { exchange, jsonOf } from '../../../patterns/contract/client/http.ts'
import type { RunJob } from '../../../patterns/contract/client/client.ts'
import { finish } from '../../../patterns/contract/client/outcome.ts'
import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'

const pauseMs = 100

const run: RunJob = async ({ key, input }, ports, signal) => {
  const { name: api, url } = ports.apis[0]!
  const call = async (asked: object): Promise<Task | undefined> => {
    const headers = { authorization: `Bearer ${ports.token}`, 'content-type': 'application/json' }
    const sent = { method: 'POST' as const, url: `${url}/rpc`, headers, body: JSON.stringify(asked) }
    const answer = await exchange(ports.dispatcher, sent, 5_000, signal)
    return (jsonOf(answer) as { task: Task | null }).task ?? undefined
  }
  const seen = { attempt: 1, api }
  ports.observe(key, { f: 'submit', type: 'invoke', value: seen })
  const accepted = (await call({ call: 'submit', key, request: { type: 'agent', input } }))!
  const value = { ...seen, taskId: accepted.task_id, replayed: false, status: 200 }
  ports.observe(key, { f: 'submit', type: 'ok', value })
  for (;;) {
    await sleep(pauseMs, signal)
    const task = await call({ call: 'tell', id: accepted.task_id })
    if (task && isTerminal(task.status)) return finish(task, 'call')
  }
}
export default run
