import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTaskClient, type Task, type TaskSubmission } from '../../patterns/client.ts'
import { rightAnswer } from '../support/tools.ts'
import { startApiNode, timeScale, token, type ApiNode } from './support/api-node.ts'
import { startCutter } from './support/cutter.ts'
import { submit, requestBody } from './support/http.ts'

let node: ApiNode
beforeAll(async () => {
  node = await startApiNode('sse-polling')
})
afterAll(() => node[Symbol.asyncDispose]())

const open = (...apis: readonly string[]) => openTaskClient({ apis, token, timeScale })
let ordinal = 0
function submission(seed: number, more: Partial<TaskSubmission> = {}): TaskSubmission {
  const key = `reference-${seed}-${++ordinal}`
  const input = { seed, profile: 'smoke', job: key }
  return { key, type: 'agent', input, deadlineMs: 20_000, ...more }
}
/** Three steps, and the answer of the tool server to each. */
const expectRight = ({ input, result }: Task): void => expect(result!.digest).toBe(rightAnswer(input))

describe('the reference client', () => {
  test('brings the result, and tells every newer state once and in order', async () => {
    await using client = open(node.url)
    const seen: Task[] = []
    const task = await client.run(submission(1, { onProgress: (one) => void seen.push(one) }))
    expectRight(task)
    const versions = seen.map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b))
    expect(seen.at(-1)).toEqual(task)
  })

  test('lets the id be written down before it is used, and goes on from it in another life', async () => {
    let written: string | undefined
    await using first = open(node.url)
    const crash = first.run(
      submission(2, {
        onAccepted: ({ task_id }) => {
          written = task_id
          throw new Error('this process dies now')
        },
      }),
    )
    await expect(crash).rejects.toThrow('dies now')
    await using second = open(node.url)
    expectRight(await second.resume(written!, { deadlineMs: 20_000 }))
  })

  test('the same key after a crash is the same task', async () => {
    await using client = open(node.url)
    const once = submission(3)
    const [first, second] = [await client.run(once), await client.run(once)]
    expect(second.task_id).toBe(first.task_id)
    expect(node.tools.effects.filter(({ taskId }) => taskId === first.task_id)).toHaveLength(3)
  })

  test('takes a cut stream for no end, and brings the result all the same', async () => {
    await using cutter = await startCutter(node.url)
    await using client = open(cutter.url)
    cutter.harm('cut', /events/)
    expectRight(await client.run(submission(4)))
    expect(cutter.seen.filter((line) => /events/.test(line)).length).toBeGreaterThan(0)
  })

  test('tells no older state after a newer one, wherever it learned them', async () => {
    await using cutter = await startCutter(node.url)
    await using client = open(cutter.url)
    cutter.harm('cut', /events/)
    const versions: number[] = []
    const running = client.run(submission(10, { onProgress: ({ version }) => void versions.push(version) }))
    // The stream comes back when the poll knows more than it carries first.
    while ((versions.at(-1) ?? 0) < 3) await sleep(5)
    cutter.heal()
    await running
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    expect(new Set(versions).size).toBe(versions.length)
  })

  test('sees through a stream that is silent without being closed', async () => {
    await using cutter = await startCutter(node.url)
    await using client = open(cutter.url)
    cutter.harm('silence', /events/)
    expectRight(await client.run(submission(5)))
  })

  test('goes on at another replica when one cannot be reached', async () => {
    await using client = open('http://127.0.0.1:1', node.url)
    expectRight(await client.run(submission(6)))
  })

  test('has one deadline, whatever happens', async () => {
    await using client = open('http://127.0.0.1:1')
    const began = performance.now()
    await expect(client.run(submission(7, { deadlineMs: 300 }))).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  test('says for certain that there will be no result', async () => {
    await using client = open(node.url)
    const unknown = submission(8, { input: { seed: 8, profile: 'none', job: 'j' } })
    await expect(client.run(unknown)).rejects.toMatchObject({ name: 'JobFailed', reason: 'refused' })
    await expect(client.resume('task_none', { deadlineMs: 20_000 })).rejects.toMatchObject({ reason: 'gone' })
    const { json } = await submit(node.url, 'to-cancel', requestBody(9))
    await node.backend.cancel(json.task_id)
    await expect(client.resume(json.task_id, { deadlineMs: 20_000 })).rejects.toMatchObject({ reason: 'task-failed' })
  })
})
