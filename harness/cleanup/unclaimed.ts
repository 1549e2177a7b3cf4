import { lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readRunName, tempPrefix } from '../os/label.ts'
import { isTaken } from '../os/owner.ts'
import { listTemp, ownerFile } from './temp-folder.ts'

/** A folder that is named as a run's, is this user's, and in which nobody says whose it is. */
export interface Unclaimed {
  readonly run: string
  readonly folder: string
  /** False where the process of its name runs: it may be another one by now. */
  readonly isDead: boolean
}

/** A run writes down that it owns its folder in the same moment in which it makes it. */
const youngMs = 10_000

/**
 * What is left where a disk was full, where a process wrote after the folder was deleted, or where a deletion was cut
 * short.
 */
export function findUnclaimed(nowMs: number): readonly Unclaimed[] {
  return listTemp().flatMap((name) => {
    const [folder, run] = [join(tmpdir(), name), name.slice(tempPrefix.length)]
    const named = readRunName(run)
    if (!named || nowMs - named.startedAtMs < youngMs || !isOwnFolder(folder) || isClaimed(folder)) return []
    return [{ run, folder, isDead: !isTaken(named.pid) }]
  })
}

function isOwnFolder(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  return stats !== undefined && stats.isDirectory() && stats.uid === process.geteuid?.()
}

/** By any entry of that name: one that is not believed is reported elsewhere. */
function isClaimed(folder: string): boolean {
  return lstatSync(join(folder, ownerFile), { throwIfNoEntry: false }) !== undefined
}
