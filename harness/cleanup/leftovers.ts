import { describeError } from '../core/errors.ts'
import { readJournal, takenDown } from './journal.ts'
import type { Resource, Owner, Runtime, OwnedResource } from '../model/runtime.ts'
import { type LabelledProcess, listLabelled } from './processes.ts'
import { isAlive } from '../os/label.ts'
import { type Claim, findClaims, findUnclaimed, type Unclaimed } from './temp-folder.ts'

export interface RunLeftovers {
  readonly run: string
  /** `unclear`: its claimant cannot be checked from here. `foreign`: another user left it. */
  readonly state: 'alive' | 'dead' | 'unclear' | 'foreign'
  /** Its temporary folder, where that is here. */
  readonly folder?: string
  readonly processes: number
  readonly resources: readonly Resource[]
  /** Services of the user's that a dead run took down: names. */
  readonly down: readonly string[]
}

export interface Survey {
  readonly runs: readonly RunLeftovers[]
  /** Runtimes that could not be asked: a sentence each. */
  readonly troubles: readonly string[]
  /** What has a name like ours and is not believed, because another user may have made it: a sentence each. */
  readonly passedOver: readonly string[]
}

/**
 * Runs by their temporary folders, by what runtimes keep of them, and by the labels of processes: the folder may be
 * gone, or be elsewhere. `here`: without those of which there is nothing but processes. A process's own word about its
 * owner counts in any case. A claim that was copied from another temporary folder, or made up, does not overrule it.
 */
export async function findRuns(
  sweepers: readonly Pick<Runtime, 'name' | 'resources'>[],
  reach: 'machine' | 'here' = 'machine',
): Promise<Survey> {
  const troubles: string[] = []
  const asked = sweepers.map(async ({ name, resources }) =>
    resources().catch((error: unknown) => {
      troubles.push(`runtime ${name} cannot say what dead runs left: ${describeError(error)}`)
      return []
    }),
  )
  const resources = (await Promise.all(asked)).flat()
  const { claims, passedOver } = findClaims()
  const runs = gather({ claims, unclaimed: findUnclaimed(Date.now()), resources, labelled: listLabelled() }, reach)
  const foreign = runs
    .filter(({ state }) => state === 'foreign')
    .map((run) => `${describeLeftovers(run)}: another user's`)
  return { runs, troubles, passedOver: few([...passedOver, ...foreign]) }
}

const mostNamed = 100

/** Anybody can make a hundred thousand of them. */
function few(sentences: readonly string[]): readonly string[] {
  const more = sentences.length - mostNamed
  return more > 0 ? [...sentences.slice(0, mostNamed), `${more} more of the kind`] : sentences
}

interface Evidence {
  readonly claims: readonly Claim[]
  readonly unclaimed: readonly Unclaimed[]
  readonly resources: readonly OwnedResource[]
  readonly labelled: readonly LabelledProcess[]
}

function gather(
  { claims, unclaimed, resources, labelled }: Evidence,
  reach: 'machine' | 'here',
): readonly RunLeftovers[] {
  const named = [...resources, ...(reach === 'machine' ? labelled : [])].flatMap(({ run }) =>
    run === undefined ? [] : [run],
  )
  return [...new Set([...claims, ...unclaimed].map(({ run }) => run).concat(named))].map((run) => {
    const claim = claims.find((one) => one.run === run)
    const orphan = unclaimed.find((one) => one.run === run)
    const made = resources.filter((one) => one.run === run)
    const own = labelled.filter((one) => one.run === run)
    const owners = [claim, ...made, ...own].flatMap((one) => (one?.owner ? [one.owner] : []))
    const folder = claim?.folder ?? orphan?.folder
    const isOthers = folder === undefined && own.length === 0 && made.every(isForeign)
    const told = owners.length === 0 && orphan?.isDead ? 'dead' : stateOf(owners)
    const state = told !== 'alive' && isOthers ? 'foreign' : told
    const down = state === 'dead' && folder !== undefined ? downIn(folder) : []
    return { run, state, ...(folder !== undefined && { folder }), processes: own.length, resources: made, down }
  })
}

/** What is not believed is told by who removes it. */
function downIn(folder: string): readonly string[] {
  try {
    return takenDown(readJournal(folder)).map(({ name }) => name)
  } catch {
    return []
  }
}

/** All users of the daemon see what every user made with it. */
function isForeign({ uid }: OwnedResource): boolean {
  return uid !== undefined && uid !== process.geteuid?.()
}

/** One living claimant, or one that cannot be checked, is enough to leave the run alone. */
export function stateOf(
  owners: readonly Owner[],
  alive: (owner: Owner) => boolean | undefined = isAlive,
): RunLeftovers['state'] {
  const states = owners.map(alive)
  if (states.includes(true)) return 'alive'
  return states.length === 0 || states.includes(undefined) ? 'unclear' : 'dead'
}

/** `123-abc: 2 processes, 3 containers, 1 network, the folder ...`. */
export function describeLeftovers({ run, folder, processes, resources, down }: RunLeftovers): string {
  const kinds = Map.groupBy(resources, ({ kind }) => kind)
  const counts = [...kinds].map(([kind, some]) => countOf(some.length, kind))
  const services = down.map((name) => `your service ${name}, which it took down`)
  const ended = processes > 0 ? [countOf(processes, 'process')] : []
  const parts = [...services, ...ended, ...counts, ...(folder ? [folder] : [])]
  return `${run}: ${parts.join(', ')}`
}

function countOf(n: number, kind: string): string {
  return `${n} ${kind}${n === 1 ? '' : kind.endsWith('s') ? 'es' : 's'}`
}
