import * as restate from '@restatedev/restate-sdk'
import { TerminalError } from '@restatedev/restate-sdk'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { atEnd } from '../../../patterns/contract/engine/control.ts'
import { failedEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { postMail } from '../../../patterns/engines/restate/mailbox.ts'
import type { Mail } from '../../../patterns/engines/restate/protocol.ts'
import { openLog } from '../../../patterns/engines/restate/run-log.ts'
import { acceptedFor, plan } from '../../support/temporal-history.ts'

type Run = Parameters<typeof openLog>[0]

const { created } = acceptedFor({})
const nothing = async (): Promise<void> => {}
const start = startedEvent(created, plan, 'worker-1', new Date(created.time))

beforeEach(() => {
  vi.spyOn(restate.RestatePromise, 'race').mockImplementation(((some: Promise<unknown>[]) =>
    Promise.race(some)) as never)
})
afterEach(() => void vi.restoreAllMocks())

/** As much of a run as its log touches. A promise is resolved once; `onWritten` is the server's turn after an event. */
function openRun(onWritten: (seq: number) => void = () => {}) {
  const held = new Map<string, PromiseWithResolvers<unknown> & { value?: unknown }>()
  const of = (name: string) => {
    if (!held.has(name)) held.set(name, Promise.withResolvers())
    return held.get(name)!
  }
  const promise = (name: string) => ({
    peek: async () => of(name).value,
    get: () => of(name).promise,
    resolve(value: { readonly seq?: number }) {
      if (of(name).value) return Promise.reject(new TerminalError(`${name} is resolved`))
      of(name).value = value
      of(name).resolve(value)
      if (value.seq !== undefined) onWritten(value.seq)
      const done = Promise.resolve()
      return Object.assign(done, { map: (to: () => unknown) => done.then(to) })
    },
  })
  return { promise, set: () => {} } as unknown as Run
}

const mailOf = (id: string): Mail => ({ kind: 'command', command: { id, type: 'interrupt' }, at: 0 })

describe('mail that the server had before an event', () => {
  test('is on record after it, all of it and in order, so that the next safe point knows it', async () => {
    const run = openRun()
    const log = await openLog(run, created, nothing)
    for (const id of ['a', 'b', 'c']) await postMail(run, { mail: mailOf(id), place: 1 })
    await log.write(() => [start])
    expect(log.events.map(({ type }) => type)).toEqual([
      'task.created',
      'task.started',
      ...Array(3).fill('task.commanded'),
    ])
    expect(log.control.pending.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  test('is on record before the end, which answers it', async () => {
    const run = openRun()
    const log = await openLog(run, created, nothing)
    await log.write(() => [start])
    await postMail(run, { mail: mailOf('late'), place: 1 })
    await log.write(() => {
      const voids = atEnd(log.control, log.head, new Date(created.time))
      return [...voids, failedEvent(voids.at(-1) ?? log.head, 'refused', new Date(created.time))]
    })
    expect(log.events.map(({ type }) => type).slice(2)).toEqual(['task.commanded', 'task.command_void', 'task.failed'])
    expect(await postMail(run, { mail: mailOf('too late'), place: 1 })).toBe('ended')
  })
})

test('mail that comes while an event is written is not in between: the events of one decision stand together', async () => {
  const run: Run = openRun((seq) => {
    if (seq === 2) void postMail(run, { mail: mailOf('between'), place: 1 })
  })
  const log = await openLog(run, created, nothing)
  const again = { ...start, seq: 3 }
  await log.write(() => [start, again])
  expect(log.events.map(({ seq, type }) => [seq, type])).toEqual([
    [1, 'task.created'],
    [2, 'task.started'],
    [3, 'task.started'],
    [4, 'task.commanded'],
  ])
})

test('what has to be done before the end is done when no mail can change it any more, and before it shows', async () => {
  const done: (readonly [string, unknown])[] = []
  const run = openRun()
  const log = await openLog(run, created, async () => {
    done.push([log.head.type, await postMail(run, { mail: mailOf('too late'), place: 1 })])
  })
  await log.write(() => [start])
  expect(done).toEqual([])
  await log.write(() => [failedEvent(log.head, 'refused', new Date(created.time))])
  expect(done).toEqual([['task.started', 'ended']])
  expect(log.head.type).toBe('task.failed')
})

test('without mail the log has what was written', async () => {
  const log = await openLog(openRun(), created, nothing)
  await log.write(() => [start])
  expect(log.events).toEqual([created, start])
})
