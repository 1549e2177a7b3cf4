import { expect, test } from 'vitest'
import { endSignalOf, serverOf, serversOf } from '../../../harness/runtimes/_shared/servers.ts'
import { servers } from '../../../servers/all.ts'

test('only what a database of ours keeps in the kernel is a reason for another end than SIGKILL', () => {
  expect(endSignalOf('/native/bin/postgres -D /tmp/outlast-1/3 -c port=7001')).toBe('SIGQUIT')
  expect(endSignalOf('postgres: checkpointer')).toBe('SIGQUIT')
  for (const command of ['/native/bin/initdb --pgdata x/postgres', 'postgres --boot', 'node patterns/work.ts'])
    expect(endSignalOf(command)).toBeUndefined()
})

test('a program that is no server is named, with those that there are', () => {
  expect(() => serverOf({ program: 'mysql' })).toThrow(/no program "mysql".*serve, work, postgres, redis/)
  expect(() => serverOf({ program: 'nginx' })).toThrow(/no program "nginx"/)
  expect(serversOf([{ role: 'api', program: 'serve', replicas: 1, dials: [] }])).toEqual([])
})

test.each([...servers.values()])('$name says how it starts as a node, and which image that is', (server) => {
  const { service, image, version } = server
  if (!service) return expect(image).toBeDefined()
  expect(version).toBeDefined()
  expect(service.process ?? service.container).toBeDefined()
  if (service.container) expect(image).toBeDefined()
})
