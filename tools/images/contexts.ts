import { cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { devServerFromSource, install, temporalFromSource } from '../../servers/_kit/install.ts'
import {
  checkout,
  isRead,
  packagesOf,
  pinnedNode,
  nodeFiles,
  sourceOf,
} from '../../harness/runtimes/docker/images/node-files.ts'
import {
  type ImageName,
  type Ingredients,
  type Source,
  toxiproxyVersion,
} from '../../harness/runtimes/docker/images/references.ts'
import { nativeFolder } from '../../servers/postgres/binaries.ts'
import { linkLibraries } from '../../servers/postgres/library-links.ts'
import { serverBinary } from '../../servers/restate/settings.ts'
import { builtDevServer } from '../../servers/temporal-dev/releases.ts'
import { findTemporal } from '../../servers/temporal/binaries.ts'
import { run } from '../../servers/_kit/command.ts'
import { downloadPackages, packagesIn } from './packages.ts'

export interface Order {
  readonly ingredients: Ingredients
  readonly source: Source
  readonly base: string
  /** Exists and is empty: what the Dockerfile may copy goes here. */
  readonly folder: string
}

/** How to lay out what each Dockerfile copies. */
export const contexts: Readonly<Record<ImageName, (order: Order) => Promise<void>>> = {
  node: layNode,
  router: (order) => layPackages(order, 'router'),
  nginx: (order) => layPackages(order, 'nginx'),
  redis: (order) => layPackages(order, 'redis'),
  postgres: layPostgres,
  toxiproxy: layToxiproxy,
  restate: layRestate,
  temporal: layTemporal,
  'temporal-dev': layDevServer,
}

async function layNode({ folder }: Order): Promise<void> {
  const files = nodeFiles()
  await cp(join(checkout, pinnedNode(), 'bin/node'), join(folder, 'node'))
  await cp(join(checkout, 'images/warm.ts'), join(folder, 'warm.ts'))
  for (const path of files) {
    const target = join(folder, 'app', path)
    await mkdir(dirname(target), { recursive: true })
    await cp(join(checkout, sourceOf(path)), target)
  }
  for (const path of packagesOf(files))
    await cp(join(checkout, path), join(folder, path), { recursive: true, filter: isRead })
  // All of package.json that Node reads here. The rest changes often and would only make images stale.
  await writeFile(join(folder, 'app/package.json'), '{ "name": "outlast", "type": "module" }\n')
}

async function layPackages({ ingredients, source, base, folder }: Order, name: ImageName): Promise<void> {
  const packages = join(folder, 'packages')
  await mkdir(packages)
  if (source === 'offline') await downloadPackages(base, packagesIn(ingredients.recipes[name]), packages)
}

async function layRestate(order: Order): Promise<void> {
  await cp(serverBinary(), join(order.folder, 'restate-server'))
  await layPackages(order, 'restate')
}

async function layPostgres({ folder }: Order): Promise<void> {
  const filter = (path: string): boolean => !path.endsWith('.a')
  const native = join(folder, 'native')
  await cp(nativeFolder(), native, { recursive: true, verbatimSymlinks: true, filter })
  await linkLibraries(native)
  await cp(join(checkout, 'images/postgres-entrypoint.sh'), join(folder, 'postgres-entrypoint.sh'))
}

/** Built as for runs without containers, and kept there. */
async function layTemporal({ folder }: Order): Promise<void> {
  await install(temporalFromSource())
  const { server, sql } = await findTemporal()
  await cp(server, join(folder, 'temporal-server'))
  await cp(sql, join(folder, 'temporal-sql-tool'))
  await cp(join(checkout, 'images/temporal-entrypoint.sh'), join(folder, 'temporal-entrypoint.sh'))
}

async function layDevServer({ folder }: Order): Promise<void> {
  await install(devServerFromSource())
  await cp(builtDevServer().program, join(folder, 'temporal'))
}

async function layToxiproxy({ ingredients, folder }: Order): Promise<void> {
  const version = toxiproxyVersion(ingredients.pins)
  const stamp = `-s -w -X github.com/Shopify/toxiproxy/v2.Version=${version}`
  const server = `github.com/Shopify/toxiproxy/v2/cmd/server@v${version}`
  await run('go', ['install', '-trimpath', '-ldflags', stamp, server], 'install Go 1.23 or newer (go.dev/dl)', {
    env: { GOBIN: folder, CGO_ENABLED: '0' },
  })
}
