import { expect, test, vi } from 'vitest'
import { caught, judge } from './support/illegal-server.ts'
import { illegalServers } from './support/illegal-servers.ts'

// @core: all servers and cases of one file share one processor. Each has its own server, and every case waits more than it works.
vi.setConfig({ maxConcurrency: 8 })

test.concurrent.each(illegalServers)(
  '$name is caught by its case, and by no other',
  { timeout: 240_000 },
  async (server) => {
    expect(await judge(server)).toEqual(caught(server))
  },
)
