import { describe, expect, test } from 'vitest'
import { Wakeup, within } from '../../../patterns/contract/engine/wakeup.ts'

const farMs = 60_000

describe('wakeup', () => {
  test('a ring during a wait ends it', async () => {
    const wakeup = new Wakeup()
    const waited = wakeup.wait(farMs)
    wakeup.notify()
    await expect(waited).resolves.toBeUndefined()
  })

  test('a ring before a wait is not missed, and counts once', async () => {
    const wakeup = new Wakeup()
    wakeup.notify()
    wakeup.notify()
    await wakeup.wait(farMs)
    const second = wakeup.wait(farMs).then(() => 'rung')
    expect(await Promise.race([second, Promise.resolve('still waiting')])).toBe('still waiting')
    wakeup.notify()
    expect(await second).toBe('rung')
  })

  test('nobody rings: the time is over at some point', async () => {
    await expect(new Wakeup().wait(1)).resolves.toBeUndefined()
  })
})

describe('within', () => {
  test('ends with what it waits for, or with the time', async () => {
    await expect(within(farMs, Promise.resolve())).resolves.toBeUndefined()
    await expect(within(1, new Promise(() => {}))).resolves.toBeUndefined()
  })

  test('passes a failure on', async () => {
    await expect(within(farMs, Promise.reject(new Error('no')))).rejects.toThrow('no')
  })
})
