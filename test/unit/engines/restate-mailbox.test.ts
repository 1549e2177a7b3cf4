import { TerminalError } from '@restatedev/restate-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '../../../patterns/contract/types/command.ts'
import { Mailbox, postMail } from '../../../patterns/engines/restate/mailbox.ts'
import type { Mail } from '../../../patterns/engines/restate/protocol.ts'

type Promises = ConstructorParameters<typeof Mailbox>[0]

/** As much of a workflow as mailboxes touch: each promise is resolved once. `inTurn` decides who is served when. */
function openPromises(inTurn: <T>(answer: () => T) => Promise<T> = async (answer) => answer()) {
  const held = new Map<string, unknown>()
  const waiting = new Map<string, PromiseWithResolvers<unknown>>()
  const arrival = (name: string) => {
    if (!waiting.has(name)) waiting.set(name, Promise.withResolvers())
    return waiting.get(name)!
  }
  const promise = (name: string) => ({
    peek: () => inTurn(() => held.get(name)),
    get: () => arrival(name).promise,
    resolve: (value: unknown) =>
      inTurn(() => {
        if (held.has(name)) throw new TerminalError(`${name} is resolved`)
        held.set(name, value)
        arrival(name).resolve(value)
      }),
  })
  return { promise } as unknown as Promises
}

const commandOf = (id: string, type: 'interrupt' | 'resume' = 'interrupt'): Mail => ({
  kind: 'command',
  command: { id, type } satisfies Command,
  at: 0,
})
const cancel: Mail = { kind: 'cancel', at: 0 }

/** Everything that the run takes until it closes the mailbox. */
async function takeAll(mailbox: Mailbox): Promise<readonly Mail[]> {
  const taken: Mail[] = []
  for (let mail = await mailbox.close(); mail; mail = await mailbox.close()) {
    taken.push(mail)
    mailbox.advance(mail)
  }
  return taken
}

describe('mail', () => {
  test('is taken in the order in which it came', async () => {
    const ctx = openPromises()
    for (const id of ['a', 'b', 'c']) expect(await postMail(ctx, { mail: commandOf(id), place: 1 })).toBe('recorded')
    const mailbox = new Mailbox(ctx)
    for (const id of ['a', 'b', 'c']) {
      const [next] = mailbox.next
      expect(await next).toEqual(commandOf(id))
      mailbox.advance(await next!)
    }
  })

  test('of an id that is there already tells what that is', async () => {
    const ctx = openPromises()
    await postMail(ctx, { mail: commandOf('a'), place: 1 })
    await postMail(ctx, { mail: commandOf('b'), place: 1 })
    const receipt = await postMail(ctx, { mail: commandOf('a', 'resume'), place: 1 })
    expect(receipt).toEqual({ known: { id: 'a', type: 'interrupt' } })
    expect(await takeAll(new Mailbox(ctx))).toHaveLength(2)
  })

  test.each([
    ['closing', async (mailbox: Mailbox) => void (await mailbox.close())],
    ['a cancellation', async (_: Mailbox, ctx: Promises) => void (await postMail(ctx, { mail: cancel, place: 1 }))],
  ])('is refused after %s', async (_, end) => {
    const ctx = openPromises()
    await end(new Mailbox(ctx), ctx)
    expect(await postMail(ctx, { mail: commandOf('late'), place: 1 })).toBe('ended')
    expect(await postMail(ctx, { mail: cancel, place: 1 })).toBe('ended')
  })

  test('has none after a cancellation, which closes the mailbox too', async () => {
    const ctx = openPromises()
    const mailbox = new Mailbox(ctx)
    await postMail(ctx, { mail: cancel, place: 1 })
    mailbox.advance((await mailbox.next[0])!)
    expect(mailbox.next).toEqual([])
    expect(await mailbox.close()).toBeUndefined()
  })

  test('fails where the promise can be neither resolved nor read', async () => {
    const broken = { peek: async () => undefined, resolve: async () => Promise.reject(new TerminalError('cancelled')) }
    const ctx = { promise: () => broken } as unknown as Promises
    await expect(postMail(ctx, { mail: cancel, place: 1 })).rejects.toThrow('cancelled')
  })

  test('is taken exactly when it was acknowledged, once and in one order, however it races with the end', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 5 }), async (scheduler, posters) => {
        const ctx = openPromises((answer) => scheduler.schedule(Promise.resolve()).then(answer))
        const ids = Array.from({ length: posters }, (_, i) => `c${i}`)
        // Each is asked twice, as by a client that has lost the first answer.
        const posting = [...ids, ...ids].map(async (id) => {
          const receipt = await postMail(ctx, { mail: commandOf(id), place: 1 })
          return { id, isTaken: receipt !== 'ended' }
        })
        const taking = takeAll(new Mailbox(ctx))
        const [taken, posted] = await scheduler.waitFor(Promise.all([taking, Promise.all(posting)]))
        const takenIds = taken.map((mail) => (mail.kind === 'command' ? mail.command.id : ''))
        expect(new Set(takenIds).size).toBe(takenIds.length)
        for (const { id, isTaken } of posted) expect([id, takenIds.includes(id)]).toEqual([id, isTaken])
      }),
    ))
})
