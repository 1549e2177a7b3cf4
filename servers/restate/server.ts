import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { everyAddress } from '../_kit/addresses.ts'
import { packageVersion } from '../_kit/npm.ts'
import { versionOf } from '../_kit/version.ts'
import { whyNot } from '../_kit/why-not.ts'
import type { ContainerPlace, ContainerProgram, Server } from '../server.ts'
import { command, serverBinary, serverEnvironment } from './settings.ts'

const server: Server = {
  name: 'restate',
  title: 'Restate',
  summary: 'a server that pushes work to services and journals every step',
  isFromNpm: true,
  version: async () => versionOf(serverBinary()),
  whyNot: () => whyNot(serverBinary),
  image: {
    pin: 'docker.io/restatedev/restate:1.7.12@sha256:bb9c93ab92bb401548841b35dba0e7236a3b108bc1d7d4c06a8f3ece46b80d4b',
    versions: () => [packageVersion('@restatedev/restate-server')],
    layOut: (folder) => cp(serverBinary(), join(folder, 'restate-server')),
  },
  service: {
    ports: { port: 8080, control: 9070 },
    ready: { http: '/restate/health' },
    endSignal: 'SIGKILL',
    process: { command },
    container,
  },
}
export default server

function container({ port, controlPort, timeouts }: ContainerPlace): ContainerProgram {
  return {
    command: ['--no-logo', '--base-dir', '/restate-data'],
    env: serverEnvironment(everyAddress, port, controlPort, timeouts),
    memoryBytes: 2 ** 30,
    cpus: 2,
  }
}
