import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import redis from '../../../servers/redis/server.ts'
import { command, createData, readPassword, serverSettings } from '../../../servers/redis/server.ts'

afterEach(() => vi.unstubAllEnvs())

test('what is acknowledged is on the disk, and nothing forks the server', () => {
  const settings = serverSettings({ bind: '127.0.0.1', port: 7001, dir: '/data of mine', password: 'secret' })
  const lines = [
    'bind 127.0.0.1',
    'port 7001',
    'dir "/data of mine"',
    'requirepass secret',
    'appendfsync always',
    'save ""',
  ]
  expect(settings.split('\n')).toEqual(expect.arrayContaining(lines))
})

test('without a server on the PATH there is a reason that says how to get one', async () => {
  vi.stubEnv('PATH', '/nowhere')
  expect(await redis.whyNot!()).toMatch(/no redis-server on the PATH: apt-get install redis-server/)
})

const missing = await redis.whyNot!()
test.skipIf(missing !== undefined)(
  `the password is in files of their owner, and in no argument${missing ? ` (skipped: ${missing})` : ''}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'outlast-redis-'))
    const dataDir = join(folder, 'store')
    try {
      await createData(dataDir)
      const { args, env } = await command({ dataDir, host: '127.0.0.1', port: 7001, controlPort: 7001 })
      const password = await readPassword(dataDir)
      expect(password).toMatch(/^[0-9a-f]{48}$/)
      expect(JSON.stringify([args, env])).not.toContain(password)
      for (const file of ['password', 'redis.conf']) expect((await stat(join(dataDir, file))).mode & 0o077).toBe(0)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
