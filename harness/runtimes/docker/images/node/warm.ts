/**
 * Runs once, while the node image is built. It imports what a node may import, so that the compile cache is full before
 * the first start. It also makes the bundles of workflows. A package that is missing in the image fails the
 * build here and not a run later.
 */
import { globSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** They start a node when they are imported; without settings they throw, and are compiled by then. */
const entries = ['patterns/serve.ts', 'patterns/work.ts', 'patterns/gateway.ts']

const load = (file: string): Promise<unknown> => import(pathToFileURL(file).href)
for (const file of globSync('patterns/**/*.ts').filter((file) => !entries.includes(file))) await load(file)
for (const entry of entries) await load(entry).catch(() => {})
// What an engine's workers would bundle at their first start; an engine whose packages nobody asked for is not in the image.
for (const file of globSync('patterns/engines/*/bundle.ts'))
  await ((await load(file)) as { workflowBundle(): Promise<unknown> }).workflowBundle()
// What was imported may hold timers; the cache is written at exit.
process.exit(0)
