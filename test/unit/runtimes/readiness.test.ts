import { expect, test } from 'vitest'
import { waitUntilReady } from '../../../harness/runtimes/programs/readiness.ts'
import { answering } from '../../support/answering.ts'

test('what a node says is missing is made, nothing else, and then it is asked again', async () => {
  using server = await answering(503, 404, 200)
  let made = 0
  await waitUntilReady({ http: server.url, make: async () => void made++ }, AbortSignal.timeout(5_000))
  expect([made, server.asked()]).toEqual([1, 3])
})

test('what cannot be made is why a node does not get ready', async () => {
  using server = await answering(404)
  const make = () => Promise.reject(new Error('no such luck'))
  await expect(waitUntilReady({ http: server.url, make }, AbortSignal.timeout(5_000))).rejects.toThrow('no such luck')
})
