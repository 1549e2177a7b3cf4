import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Engine } from '../types/engine.ts'
import type { BackendModule, WorkerModule } from './backend.ts'

const engines = new URL('../../engines/', import.meta.url)
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** What opens an engine's backend: in its folder, or the module that the settings name. */
export async function loadBackend(node: {
  readonly engine: string
  readonly backend?: string | undefined
}): Promise<BackendModule> {
  const module = node.backend === undefined ? await engineModule(node.engine, 'backend') : pathToFileURL(node.backend)
  return (await import(module.href)) as BackendModule
}

/** What starts a worker of an engine. */
export async function loadWorker(engine: string): Promise<WorkerModule> {
  return (await import((await engineModule(engine, 'worker')).href)) as WorkerModule
}

/**
 * The address of a module in an engine's folder. A variant has the modules of the engine that declares it, and its name begins
 * with the name of that engine: `queue-memo` is in `queue`. Throws when there is no engine of this name.
 */
export async function engineModule(name: string, file: 'backend' | 'worker'): Promise<URL> {
  const parts = /^[a-z][a-z0-9-]*$/.test(name) ? name.split('-') : []
  for (let length = parts.length; length > 0; length--) {
    const folder = parts.slice(0, length).join('-')
    const declaration = new URL(`${folder}/engine.${extension}`, engines)
    if (!existsSync(declaration)) continue
    const { default: engine } = (await import(declaration.href)) as { readonly default: Engine }
    if ([engine, ...(engine.variants ?? [])].some((one) => one.name === name))
      return new URL(`${folder}/${file}.${extension}`, engines)
  }
  throw new Error(`there is no engine "${name}" in patterns/engines`)
}
