import { openDocker } from './docker-things.ts'
import { execFileSync } from './programs.ts'

/** What somebody else has on this machine: a container, a network, and a table of the packet filter of the host itself. */
export interface ForeignThings extends AsyncDisposable {
  /** All that can be seen of them: the same text as long as nobody touched them. */
  look(): Promise<string>
}

/** @param mark part of their names, which have nothing of ours in them */
export async function foreignThings(mark: string): Promise<ForeignThings> {
  await using stack = new AsyncDisposableStack()
  const docker = stack.use(await openDocker(mark))
  const name = `test-of-outlast-${mark}`
  await docker.network(name, {})
  const container = await docker.container(name, {}, { HostConfig: { NetworkMode: name } })
  await container.start()
  const table = foreignTable(`foreign_${mark.replaceAll('-', '_')}`)
  stack.defer(table.remove)
  const owned = stack.move()
  return {
    look: async () => {
      const { Id, State } = await container.inspect()
      return [Id, State.Status, State.Pid, State.StartedAt, ...(await docker.names(name)), table.list()].join('\n')
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** In the namespace in which the harness runs. */
function foreignTable(table: string): { list(): string; remove(): void } {
  const nft = (...args: readonly string[]) => execFileSync('nft', args, { encoding: 'utf8', stdio: 'pipe' })
  try {
    nft(`table inet ${table} { set s { type mark; elements = { 1 }; }; chain c { meta mark @s accept; }; }`)
  } catch (error) {
    console.log(`a foreign table of the packet filter not looked at: ${String(error).split('\n')[0]}`)
    return { list: () => '', remove: () => {} }
  }
  return { list: () => nft('list', 'table', 'inet', table), remove: () => void nft('delete', 'table', 'inet', table) }
}
