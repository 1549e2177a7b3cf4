import { chmodSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { describeError, HarnessError, UsageError } from '../core/errors.ts'
import { isOwn, mustBeOwnFolder, readOwn, sharedFolderFlaw, UntrustedFile } from '../core/own-file.ts'
import type { Owner } from '../model/runtime.ts'
import { readRunName, tempPrefix, isTaken, thisProcess } from '../os/label.ts'

export const ownerFile = 'owner.json'
const maxClaimBytes = 4_096

/** A run's temporary folder, and who owns it. */
export interface Claim {
  readonly run: string
  readonly folder: string
  readonly owner: Owner
}

/** What is found in the temporary folder of this machine, where every user may put what they like. */
export interface Claims {
  readonly claims: readonly Claim[]
  /** What has a name like ours and is not believed: a sentence each. */
  readonly passedOver: readonly string[]
}

/** Set a umask that shuts others out. Throws UsageError where others could replace files in the temporary folder. */
export function shutOthersOut(): void {
  process.umask(process.umask() | 0o022)
  const flaw = sharedFolderFlaw(tempRoot())
  if (flaw !== undefined)
    throw new UsageError(`the temporary folder ${tempRoot()} ${flaw}; set TMPDIR to a folder of your own`)
  process.env['TMPDIR'] = tempRoot()
}

/** Of this machine, in full: from where a server works, and in the kernel's list of mounts, a relative one is none. */
function tempRoot(): string {
  return resolve(tmpdir())
}

/** Make the run's temporary folder and write down who owns it, before anything is started. Shuts others out. */
export function claimTemp(run: string): string {
  shutOthersOut()
  const folder = join(tempRoot(), tempPrefix + run)
  try {
    // Never an existing one: its maker may have put something into it.
    mkdirSync(folder, { mode: 0o700 })
    // A server that runs as another user must be able to enter its own data folder below, whatever the umask.
    chmodSync(folder, 0o711)
    mustBeOwnFolder(folder)
    writeFileSync(join(folder, ownerFile), JSON.stringify({ run, ...thisProcess() }), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (error instanceof UntrustedFile) throw error
    throw new HarnessError(`cannot make the temporary folder ${folder}: ${describeError(error)}`)
  }
  return folder
}

/** This user's runs by their temporary folders. Claims of other users, and copies of a claim, count for nothing. */
export function findClaims(): Claims {
  const flaw = sharedFolderFlaw(tempRoot())
  if (flaw !== undefined) return { claims: [], passedOver: [`${tempRoot()} ${flaw}`] }
  const passedOver: string[] = []
  const claims = listNames().flatMap((name) => {
    try {
      return readClaim(name)
    } catch (error) {
      if (!(error instanceof UntrustedFile)) throw error
      passedOver.push(error.message)
      return []
    }
  })
  return { claims, passedOver }
}

/** Names in the temporary folder of this machine that begin as ours do, and are of this user. */
export function listTemp(): readonly string[] {
  return listNames().filter((name) => isOwn(join(tempRoot(), name)))
}

function listNames(): readonly string[] {
  try {
    return readdirSync(tempRoot()).filter((name) => name.startsWith(tempPrefix))
  } catch {
    return []
  }
}

/** None where there is no claim, or where the folder went in between. Throws UntrustedFile. */
function readClaim(name: string): readonly Claim[] {
  const folder = join(tempRoot(), name)
  const file = join(folder, ownerFile)
  try {
    mustBeOwnFolder(folder)
    const { run, ...owner } = parseClaim(file, readOwn(file, maxClaimBytes))
    if (tempPrefix + run !== name) throw new UntrustedFile(file, 'claims another folder than its own')
    return [{ run, folder, owner }]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const claimSchema = z.object({
  run: z.string(),
  pid: z.int().min(1),
  startTicks: z.string(),
  place: z.string(),
})

function parseClaim(file: string, text: string): z.infer<typeof claimSchema> {
  try {
    return claimSchema.parse(JSON.parse(text))
  } catch {
    throw new UntrustedFile(file, 'does not say who owns the folder')
  }
}

/** A folder that is named as a run's, is this user's, and in which nobody says whose it is. */
export interface Unclaimed {
  readonly run: string
  readonly folder: string
  /** False where the process of its name runs: it may be another one by now. */
  readonly isDead: boolean
}

/** A run writes down that it owns its folder in the same moment in which it makes it. */
const youngMs = 10_000

/** Folders without a claim: of a full disk, of a write after the deletion, of a deletion that was cut short. */
export function findUnclaimed(nowMs: number): readonly Unclaimed[] {
  return listTemp().flatMap((name) => {
    const [folder, run] = [join(tempRoot(), name), name.slice(tempPrefix.length)]
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
