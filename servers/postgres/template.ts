import { join } from 'node:path'
import type { Tables } from '../server.ts'
import { createTemplate } from './cluster.ts'

const templates = new Map<string, Promise<string>>()

/** The cluster to clone from. One is initialised per run and tables; every cell gets a copy. */
export function templateFor({
  temp,
  tables,
  signal,
}: {
  readonly temp: string
  readonly tables?: Tables | undefined
  readonly signal?: AbortSignal
}): Promise<string> {
  const folder = join(temp, `${tables?.name ?? 'postgres'}-template`)
  const make = tables?.make ?? createTemplate
  const made = templates.get(folder) ?? make(folder, signal).then(() => folder)
  templates.set(folder, made)
  return made
}
