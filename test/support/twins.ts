import { readdir, readFile, writeFile } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { portsByFolder } from './port-census.ts'
import { type Finished, outlast } from './outlast.ts'

/** Kills, so that ports are left and taken again, and a server that is told its port. What a busy machine does is not asked. */
const scenario = `name: twins
question: Does a run that starts beside another one talk to its own?
seed: 5
timeScale: 60
profile: smoke
patterns: [polling, sse-polling+postgres]
load: { tasks: 20, arrivals: uniform, rate: 10/min }
grace: 2m
replicas: { api: 2, executor: 2 }
restartDelay: 30s
arms:
  kill:
    - { fault: kill, target: executor-*, on: { task: 6, step: 1, after: 2s }, for: 30s }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

/** What became of runs that were started in one instant. */
export interface Twins {
  /** Ports that two of them had at the same time: listened on, or told to a node. */
  readonly sharedPorts: readonly number[]
  /** What a run met that was not its own, or could not have: from its records and logs. */
  readonly meetings: readonly string[]
  /** By run. */
  readonly codes: readonly (number | null)[]
  /** How often it was looked, and how many different ports were seen: none would show nothing. */
  readonly looks: number
  readonly ports: number
  readonly output: string
}

/** Start so many runs in the same instant, of one checkout, each with folders of its own below `base`. */
export async function startTwins(base: string, count: number, options: readonly string[] = []): Promise<Twins> {
  const file = join(base, 'twins.yaml')
  await writeFile(file, scenario)
  const places = Array.from({ length: count }, (_, i) => ({
    out: join(base, `runs-${i}`),
    tmp: join(base, `tmp-${i}`),
  }))
  for (const { tmp } of places) mkdirSync(tmp, { mode: 0o711 })
  const census = takeCensus(places.map(({ tmp }) => tmp))
  const started = places.map(({ out, tmp }) => outlast(['run', file, '--out', out, '--quiet', ...options], tmp))
  const finished: readonly Finished[] = await Promise.all(started)
  const seen = await census.end()
  const meetings = await Promise.all(places.map(({ out }) => meetingsOf(out)))
  return {
    ...seen,
    meetings: meetings.flat(),
    codes: finished.map(({ code }) => code),
    output: finished.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
  }
}

function takeCensus(folders: readonly string[]) {
  const [shared, all] = [new Set<number>(), new Set<number>()]
  let looks = 0
  let over = false
  const look = async (): Promise<void> => {
    while (!over) {
      const owners = new Map<number, string>()
      for (const [folder, ports] of portsByFolder(folders))
        for (const port of ports) {
          all.add(port)
          if ((owners.get(port) ?? folder) !== folder) shared.add(port)
          owners.set(port, folder)
        }
      looks++
      await sleep(250)
    }
  }
  const looking = look()
  return {
    end: async () => {
      over = true
      await looking
      return { sharedPorts: [...shared], ports: all.size, looks }
    },
  }
}

const foreign = /"f":"stranger"|unauthorized/
const taken = /EADDRINUSE|address (?:is )?(?:already )?in use/i

/** Lines of histories and logs that tell of others. */
async function meetingsOf(out: string): Promise<readonly string[]> {
  const files = await readdir(out, { recursive: true, withFileTypes: true })
  const told = files
    .filter((file) => file.isFile() && /\.(log|ndjson)$/.test(file.name))
    .map(async ({ name, parentPath }) => {
      const lines = (await readFile(join(parentPath, name), 'utf8')).split('\n')
      const telling = name.endsWith('.log') ? taken : foreign
      return lines.filter((line) => telling.test(line)).map((line) => `${join(parentPath, name)}: ${line}`)
    })
  return (await Promise.all(told)).flat()
}
