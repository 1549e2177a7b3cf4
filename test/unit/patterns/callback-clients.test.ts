import { setTimeout as sleep } from 'node:timers/promises'
import { MockAgent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { openInbox, type Callback } from '../../../harness/run/inbox.ts'
import type { ClientPorts, RunJob } from '../../../patterns/contract/client/client.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { endpointKey } from '../../../patterns/deliveries/webhook-retry/keys.ts'
import { clockS } from '../../../patterns/deliveries/webhook-retry/message.ts'
import { signMessage } from '../../../patterns/deliveries/webhook-retry/signature.ts'
import plain from '../../../patterns/deliveries/webhook/client.ts'
import signed from '../../../patterns/deliveries/webhook-retry/client.ts'

const token = 'a-token-for-tests-only'
const task = { task_id: 'task_1', status: 'queued', version: 1, estimated_completion: null } as Task
const ended = { ...task, status: 'completed', version: 6, result: { digest: 'd', steps: 3 } } as Task

/** A client that waits for its callback, over an API that has accepted `task_1` and knows no more, or what it answered. */
async function waiting(runJob: RunJob, isSigned: boolean, answer = task) {
  const callbacks: Callback[] = []
  const inbox = await openInbox('127.0.0.1', (callback) => void callbacks.push(callback))
  const url = `http://${inbox.address}/callbacks/one`
  const agent = new MockAgent()
  agent.disableNetConnect()
  const headers = { 'content-type': 'application/json' }
  const accepted = Promise.withResolvers<void>()
  const api = agent.get('http://api')
  api.intercept({ path: '/v1/tasks', method: 'POST' }).reply(() => {
    accepted.resolve()
    return { statusCode: answer === task ? 202 : 200, data: answer, responseOptions: { headers } }
  })
  const ports: ClientPorts = {
    apis: [{ name: 'api-0', url: 'http://api' }],
    sticky: true,
    dispatcher: agent,
    token,
    timeScale: 1,
    now: () => performance.now(),
    random: Math.random,
    observe: () => {},
    inbox: { urlFor: () => url, wait: (job, signal, open) => inbox.wait(job, signal, open) },
  }
  const job = { key: 'one', ordinal: 0, input: { seed: 1, profile: 'smoke', job: 'one' }, giveUpAt: Infinity }
  const post = async (said: Task, type = `task.${said.status}`): Promise<number> => {
    const body = Buffer.from(JSON.stringify(isSigned ? { type, data: said } : said))
    const message = { id: `evt_${said.task_id}_${said.version}`, timestampS: clockS(), body }
    const own = isSigned ? signMessage(message, [endpointKey(token)]) : {}
    const answer = await request(url, { method: 'POST', headers: { ...headers, ...own }, body, reset: true })
    await answer.body.dump()
    return answer.statusCode
  }
  const over = new AbortController()
  const running = runJob(job, ports, over.signal)
  running.catch(() => {})
  return {
    running,
    accepted: accepted.promise,
    callbacks,
    post,
    [Symbol.asyncDispose]: async () => {
      over.abort(new Error('over'))
      await inbox[Symbol.asyncDispose]()
    },
  }
}

describe.each([
  ['webhook', plain, false],
  ['webhook-retry', signed, true],
] as const)('the client of %s', (_, runJob, isSigned) => {
  test('passes over progress, other tasks and repetitions: only the end of its own task ends its wait', async () => {
    await using client = await waiting(runJob, isSigned)
    await client.accepted
    const other = { ...ended, task_id: 'task_2' }
    const posted = [{ ...task, status: 'running', version: 2 }, other, { ...other, status: 'failed' }] as Task[]
    for (const said of posted) expect(await client.post(said, 'task.progress')).toBe(204)
    expect(await Promise.race([client.running, sleep(50, 'waits')])).toBe('waits')
    expect(await client.post(ended)).toBe(204)
    expect(await client.running).toEqual({ task: ended, via: 'callback' })
    expect(await client.post(ended)).toBe(204)
    expect(await client.post({ ...task, status: 'running', version: 3 })).toBe(204)
    expect(client.callbacks.map(({ body }) => body.status)).toHaveLength(6)
  })

  test('takes the end in the answer to its submission: another callback may never come', async () => {
    await using client = await waiting(runJob, isSigned, ended)
    expect(await Promise.race([client.running, sleep(500, 'waits')])).toEqual({ task: ended, via: 'response' })
  })

  test('takes an end that came before the answer to its submission', async () => {
    await using client = await waiting(runJob, isSigned)
    const early = [{ ...task, status: 'running', version: 2 } as Task, ended]
    for (const said of early) expect(await client.post(said)).toBe(204)
    expect(await client.running).toEqual({ task: ended, via: 'callback' })
  })
})
