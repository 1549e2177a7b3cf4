import { everyAddress } from '../_kit/addresses.ts'
import { versionOf } from '../_kit/version.ts'
import { whyNot } from '../_kit/why-not.ts'
import type { ContainerPlace, ContainerProgram, Server } from '../server.ts'
import { command, createData, findServer, readPassword, serverSettings } from './settings.ts'

const server: Server = {
  name: 'redis',
  title: 'Redis',
  summary: 'a store in memory whose log is synced before it answers',
  version: async () => versionOf(await findServer()),
  whyNot: () => whyNot(findServer),
  image: {
    pin: 'docker.io/library/redis:7.2.14-alpine3.21@sha256:dfa18828cbc07b3ae6a95ec7343f6c214fdee2d836197b4be8e9904420762cd8',
  },
  service: {
    ports: { port: 6379 },
    ready: 'tcp',
    endSignal: 'SIGKILL',
    store: { url: (address, password) => `redis://:${password}@${address}` },
    process: { prepare: createData, password: readPassword, command },
    container,
  },
}
export default server

function container({ port, password }: ContainerPlace): ContainerProgram {
  const settings = '/etc/redis.conf'
  return {
    command: ['redis-server', settings],
    env: {},
    files: { [settings]: serverSettings({ bind: everyAddress, port, dir: '/data', password }) },
    user: 'redis',
    memoryBytes: 256 * 2 ** 20,
    cpus: 2,
  }
}
