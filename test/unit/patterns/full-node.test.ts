import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultLimits } from '../../../patterns/contract/server/limits.ts'
import { openGuardedApi, operatorToken, submission, type GuardedApi } from './access/guarded-api.ts'

/** A node that holds as much as it may, which is nothing. */
let api: GuardedApi
beforeEach(async () => void (api = await openGuardedApi({ limits: { ...defaultLimits, mostHeld: 0 } })))
afterEach(() => api[Symbol.asyncDispose]())

async function submit(delivery: string, prefer?: string) {
  const how = submission('k', `Bearer ${operatorToken}`)
  const headers = { ...how.headers, ...(prefer !== undefined && { prefer }) }
  const answer = await api.ask('/v1/tasks', { ...how, delivery, headers })
  const { detail = '' } = (await answer.json()) as { detail?: string }
  return { status: answer.status, applied: answer.headers.get('preference-applied'), detail }
}

test('a full node says of no wait that it was heeded', async () => {
  expect(await submit('sse', 'wait=30')).toMatchObject({ status: 202, applied: null })
  expect(await submit('sse', 'respond-async, wait=30')).toMatchObject({ status: 202, applied: 'respond-async' })
  expect(await submit('sync', 'wait=30')).toMatchObject({ status: 202, applied: null })
  expect(await submit('sse', 'wait=0')).toMatchObject({ status: 202, applied: 'wait=0' })
})

test('a full node that must hold says so, and not that it leaves', async () => {
  const { status, detail } = await submit('sync')
  expect(status).toBe(503)
  expect(detail).toMatch(/holds as many answers as it may/)
})

test('a node with room has waited, and says so', async () => {
  await using other = await openGuardedApi()
  const how = submission('k', `Bearer ${operatorToken}`)
  const answer = await other.ask('/v1/tasks', {
    ...how,
    delivery: 'sse',
    headers: { ...how.headers, prefer: 'wait=1' },
  })
  expect([answer.status, answer.headers.get('preference-applied')]).toEqual([202, 'wait=1'])
})
