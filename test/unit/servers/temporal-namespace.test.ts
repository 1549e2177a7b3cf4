import { expect, test } from 'vitest'
import { registerNamespace } from '../../../servers/temporal/namespace.ts'
import { answering } from '../../support/answering.ts'

const soon = () => AbortSignal.timeout(5_000)

test('a namespace is registered with a server as soon as it is healthy', async () => {
  using server = await answering(503, 503, 200)
  await registerNamespace(server.url, soon())
  expect(server.asked()).toBe(3)
})

test('one that is there is fine', async () => {
  using server = await answering(409)
  await registerNamespace(server.url, soon())
  expect(server.asked()).toBe(1)
})

test('a refusal is told, and not repeated', async () => {
  using server = await answering(403)
  await expect(registerNamespace(server.url, soon())).rejects.toThrow(/registered no namespace: 403/)
  expect(server.asked()).toBe(1)
})

test('a server that never gets healthy is waited for as long as the signal says', async () => {
  using server = await answering(503)
  await expect(registerNamespace(server.url, AbortSignal.timeout(300))).rejects.toThrow(/abort|timeout/i)
})
