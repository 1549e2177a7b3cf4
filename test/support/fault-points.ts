import { readFileSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Names of the points in a module's text: the sources are the one list of them. */
export function faultPointsIn(source: string): readonly string[] {
  const points = [...source.matchAll(/\b(faultPoint|withFaultPoints)\('([^']+)'/g)]
  return points.flatMap(([, form, name]) => (form === 'faultPoint' ? [name!] : [`${name}.before`, `${name}.after`]))
}

/** Points that a process may pass which runs these modules: in them, and in whatever of ours they import. */
export function faultPointsFrom(...entries: readonly URL[]): readonly string[] {
  const seen = new Map<string, string>()
  const visit = (module: URL): void => {
    if (seen.has(module.href)) return
    const source = readFileSync(module, 'utf8')
    seen.set(module.href, source)
    for (const path of importsOf(source)) visit(new URL(path, module))
  }
  entries.forEach(visit)
  return [...new Set([...seen.values()].flatMap(faultPointsIn))].toSorted()
}

/** Types alone bring no code along. */
function importsOf(source: string): readonly string[] {
  return [...source.matchAll(/^(?:import|export)\s(?!type\b)[^']*?from '(\.[^']+)'/gm)].map(([, path]) => path!)
}

/** The folder that arms points (`patterns/contract/engine/fault-point.ts`), from the outside. */
export interface FaultPoints extends AsyncDisposable {
  /** For the environment of every process that is to pass points. */
  readonly env: Readonly<Record<string, string>>
  /** The `nth` passing from now on kills its process, and so do the `kills - 1` after that. */
  arm(point: string, nth: number, kills: number): Promise<void>
  /** How many deaths nobody has died yet. */
  pending(): Promise<number>
  /** Nobody is to die any more. */
  disarm(): Promise<void>
  /** What was passed since this was asked the last time, and how often. */
  passed(): Promise<ReadonlyMap<string, number>>
}

export async function openFaultPoints(): Promise<FaultPoints> {
  const folder = await mkdtemp(join(tmpdir(), 'outlast-points-'))
  const passed = join(folder, 'passed')
  await appendFile(passed, '')
  const tokens = async (): Promise<readonly string[]> => (await readdir(folder)).filter((file) => file.includes('@'))
  let told = 0
  const lines = async (): Promise<readonly string[]> => (await readFile(passed, 'utf8')).split('\n').slice(0, -1)
  return {
    env: { OUTLAST_FAULT_POINTS: folder },
    arm: async (point, nth, kills) => {
      const fates = [...Array<string>(nth - 1).fill('pass'), ...Array<string>(kills).fill('kill')]
      for (const [i, fate] of fates.entries())
        await writeFile(join(folder, `${point}@${String(i).padStart(4, '0')}-${fate}`), '')
    },
    pending: async () => (await tokens()).filter((token) => token.endsWith('kill')).length,
    disarm: async () => {
      for (const token of await tokens()) await rm(join(folder, token), { force: true })
    },
    passed: async () => {
      const news = (await lines()).slice(told)
      told += news.length
      const counts = new Map<string, number>()
      for (const name of news) counts.set(name, (counts.get(name) ?? 0) + 1)
      return counts
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
